"""Searches under a limit as a report writes them: sizes, what they need, and how they end."""

from __future__ import annotations

import math

from harness.analysis.failure_wording import code_of, place_of
from harness.analysis.verdict_limit import largest_text
from harness.analysis.wording import percent
from harness.cases.parts.limit import LimitSummary
from harness.cases.summary import CaseSummary
from harness.charts.chart import Tip
from harness.units import MISSING, format_multiple, format_size

STAGES = {"inputs": "loading the data", "call": "the call"}
"""What was being done when a size failed."""


def largest_tip(row: CaseSummary) -> Tip:
    """What a reader sees on pointing at a largest size."""
    if row.limit is None:
        return ()
    limit = row.limit
    return (
        ("survives", largest_text(row)),
        ("of the budget", format_multiple(limit.share)),
        ("takes", needs_text(limit)),
        ("predicted", predicted_text(limit)),
        ("above it", beyond_text(limit)),
    )


def needs_text(limit: LimitSummary) -> str:
    """``2.01× the data``: what each byte of it could have at the most, beside the base."""
    if limit.beyond:
        return f"less than {format_multiple(limit.found_multiple)} the data"
    return f"{format_multiple(limit.found_multiple)} the data"


def predicted_text(limit: LimitSummary) -> str:
    """``295 MiB, by 2.00× the data``."""
    if math.isnan(limit.predicted_bytes):
        return "no model"
    return f"{any_size(limit.predicted_bytes)}, by {format_multiple(limit.predicted_multiple)}"


def any_size(size_bytes: float) -> str:
    """A size; what takes no memory fits at any."""
    return "any size" if math.isinf(size_bytes) else format_size(size_bytes)


def deviation_text(limit: LimitSummary) -> str:
    """``+0.3%`` of the budget; what lies beyond the largest size tried misses by no known share."""
    if math.isnan(limit.deviation):
        return MISSING
    share = percent(limit.deviation)
    return share if share.startswith("-") or share == "0%" else f"+{share}"


def beyond_text(limit: LimitSummary) -> str:
    """``tensor memory at tensor_from_array.py:57``; nothing of what never failed."""
    if limit.beyond or not limit.kind:
        return limit.reason or MISSING
    place = place_of(limit.where)
    line = code_of(limit.where)
    return f"{limit.kind}{f' at {place}' if place else ''}{f': {line}' if line else ''}"
