"""Wilcoxon's signed-rank test and the estimate and interval that belong to it.

Pairs of a shared machine are mostly near each other and sometimes far off, in either direction.
That is where a mean fails and ranks do not: the test needs symmetry and nothing else, and is
exact at any number of pairs (Wilcoxon, Biometrics Bulletin 1 (1945) 80). Its estimate is the
median of the means of all pairs of values, and the interval holds what the test does not reject
(Hodges and Lehmann, Annals of Mathematical Statistics 34 (1963) 598).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SignedRanks:
    """What can be said of the centre of a few symmetric values.

    Args:
        means: of every two of them, each with itself too; ascending.
        count: of the values.
    """

    means: Floats
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> SignedRanks:
        """Of at least one value."""
        array = np.asarray(values, np.float64)
        first, second = np.triu_indices(len(array))
        return cls(np.sort((array[first] + array[second]) / 2), len(array))

    @property
    def centre(self) -> float:
        return float(np.median(self.means))

    def p_above(self, bar: float) -> float:
        """The probability of values this high, were their centre at the bar.

        The statistic is the number of means above it; one right at the bar counts as below.
        """
        above = int(np.count_nonzero(self.means > bar))
        return float(_survival(self.count)[above])

    def p_below(self, bar: float) -> float:
        """The same for values this low."""
        below = int(np.count_nonzero(self.means < bar))
        return float(_survival(self.count)[below])

    def interval(self, confidence: float) -> tuple[float, float]:
        """Centres that are not rejected; infinite where so few values reject none."""
        rejected = _survival(self.count) <= (1 - confidence) / 2
        if not rejected.any():
            return -np.inf, np.inf
        outside = len(self.means) - int(np.argmax(rejected))
        return float(self.means[outside]), float(self.means[-1 - outside])


@cache
def _survival(count: int) -> Floats:
    """For every value of the statistic, the probability of it or more, were the centre zero.

    Each rank is in the sum with probability one half: the distribution of the sum is built up
    rank by rank.
    """
    probability = np.ones(1)
    for rank in range(1, count + 1):
        longer = np.concatenate([probability, np.zeros(rank)])
        longer[rank:] += probability
        probability = longer / 2
    return np.cumsum(probability[::-1])[::-1]
