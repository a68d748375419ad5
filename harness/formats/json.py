"""JSON, an array with one object per case; missing values are null."""

from __future__ import annotations

from typing import TextIO

import pandas as pd

from harness.journal.lines import Run


def write(run: Run, cases: pd.DataFrame, stream: TextIO) -> None:
    """Write the frame, at full precision."""
    cases.to_json(stream, orient="records", indent=1, double_precision=15, force_ascii=False)
    stream.write("\n")
