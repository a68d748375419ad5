"""What several ranks took, which of them is slowest, and whether it surely is."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from harness.schema.records import Ranks, Trial
from harness.stats.intervals import Interval, median_interval

SLOW = 1.1
"""From this skew on, a rank counts as slow, if the whole interval lies there."""
RISK = 0.05
"""Shared out among the ranks, each of which could have been the slowest by chance."""


@dataclass(frozen=True)
class RanksSummary:
    """One launch of ranks.

    ``skew`` is what the slowest rank waited for an epoch's batches, divided by the median of all
    ranks in the same epoch, over the epochs. Ranks of one launch share its luck: another launch
    may place them differently.
    """

    launched: Ranks
    slowest: int
    skew: Interval

    @property
    def count(self) -> int:
        return len(self.launched.ranks)

    @property
    def first_batch_s(self) -> float:
        """Until the last rank had its first batch."""
        return max(rank.first_batch_s for rank in self.launched.ranks)

    @property
    def samples_per_s(self) -> tuple[float, ...]:
        """Of each rank: what it is given in an epoch, by the median time of its epochs."""
        return tuple(
            rank.samples / statistics.median(rank.epochs_s) for rank in self.launched.ranks
        )

    @property
    def is_slow(self) -> bool | None:
        """Whether the slowest rank surely is slow; None where too few epochs could show it."""
        if self.count < 2 or self.skew.coverage < 1 - RISK / self.count:
            return None
        return self.skew.low > SLOW


def ranks_of(trials: Iterable[Trial]) -> RanksSummary | None:
    """What the first launch that was timed has found; None where there was none."""
    found = (trial.ranks for trial in trials if trial.ranks and trial.outcome.ok)
    launched = next((one for one in found if all(rank.waits_s for rank in one.ranks)), None)
    if launched is None:
        return None
    waits = [statistics.median(rank.waits_s) for rank in launched.ranks]
    slowest = waits.index(max(waits))
    by_epoch = zip(*(rank.waits_s for rank in launched.ranks), strict=True)
    skews = [
        epoch[slowest] / middle for epoch in by_epoch if (middle := statistics.median(epoch)) > 0
    ]
    return RanksSummary(launched, slowest, median_interval(skews, 1 - RISK / len(launched.ranks)))
