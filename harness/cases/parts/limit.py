"""What the search of one case under a limit found out, and what follows for other memories."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.planning.limit_search import (
    attempts_of,
    frontier_of,
    held_multiple,
    predicted_multiple,
    predicted_size,
)
from harness.schema.records import Outcome, PlannedCase, Trial
from harness.units import GIB

FITS_GIB = (8, 32, 128)
"""Memories that the verified model is extrapolated to."""
VERIFIED_SHARE = 0.02
"""A model is verified by a search that finds what it predicts, or misses it by less than this."""
CLOSED = 0.02
"""A frontier is known when it lies within this share of the budget."""
OK = Outcome("ok")
NO_FITS: Mapping[int, float] = dict.fromkeys(FITS_GIB, math.nan)


@dataclass(frozen=True)
class LimitSummary:
    """The largest size that survived under a limit, and how the next one failed."""

    limit: str  # data, address_space or cgroup
    budget_bytes: int
    base_bytes: int  # of it, what was taken before any data
    survived_bytes: float
    failed_bytes: float  # the smallest size that did not survive; nan where all did
    beyond: bool  # nothing failed up to the largest size that was tried
    predicted_bytes: float  # by the cost model; infinite where it needs none, nan without one
    predicted_multiple: float
    held_multiple: float  # of it, before the call
    attempts: int
    monotonic: bool  # nothing survived that is larger than what failed
    failure: Trial | None  # at the smallest size that failed
    kind: str  # what gave way
    where: str  # ``file.py:12: the line``
    fits: Mapping[int, float]  # by GiB, what a verified model foretells; nan by one that is not

    @property
    def stage(self) -> str:
        """What was being done when it failed: inputs or call."""
        return self.failure.limit.stage if self.failure and self.failure.limit else ""

    @property
    def reason(self) -> str:
        return self.failure.outcome.reason if self.failure else ""

    @property
    def share(self) -> float:
        """The largest size as a multiple of the budget."""
        return self.survived_bytes / self.budget_bytes

    @property
    def budget_multiple(self) -> float:
        """The budget as a multiple of the largest size."""
        return self.budget_bytes / self.survived_bytes

    @property
    def found_multiple(self) -> float:
        """Bytes that each byte of data could have had, beside the base."""
        return (self.budget_bytes - self.base_bytes) / self.survived_bytes

    @property
    def closed(self) -> bool:
        """Whether no size much larger survives: not where a search gave up, or nothing failed."""
        return self.failed_bytes - self.survived_bytes <= CLOSED * self.budget_bytes

    @property
    def deviation(self) -> float:
        """By how much of the budget more was found than predicted; nan where neither is known.

        Where nothing failed, no more can be told than that the prediction was survived.
        """
        if self.beyond or math.isinf(self.predicted_bytes):
            return math.nan
        return (self.survived_bytes - self.predicted_bytes) / self.budget_bytes

    @property
    def verified(self) -> bool | None:
        """Whether the model predicts the frontier that was found; None where there is no model."""
        predicted, survived, failed = self.predicted_bytes, self.survived_bytes, self.failed_bytes
        if math.isnan(predicted) or math.isnan(survived):
            return None
        at_least = predicted >= survived * (1 - VERIFIED_SHARE)
        return at_least and (math.isnan(failed) or predicted <= failed * (1 + VERIFIED_SHARE))

    def fits_in(self, budget_bytes: float) -> float:
        """The largest size with another budget, by the model if it is verified; else NaN."""
        if not self.verified:
            return math.nan
        free, more = self.budget_bytes - self.base_bytes, budget_bytes - self.base_bytes
        return self.predicted_bytes * more / free if more > 0 < free else math.nan


def limit_of(
    planned: PlannedCase, trials: Sequence[Trial], outcome: Outcome = OK
) -> LimitSummary | None:
    """What the search of one case found out; None where nothing was searched.

    Args:
        planned: the case.
        trials: all of them.
        outcome: of the whole case, whose kind and place are told where no size failed.
    """
    found = attempts_of(trials)
    if not found:
        return None
    edge = frontier_of(found)
    limit = found[0].limit
    assert limit is not None
    # One that died without a word may not have told.
    base_bytes = max(trial.limit.base_bytes for trial in found if trial.limit)
    multiple, scale = predicted_multiple(planned.expected_copies, found)
    failure = _failure(found, edge.failed_bytes)
    gave_way = failure.outcome if failure else outcome
    summary = LimitSummary(
        limit=str(planned.case.parameters.get("limit", "")),
        budget_bytes=limit.budget_bytes,
        base_bytes=base_bytes,
        survived_bytes=edge.survived_bytes or math.nan,
        failed_bytes=edge.failed_bytes or math.nan,
        beyond=edge.beyond,
        predicted_bytes=predicted_size(limit.budget_bytes - base_bytes, multiple) * scale,
        predicted_multiple=multiple,
        held_multiple=held_multiple(found),
        attempts=len(found),
        monotonic=edge.monotonic,
        failure=failure,
        kind=gave_way.kind,
        where=gave_way.where,
        fits=NO_FITS,
    )
    if planned.size_dependent:
        return summary  # what holds here says nothing of larger sizes
    return replace(summary, fits={gib: summary.fits_in(gib * GIB) for gib in FITS_GIB})


def _failure(trials: Sequence[Trial], failed_bytes: int | None) -> Trial | None:
    """The trial of the smallest size that failed."""
    return next(
        (
            trial
            for trial in trials
            if trial.limit and not trial.outcome.ok and trial.limit.size_bytes == failed_bytes
        ),
        None,
    )
