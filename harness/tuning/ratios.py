"""One way against another, by the pairs of their rounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.stats.signed_rank import SignedRanks

SHOWN, DECIDING = 0.95, 0.99
"""Confidence of the intervals that are printed, and of those that a claim needs."""
TOLERANCE = 0.02
"""The share of time that is no difference."""
LEAST_PAIRS = 8
"""With fewer pairs of processes, nothing can be claimed at :data:`DECIDING`."""


@dataclass(frozen=True)
class Ratio:
    """How many times as long one way takes as the other.

    Args:
        ratio: the centre of the pairs' ratios.
        low: of the interval at :data:`SHOWN`; 0 where there are too few pairs for any.
        high: the same; infinite where there are too few.
        sure_low: of the interval at :data:`DECIDING`.
        sure_high: the same.
        pairs: of processes.
    """

    ratio: float
    low: float
    high: float
    sure_low: float
    sure_high: float
    pairs: int

    @classmethod
    def of(cls, times: Sequence[float], others: Sequence[float]) -> Ratio:
        """Of times by round; at least one pair."""
        logs = [math.log(one / other) for one, other in zip(times, others, strict=True)]
        ranks = SignedRanks.of(logs)
        low, high = map(math.exp, ranks.interval(SHOWN))
        sure_low, sure_high = map(math.exp, ranks.interval(DECIDING))
        return cls(math.exp(ranks.centre), low, high, sure_low, sure_high, len(logs))

    @property
    def known(self) -> bool:
        """Whether there are enough pairs for an interval."""
        return math.isfinite(self.high)

    @property
    def faster(self) -> bool:
        """Whether it surely takes less time, by more than the tolerance."""
        return self.sure_high < 1 - TOLERANCE

    @property
    def detectable(self) -> float:
        """The share of time that a setting would have to save to be called faster, with pairs that
        scatter like these; 1 where there are too few.
        """
        return 1 - (1 - TOLERANCE) * self.ratio / self.sure_high

    def saved(self) -> str:
        """The share of time that is saved, with its interval."""
        text = f"{1 - self.ratio:.1%}"
        return f"{text} ({1 - self.high:.1%} to {1 - self.low:.1%})" if self.known else text
