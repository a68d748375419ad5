"""The public path of :mod:`harness.scenario.batches`."""

from __future__ import annotations

from harness.scenario.batches import (
    START_METHODS,
    number_rows,
    row_numbers,
    verify_epoch,
    verify_file_epoch,
)

__all__ = ["START_METHODS", "number_rows", "row_numbers", "verify_epoch", "verify_file_epoch"]
