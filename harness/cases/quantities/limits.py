"""The quantities of searches under a limit.

Sizes are the requested ones; the budget itself is the parameter ``budget_bytes``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.cases.parts.limit import FITS_GIB, LimitSummary
from harness.cases.quantities.quantity import Quantity, Unit, where


def _limit(name: str, unit: Unit, doc: str, read: Callable[[LimitSummary], Any]) -> Quantity:
    return Quantity(name, unit, doc, where(lambda case: case.limit, read))


def _fits(gib: int) -> Quantity:
    doc = f"largest size with {gib} GiB by the model, if it is verified and the same at every size"
    return _limit(f"fits_{gib}gib_bytes", "bytes", doc, lambda found: found.fits[gib])


LIMITS = (
    _limit(
        "survived_bytes", "bytes",
        "largest size that survived under the limit, below the smallest that failed",
        lambda found: found.survived_bytes,
    ),
    _limit(
        "failed_bytes", "bytes", "smallest size that failed; missing if none was found",
        lambda found: found.failed_bytes,
    ),
    _limit(
        "beyond", "yes/no",
        "everything survived, up to the largest size that was tried: it needs no memory",
        lambda found: found.beyond,
    ),
    _limit(
        "predicted_bytes", "bytes",
        "largest size by the cost model; infinite if that says: no memory at all",
        lambda found: found.predicted_bytes,
    ),
    _limit(
        "base_bytes", "bytes",
        "of the budget, what Python, NumPy and torch had taken before any data",
        lambda found: found.base_bytes,
    ),
    _limit(
        "budget_multiple", "×", "budget ÷ survived_bytes", lambda found: found.budget_multiple
    ),
    _limit(
        "found_multiple", "×", "memory ÷ data at that size: (budget − base) ÷ survived_bytes",
        lambda found: found.found_multiple,
    ),
    _limit(
        "predicted_multiple", "×", "what the model predicts: held_multiple + copies",
        lambda found: found.predicted_multiple,
    ),
    _limit(
        "held_multiple", "×",
        "inputs and setup, before the call: 1, 0 for files, more with buffers",
        lambda found: found.held_multiple,
    ),
    _limit(
        "verified", "yes/no", "whether the cost model predicts what was found, within 2%",
        lambda found: found.verified,
    ),
    *(_fits(gib) for gib in FITS_GIB),
    _limit("attempts", "", "processes that the search took", lambda found: found.attempts),
    _limit(
        "monotonic", "yes/no", "whether no size survived that is larger than one that failed",
        lambda found: found.monotonic,
    ),
    Quantity(
        "failure_kind", "text", "what gave way at failed_bytes, or in any other case that failed",
        lambda case: case.kind,
    ),
    Quantity(
        "failure_where", "text", "the line of the scenario that failed: file.py:LINE: source",
        lambda case: case.where,
    ),
    _limit(
        "failure_stage", "name", "what was being done then: inputs (loading them) or call",
        lambda found: found.stage if found.failure else None,
    ),
    _limit(
        "failure_reason", "text", "how the trial at failed_bytes ended, in one line",
        lambda found: found.reason if found.failure else None,
    ),
)  # fmt: skip
