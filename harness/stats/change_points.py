"""Where a series may have changed: its optimal partition.

B. Jackson et al., An algorithm for optimal partitioning of data on an interval, IEEE Signal
Processing Letters 12 (2005) 105. Few runs are segmented at once and exactly: the partition that
minimises the squared deviations from each segment's mean, plus a penalty for each segment. The
best partition of the first runs is found for one, two, three … of them, each from those before.

What is segmented are the ranks of the values, as in A. Lung-Yut-Fong, C. Lévy-Leduc, O. Cappé,
Homogeneity and change-point detection tests for multivariate data using rank statistics, Journal
de la Société Française de Statistique 156 (2015) 133: a single slow run then weighs no more than
the largest rank, and the noise need not be estimated, as the variance of ranks is known.

The penalty is a plain BIC's, variance × log(runs): small enough to propose too many change points
rather than too few. Which of them stand is decided by a test, in
:mod:`harness.history.significance`,
the weakest being taken back first, as does M. Fleming, P. Kolaczkowski et al., Hunter: Using Change
Point Detection to Hunt for Performance Regressions, ICPE 2023, arXiv 2301.03034. Ranks know nothing
of how far values lie apart; so a change that stands is moved to where the absolute deviations from
its two sides' medians are least.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Judge = Callable[[Sequence[int], Sequence[int]], float]
"""How doubtful a change is between two segments, given as indices: 0 certain, 1 none."""


def proposed(values: Sequence[float], least: int) -> list[int]:
    """The first index of each segment but the first.

    Args:
        values: one per run.
        least: runs that a segment must have.
    """
    if len(values) < 2 * least or min(values) == max(values):
        return []
    ranks = _ranks(values)
    return _partition(ranks, float(ranks.var()) * math.log(len(values)), least)


def _ranks(values: Sequence[float]) -> Array:
    """1 for the least; equals share the mean of theirs."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    means: Array = np.cumsum(counts) - (counts - 1) / 2
    return means[which]


def _partition(values: Array, penalty: float, least: int) -> list[int]:
    """Where the segments of the cheapest partition begin, but for the first."""
    values = values - values.mean()  # so that squares of the sums below do not cancel
    sums = np.concatenate(([0.0], np.cumsum(values)))
    squares = np.concatenate(([0.0], np.cumsum(values**2)))
    cheapest = np.full(len(sums), math.inf)  # by the number of runs that are partitioned
    cheapest[0] = 0.0
    last = np.zeros(len(sums), int)  # where the last segment of that partition begins
    for end in range(least, len(sums)):
        starts = np.arange(end - least + 1)
        deviations = squares[end] - squares[starts]
        deviations -= (sums[end] - sums[starts]) ** 2 / (end - starts)
        costs = cheapest[starts] + deviations + penalty
        last[end] = int(costs.argmin())
        cheapest[end] = costs[last[end]]
    cuts = []
    end = len(values)
    while (end := int(last[end])) > 0:
        cuts.append(end)
    return cuts[::-1]


def standing(cuts: Sequence[int], count: int, judge: Judge, level: float) -> list[int]:
    """The cuts that remain when those in doubt are taken back, the most doubtful first.

    Args:
        cuts: where segments begin.
        count: of runs.
        judge: how doubtful a change is.
        level: a change at most as doubtful stands.
    """
    left = list(cuts)
    while left:
        doubts = [judge(*around(left, count, index)) for index in range(len(left))]
        worst = max(range(len(left)), key=lambda index: doubts[index])
        if doubts[worst] <= level:
            break
        del left[worst]
    return left


def placed(values: Sequence[float], cuts: Sequence[int], least: int) -> list[int]:
    """Each cut moved to where its two sides, by their medians, fit best.

    Args:
        values: one per run.
        cuts: that stand.
        least: runs that a segment must have.
    """
    moved = list(cuts)
    for index in range(len(moved)):
        before, after = around(moved, len(values), index)
        part = np.asarray(values[before.start : after.stop])
        places = range(least, len(part) - least + 1)
        moved[index] = before.start + min(places, key=lambda place: _misfit(part, place))
    return moved


def _misfit(values: Array, place: int) -> float:
    """The absolute deviations from the medians of what lies before a place, and after it."""
    return sum(float(np.abs(part - np.median(part)).sum()) for part in np.split(values, [place]))


def around(cuts: Sequence[int], count: int, index: int) -> tuple[range, range]:
    """The segments before and after a cut."""
    edges = (0, *cuts, count)
    return range(edges[index], edges[index + 1]), range(edges[index + 1], edges[index + 2])
