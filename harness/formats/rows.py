"""Rows of a frame, as the formats read them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd


def records(cases: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame, by column."""
    return [{str(name): value for name, value in row.items()} for row in cases.to_dict("records")]


def known(value: Any) -> bool:
    """Whether a cell holds anything."""
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def plain(value: Any) -> Any:
    """A cell as JSON knows it; None of what is not known, or no number at all."""
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def plain_within(value: Any) -> Any:
    """A value with all that is in it as JSON knows it."""
    if isinstance(value, Mapping):
        return {name: plain_within(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_within(item) for item in value]
    return plain(value)


def has_interval(row: dict[str, Any]) -> bool:
    """Whether a case was timed in processes enough for an interval.

    Of one process the ends are its median, and hold the true one with probability 0: consumers
    would take that for an interval of no width.
    """
    return known(row["coverage"]) and bool(row["coverage"] > 0)
