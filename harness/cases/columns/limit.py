"""The columns of a case frame that only searches under a limit fill, and what they conclude."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from harness.planning.limit_search import (
    Frontier,
    attempts_of,
    frontier_of,
    held_multiple,
    predicted_multiple,
    predicted_size,
)
from harness.schema.records import PlannedCase, Trial
from harness.units import GIB

FITS_GIB = (8, 32, 128)
"""Memories that the verified model is extrapolated to."""
VERIFIED_SHARE = 0.02
"""A model is verified by a search that finds what it predicts, or misses it by less than this."""

LIMIT_COLUMNS: Mapping[str, str] = {
    "survived_bytes": "largest size that survived under the limit, below the smallest that failed",
    "failed_bytes": "smallest size that did not survive; missing where none was found",
    "beyond": "everything survived, up to the largest size that was tried: it needs no memory",
    "predicted_bytes": "largest size by the cost model; infinite where it says: no memory at all",
    "base_bytes": "of the budget, what Python, NumPy and torch had taken before any data",
    "budget_multiple": "the budget as a multiple of the largest size that survived",
    "found_multiple": "what the largest size could have, (budget − base) ÷ survived_bytes",
    "predicted_multiple": "what the model says it needs: held_multiple + copies",
    "held_multiple": "inputs and setup, before the call: 1, 0 for files, more with buffers",
    "verified": "whether the cost model predicts what was found, within 2 %",
    **{
        f"fits_{gib}gib_bytes": f"largest size with {gib} GiB by the model, where it is verified "
        "and the same at every size"
        for gib in FITS_GIB
    },
    "attempts": "processes that the search took",
    "monotonic": "False where a size survived that is larger than one that failed",
    "failure_kind": "what gave way at failed_bytes, or in any other case that failed",
    "failure_where": "the line of the scenario that failed: file.py:LINE: source",
    "failure_stage": "what was being done then: inputs (loading them) or call",
    "failure_reason": "how the trial at failed_bytes ended, in one line",
}
"""Sizes are those asked for, in bytes; the budget itself is the parameter ``budget_bytes``."""


def limit_columns(planned: PlannedCase, trials: Sequence[Trial]) -> dict[str, Any]:
    """What the search of one case found out."""
    found = attempts_of(trials)
    if not found:
        return {}
    edge = frontier_of(found)
    limit = found[0].limit
    assert limit is not None
    # One that died without a word may not have told.
    base_bytes = max(trial.limit.base_bytes for trial in found if trial.limit)
    free = limit.budget_bytes - base_bytes
    multiple, scale = predicted_multiple(planned.expected_copies, found)
    row: dict[str, Any] = {
        "survived_bytes": edge.survived_bytes or math.nan,
        "failed_bytes": edge.failed_bytes or math.nan,
        "beyond": edge.beyond,
        "predicted_bytes": predicted_size(free, multiple) * scale,
        "base_bytes": base_bytes,
        "budget_multiple": _over(limit.budget_bytes, edge.survived_bytes),
        "found_multiple": _over(free, edge.survived_bytes),
        "predicted_multiple": multiple,
        "held_multiple": held_multiple(found),
        "attempts": len(found),
        "monotonic": edge.monotonic,
        **_failure(found, edge),
    }
    row["verified"] = verified(row)
    if planned.size_dependent:
        return row  # what holds here says nothing of larger sizes
    whole = {**row, "budget_bytes": limit.budget_bytes}
    return row | {f"fits_{gib}gib_bytes": fits(whole, gib * GIB) for gib in FITS_GIB}


def _over(bytes_: float, size_bytes: int | None) -> float:
    return bytes_ / size_bytes if size_bytes else math.nan


def _failure(trials: Sequence[Trial], edge: Frontier) -> dict[str, str]:
    """How the smallest size that failed did so."""
    for trial in trials:
        if trial.limit and not trial.outcome.ok and trial.limit.size_bytes == edge.failed_bytes:
            return {
                "failure_kind": trial.outcome.kind,
                "failure_where": trial.outcome.where,
                "failure_stage": trial.limit.stage,
                "failure_reason": trial.outcome.reason,
            }
    return {}


def verified(row: Mapping[str, Any]) -> bool | None:
    """Whether the model predicts the frontier that was found; None where there is no model."""
    predicted, survived, failed = (
        float(row[name]) for name in ("predicted_bytes", "survived_bytes", "failed_bytes")
    )
    if math.isnan(predicted) or math.isnan(survived):
        return None
    at_least = predicted >= survived * (1 - VERIFIED_SHARE)
    return bool(at_least and (math.isnan(failed) or predicted <= failed * (1 + VERIFIED_SHARE)))


def fits(row: Mapping[str, Any], budget_bytes: float) -> float:
    """The largest size with another budget, by the model of a case that verified it; else NaN."""
    if not row.get("verified"):
        return math.nan
    free = row["budget_bytes"] - row["base_bytes"]
    more = budget_bytes - row["base_bytes"]
    return float(row["predicted_bytes"] * more / free) if more > 0 < free else math.nan
