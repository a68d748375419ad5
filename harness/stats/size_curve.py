"""Time at sizes that were not measured, with intervals: a fit, and what it leaves over."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from harness.stats.cost_fit import CostFit, Point
from harness.stats.intervals import Interval
from harness.stats.left_over import Forecast, LeftOver, quantile

CONFIDENCE = 0.9
USUAL_MISFIT = 0.06
"""How far sizes lie off a fit where nothing else is known."""
LEAST_MISFIT = 0.03
"""How far they do at least: processes that lie apart by more hide it."""
BENT = 0.15
"""By which power of the size times may depart from a fit beyond its sizes, as a standard error:
over a factor of four by 23%."""
WORTH = 3.0
"""For so many sizes that usual misfit counts: a few say little of how far others will lie off."""


class SizeCurve:
    """A fit, and what it leaves over.

    Args:
        fit: of the points.
        points: ascending by size.
        usual_misfit: how far sizes lie off, where that is known of other strategies.
    """

    def __init__(
        self, fit: CostFit, points: Sequence[Point], usual_misfit: float = USUAL_MISFIT
    ) -> None:
        self.fit = fit
        self.points = tuple(points)
        self.left = np.array([one.log_s - math.log(fit.seconds(one.size)) for one in points])
        noise = np.array([point.variance for point in points])
        self.freedom = WORTH + max(0, fit.freedom)
        beyond = max(0.0, float((self.left**2 - noise).sum()))
        self.misfit = math.sqrt((WORTH * usual_misfit**2 + beyond) / self.freedom)
        slopes = np.array([fit.slopes(point.size) for point in points])
        logs = np.log([point.size for point in points])
        self._left_over = LeftOver(logs, self.left, noise, slopes, self.misfit)

    def at(self, size: float, variance: float = 0.0) -> Forecast:
        """The time at a size.

        Args:
            size: bytes.
            variance: of the logarithm, by which a new measurement would lie off.
        """
        added, spread = self._left_over.at(math.log(size), self.fit.slopes(size))
        log = math.log(self.fit.seconds(size)) + added
        low, high = self.points[0].size, self.points[-1].size
        variance += (BENT * math.log(max(low / size, size / high, 1.0))) ** 2
        doubt = self.fit.doubt_of_cuts(size)
        return Forecast(log, math.sqrt(spread + variance), self.freedom, *doubt)

    @property
    def fixed(self) -> Interval:
        """The fixed cost in seconds; from zero where it may be none."""
        return self._constant(0)

    @property
    def per_byte(self) -> Interval:
        """The cost per byte in seconds, before the first step; from zero likewise."""
        return self._constant(1)

    def step(self, index: int) -> Interval:
        """The factor by which the time changes at a cut."""
        error = math.sqrt(max(0.0, float(self._left_over.constants[2 + index, 2 + index])))
        reach = math.exp(quantile(self.freedom, CONFIDENCE) * error)
        value = self.fit.steps[index]
        return Interval(value, value / reach, value * reach, CONFIDENCE, len(self.points))

    def _constant(self, index: int) -> Interval:
        value = (self.fit.fixed_s, self.fit.per_byte_s)[index]
        error = math.sqrt(max(0.0, float(self._left_over.constants[index, index])))
        reach = quantile(self.freedom, CONFIDENCE) * error
        return Interval(value, max(0.0, value - reach), value + reach, CONFIDENCE, len(self.points))

    @property
    def half(self) -> Interval | None:
        """n½: the size at which half of the time is the fixed cost; None where that is not known.

        It is a matter of both constants, and of sizes before the first step.
        """
        fixed, per_byte = self.fixed, self.per_byte
        if not (fixed.low > 0 and per_byte.low > 0):
            return None
        size = fixed.median / per_byte.median
        if self.fit.cuts and size > self.fit.around[0][0]:
            return None
        ways = np.zeros(2 + len(self.fit.cuts))
        ways[0], ways[1] = 1 / fixed.median, -1 / per_byte.median
        error = math.sqrt(max(0.0, float(ways @ self._left_over.constants @ ways)))
        reach = math.exp(quantile(self.freedom, CONFIDENCE) * error)
        return Interval(size, size / reach, size * reach, CONFIDENCE, len(self.points))


def usual_misfit(fits: Sequence[tuple[CostFit, Sequence[Point]]], least: int = 5) -> float:
    """How far sizes usually lie off, of several strategies; the usual value of too few.

    Args:
        fits: with the points that they are of.
        least: how many there must be.
    """
    found = []
    for fit, points in fits:
        if fit.freedom >= 2:
            squares = [
                (one.log_s - math.log(fit.seconds(one.size))) ** 2 - one.variance for one in points
            ]
            found.append(max(0.0, sum(squares)) / fit.freedom)
    if len(found) < least:
        return USUAL_MISFIT
    return max(LEAST_MISFIT, math.sqrt(float(np.median(found))))
