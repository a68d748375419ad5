"""Comma-separated values, one row per case; bytes, seconds and plain ratios, never rounded."""

from __future__ import annotations

from typing import TextIO

import pandas as pd

from harness.journal.lines import Run


def write(run: Run, cases: pd.DataFrame, stream: TextIO) -> int:
    """Write the frame with its header; missing values are empty."""
    if len(cases):
        cases.to_csv(stream, index=False)
    return len(cases)
