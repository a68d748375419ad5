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
TRIMMED = 0.2
"""The share of readings at either end that a mean leaves out."""


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
    """The mean of a group, and how well it is known; None where nothing says so.

    Now and then a process is far off, which costs a plain mean most of its certainty. So a fifth of
    the readings at either end are left out, and the spread is that of the readings with these ends
    drawn in (K. K. Yuen, Biometrika 61 (1974) 165); of fewer than five, none.
    """
    cut = int(TRIMMED * len(values))
    kept = sorted(values)[cut : len(values) - cut]
    own = len(kept) - 1
    if own < 1:
        return None
    drawn_in = [kept[0]] * cut + kept + [kept[-1]] * cut
    squares = statistics.variance(drawn_in) * (len(values) - 1)
    error_squared = squares / (len(kept) * own)  # of the mean
    if math.isnan(usual.variance):
        return Spread(statistics.fmean(kept), math.sqrt(error_squared), own)
    total = own * error_squared + BORROWED * usual.variance / len(values)
    error = math.sqrt(total / (own + BORROWED))
    return Spread(statistics.fmean(kept), error, own + BORROWED)


def difference(one: Spread, other: Spread) -> Spread:
    """One mean less another, by Welch and Satterthwaite."""
    variance = one.error**2 + other.error**2
    parts = one.error**4 / one.freedom + other.error**4 / other.freedom
    freedom = variance**2 / parts if parts else one.freedom + other.freedom
    return Spread(one.centre - other.centre, math.sqrt(variance), freedom)
