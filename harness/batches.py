"""The public path of :mod:`harness.scenario.batches` and :mod:`harness.scenario.parts`."""

from __future__ import annotations

from harness.scenario.batches import (
    START_METHODS,
    number_rows,
    row_numbers,
    verify_epoch,
    verify_file_epoch,
)
from harness.scenario.parts import verify_part

__all__ = [
    "START_METHODS",
    "number_rows",
    "row_numbers",
    "verify_epoch",
    "verify_file_epoch",
    "verify_part",
]
