"""JSON, an array with one object per case; missing values are null."""

from __future__ import annotations

import json
from typing import TextIO

import pandas as pd

from harness.formats.rows import plain, records
from harness.journal.lines import Run


def write(run: Run, cases: pd.DataFrame, stream: TextIO) -> int:
    """Write the frame, no number rounded; a count is 3.0 in a column where others are missing."""
    rows = [{name: plain(value) for name, value in row.items()} for row in records(cases)]
    if rows:
        json.dump(rows, stream, indent=1, ensure_ascii=False, allow_nan=False)
        stream.write("\n")
    return len(rows)
