"""How far few readings scatter, helped by what is known of others that were taken alike.

Three processes say little of their own spread, and by chance now and then that there is hardly any.
So the variance of each group is drawn towards the usual one of its neighbours, as if that had been
seen in a few readings more (G. K. Smyth, Statistical Applications in Genetics and Molecular Biology
3 (2004) 3, whose number of these is estimated; here it is fixed, and small, since cases differ).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.stats.two_level import Spread

BORROWED = 1.0
"""Degrees of freedom that the neighbours' variance counts for.

With the deviations of cases a factor of 2.5 apart (one standard deviation of their logarithms is
0.9), differences of two that differ by chance alone were then called at the 1% level in 1.2%, with
three readings each or with five; with two degrees, in up to 1.9% (simulated).
"""


@dataclass(frozen=True)
class Usual:
    """The usual variance of groups of readings; NaN where no group has two."""

    variance: float

    @classmethod
    def of(cls, groups: Iterable[Sequence[float]]) -> Usual:
        """The median of the groups' variances, each held against what chance makes of it."""
        from scipy.special import chdtri

        found = [
            statistics.variance(group) * (len(group) - 1) / float(chdtri(len(group) - 1, 0.5))
            for group in groups
            if len(group) > 1
        ]
        return cls(statistics.median(found) if found else math.nan)


def mean_spread(values: Sequence[float], usual: Usual) -> Spread | None:
    """The mean of a group, and how well it is known; None where nothing says so."""
    own = len(values) - 1
    borrowed = 0.0 if math.isnan(usual.variance) else BORROWED
    if not values or own + borrowed <= 0 or own < 1:
        return None
    total = own * statistics.variance(values) + (borrowed * usual.variance if borrowed else 0.0)
    variance = total / (own + borrowed)
    return Spread(statistics.fmean(values), math.sqrt(variance / len(values)), own + borrowed)


def difference(one: Spread, other: Spread) -> Spread:
    """One mean less another, by Welch and Satterthwaite."""
    variance = one.error**2 + other.error**2
    parts = one.error**4 / one.freedom + other.error**4 / other.freedom
    freedom = variance**2 / parts if parts else one.freedom + other.freedom
    return Spread(one.centre - other.centre, math.sqrt(variance), freedom)
