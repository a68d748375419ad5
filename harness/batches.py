"""The public path of :mod:`harness.scenario.batches`."""

from __future__ import annotations

from harness.scenario.batches import number_rows, row_numbers, verify_epoch, verify_file_epoch

__all__ = ["number_rows", "row_numbers", "verify_epoch", "verify_file_epoch"]
