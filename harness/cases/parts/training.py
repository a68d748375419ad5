"""What came of training on a loader's batches, and how much of its files was in memory."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.schema.records import Epoch, PageCache, Trial
from harness.stats.intervals import Interval, known_median, median_interval

COLD_SHARE = 0.01
"""A cold file may have this share of itself in the page cache; see the parameter ``page_cache``."""


@dataclass(frozen=True)
class TrainingSummary:
    """What came of epochs on whose batches a training step may have computed.

    Each process is counted by its median epoch. Where no step is taken, nothing can be stalled.
    """

    stall: Interval  # the share of a steady epoch in which the step stood still; nan without one
    first_stall: float  # the same of the first epoch of a fresh process
    samples_per_s: float
    rebuild_s: float
    first_loss: float  # nan, as the last, where nothing was learnt
    last_loss: float


@dataclass(frozen=True)
class CacheSummary:
    """How much of the inputs' files lay in the page cache, as shares of them."""

    state: str  # cold or warm, as asked for
    before: float  # an epoch: the most of all if cold, the least if warm
    after: float  # the first epoch
    file_bytes: int
    before_bytes: int

    @property
    def obeyed(self) -> bool:
        """Whether what was asked for is what there was, as far as is known."""
        if math.isnan(self.before):
            return True
        return self.before < COLD_SHARE if self.state == "cold" else self.before > 1 - COLD_SHARE


def training_of(trials: Iterable[Trial], steady: Interval) -> TrainingSummary | None:
    """What training on a loader's batches took; None where no loader was driven.

    Args:
        trials: of a case.
        steady: the time of its epochs.
    """
    timed = [trial for trial in trials if trial.kind == "time" and trial.outcome.ok]
    driven = [trial.loading for trial in timed if trial.loading]
    if not driven:
        return None
    stalls = [_stalled(loading.steady) for loading in driven]
    trained = [trial.training for trial in timed if trial.training]
    return TrainingSummary(
        stall=median_interval([stall for stall in stalls if not math.isnan(stall)]),
        first_stall=known_median(_stalled([loading.first]) for loading in driven),
        samples_per_s=driven[0].samples / steady.median if steady.median > 0 else math.nan,
        rebuild_s=known_median(known_median(loading.rebuilds_s) for loading in driven),
        first_loss=known_median(training.first_loss for training in trained),
        last_loss=known_median(training.last_loss for training in trained),
    )


def _stalled(epochs: Sequence[Epoch]) -> float:
    """The stall of the median epoch; NaN where no step was taken."""
    return known_median(epoch.stall_fraction for epoch in epochs if epoch.step_s > 0)


def cache_of(trials: Iterable[Trial]) -> CacheSummary | None:
    """What of a case's files lay in the page cache, in the worst of its trials.

    None where no state of it was asked for, or there are no files.
    """
    found = [trial.page_cache for trial in trials if trial.page_cache]
    if not found:
        return None
    furthest = max if found[0].state == "cold" else min
    worst = furthest(found, key=_before)
    return CacheSummary(
        state=worst.state,
        before=_before(worst),
        after=max(_share(one.after_bytes, one) for one in found),
        file_bytes=worst.file_bytes,
        before_bytes=worst.before_bytes,
    )


def _before(found: PageCache) -> float:
    return _share(found.before_bytes, found)


def _share(resident_bytes: int, found: PageCache) -> float:
    return resident_bytes / found.file_bytes if found.file_bytes else 0.0
