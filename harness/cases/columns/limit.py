"""The columns of a case frame that only searches under a limit fill, and what they conclude."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.planning.limit_search import Attempt, Frontier, frontier
from harness.schema.records import Outcome, PlannedCase, Trial
from harness.units import format_size

GIB = 1024**3
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


def attempts_of(trials: Iterable[Trial]) -> list[Trial]:
    """The attempts of a search, in their order."""
    found = (trial for trial in trials if trial.kind == "limit" and trial.limit)
    return sorted(found, key=lambda trial: trial.round)


def as_attempt(trial: Trial) -> Attempt:
    """What a search needs to know of a trial."""
    assert trial.limit is not None
    return Attempt(trial.limit.size_bytes, trial.outcome)


def limit_outcome(trials: Sequence[Trial]) -> Outcome | None:
    """The outcome of a search: ok where it found the frontier; None where nothing was tried."""
    found = attempts_of(trials)
    if not found:
        return None
    edge = _frontier(found)
    if edge.done:
        return edge.outcome
    known = {"survived": edge.survived_bytes, "did not": edge.failed_bytes}
    said = ", ".join(f"{format_size(size)} {what}" for what, size in known.items() if size)
    return Outcome("skipped", f"the search was cut short: {said}")


def _frontier(found: Sequence[Trial]) -> Frontier:
    assert found[0].limit is not None
    return frontier([as_attempt(trial) for trial in found], found[0].limit.budget_bytes)


def limit_columns(planned: PlannedCase, trials: Sequence[Trial]) -> dict[str, Any]:
    """What the search of one case found out."""
    found = attempts_of(trials)
    if not found:
        return {}
    edge = _frontier(found)
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


def held_multiple(trials: Iterable[Trial]) -> float:
    """What was held before the call, as a multiple of the inputs; NaN where none came so far.

    Of the largest inputs, beside which the interpreter's own pages are least.
    """
    held = (
        (trial.payload_bytes, trial.limit.held_bytes / trial.payload_bytes)
        for trial in trials
        if trial.limit and trial.limit.held_bytes is not None and trial.payload_bytes
    )
    return max(held, default=(0, math.nan))[1]


def predicted_multiple(copies: float | None, trials: Sequence[Trial]) -> tuple[float, float]:
    """What the data needs, as a multiple; and how much of the inputs the size asked for is.

    A cost model counts what a call adds to what is there already. Inputs may be larger than the
    size asked for: labels come on top of it.
    """
    if copies is None:
        return math.nan, 1.0
    held = held_multiple(trials)
    known = next((trial for trial in trials if trial.limit and trial.payload_bytes), None)
    scale = known.limit.size_bytes / known.payload_bytes if known and known.limit else 1.0
    return (1.0 if math.isnan(held) else held) + copies, scale


def predicted_size(free_bytes: float, multiple: float) -> float:
    """The largest size that fits in so much memory; infinite where none is needed."""
    if multiple <= 0:
        return math.inf
    return max(0.0, free_bytes) / multiple


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
