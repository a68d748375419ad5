"""At which sizes one of two strategies becomes the faster one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.stats.cost_fit import Floats, Point
from harness.stats.left_over import Forecast, LeftOver
from harness.stats.size_curve import CONFIDENCE, SizeCurve


@dataclass(frozen=True)
class Crossing:
    """Where one of two strategies becomes the faster one.

    Args:
        size: bytes at which both take equally long.
        low: the largest size below at which the first is certainly on one side.
        high: the smallest above at which it is certainly on the other.
        slower_above: whether the first is the slower one above.
    """

    size: float
    low: float
    high: float
    slower_above: bool


STEPS = 8
"""At which a factor of two in size is looked at: ends of intervals are right within 9%."""


class RatioCurve:
    """The ratio of two strategies' times, whose processes share their luck round by round.

    Args:
        one: the first.
        other: the second.
        ratios: their ratio at each size at which both were measured, as points of its logarithm.
    """

    def __init__(self, one: SizeCurve, other: SizeCurve, ratios: Sequence[Point]) -> None:
        self._one, self._other = one.fit, other.fit
        self.freedom = min(one.freedom, other.freedom)
        self.sizes = [point.size for point in ratios]
        left = [point.log_s - self._fitted(point.size) for point in ratios]
        self._left_over = LeftOver(
            np.log(self.sizes),
            np.array(left),
            np.array([point.variance for point in ratios]),
            np.array([self._slopes(point.size) for point in ratios]),
            math.hypot(one.misfit, other.misfit),
        )

    def _fitted(self, size: float) -> float:
        return math.log(self._one.seconds(size) / self._other.seconds(size))

    def _slopes(self, size: float) -> Floats:
        return np.concatenate((self._one.slopes(size), -self._other.slopes(size)))

    def at(self, size: float) -> Forecast:
        """The logarithm of the ratio at a size."""
        added, spread = self._left_over.at(math.log(size), self._slopes(size))
        below, above = self._one.doubt_of_cuts(size)
        less, more = self._other.doubt_of_cuts(size)
        log = self._fitted(size) + added
        return Forecast(log, math.sqrt(spread), self.freedom, below + more, above + less)

    def crossings(self) -> list[Crossing]:
        """Where it passes one, between the smallest and the largest size; ascending.

        Only where it is certain on both sides: two that are level cross anywhere.
        """
        sizes = self._looked_at()
        found = [self.at(size) for size in sizes]
        certain = [index for index, one in enumerate(found) if one.sign(CONFIDENCE)]
        crossings = []
        for before, after in itertools.pairwise(certain):
            if found[before].sign(CONFIDENCE) == found[after].sign(CONFIDENCE):
                continue
            passed = [k for k in range(before, after) if found[k].log * found[k + 1].log <= 0]
            if not passed:
                continue
            middle = passed[len(passed) // 2]
            here, there = found[middle].log, found[middle + 1].log
            share = here / (here - there) if here != there else 0.5
            crossings.append(
                Crossing(
                    sizes[middle] * (sizes[middle + 1] / sizes[middle]) ** share,
                    sizes[before],
                    sizes[after],
                    found[after].log > 0,
                )
            )
        return crossings

    def _looked_at(self) -> list[float]:
        low, high = math.log(min(self.sizes)), math.log(max(self.sizes))
        count = max(2, round((high - low) / math.log(2) * STEPS) + 1)
        grid = {float(size) for size in np.exp(np.linspace(low, high, count))[1:-1]}
        return sorted(grid | set(self.sizes))
