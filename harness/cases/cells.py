"""The cells of a case frame as plain values.

What a frame leaves empty is ``nan`` for a number, ``None`` for a truth value, "" for a text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from harness.stats.intervals import Interval

Record = Mapping[str, Any]
"""One row of a case frame, by column; what only some cases have may be missing from it."""


def number(value: Any) -> float:
    """A frame's number; ``nan`` where it has none."""
    return math.nan if value is None or pd.isna(value) else float(value)


def text(value: Any) -> str:
    """A frame's text; "" where it has none."""
    return "" if value is None or (not isinstance(value, str) and pd.isna(value)) else str(value)


def truth(value: Any) -> bool | None:
    """A frame's truth value; ``None`` where it has none."""
    return None if value is None or pd.isna(value) else bool(value)


def interval(record: Record, median: str, low: str, high: str) -> Interval:
    """Three columns of a frame as one value, with how far they can be trusted."""
    coverage = number(record["coverage"])
    return Interval(
        number(record[median]),
        number(record[low]),
        number(record[high]),
        0.0 if math.isnan(coverage) else coverage,
        int(record["trials"]),
    )
