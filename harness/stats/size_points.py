"""From the times of processes at several sizes to one point for each size.

A process counts once, by the median of its samples; a size by the median of its processes. Three
processes say little of how far they lie apart, so what those of all sizes say counts along.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

from harness.stats.cost_fit import Point

OF_ALL = 4.0
"""Processes that what is known of all sizes counts for, at each of them."""
OF_A_MEDIAN = math.pi / 2
"""The variance of a median over that of a mean."""
NORMAL = 1.4826
"""A standard deviation over the median absolute deviation, of normal values."""
UNREPEATED = 0.1
"""What processes are taken to lie apart where no size has two: nobody knows."""


def points_of(times: Mapping[int, Sequence[float]]) -> list[Point]:
    """One point for each size, ascending.

    Args:
        times: logarithms of seconds, one of each process, by size in bytes.
    """
    of_all = spread_of(list(times.values()))
    return [
        Point(float(size), statistics.median(times[size]), of_median(times[size], of_all))
        for size in sorted(times)
    ]


def of_median(values: Sequence[float], of_all: float) -> float:
    """The variance of a median of values, of which a variance is expected beforehand."""
    count = len(values)
    own = spread_of([values]) if count > 2 else of_all
    variance = (OF_ALL * of_all + (count - 1) * own) / (OF_ALL + count - 1)
    return variance / count * (OF_A_MEDIAN if count > 2 else 1.0)


def spread_of(groups: Sequence[Sequence[float]]) -> float:
    """The variance within groups, by the median deviation: a few that are far off are not it."""
    repeated = [group for group in groups if len(group) > 1]
    if not repeated:
        return UNREPEATED**2
    off = [value for group in repeated for value in _deviations(group)]
    return (NORMAL * statistics.median(off)) ** 2


def _deviations(group: Sequence[float]) -> list[float]:
    """How far values lie from their median, as if that were known.

    Of an odd number one is the median itself and says nothing. Of an even number the median lies
    between two, and all seem nearer to it than they are: the factor is fitted to simulated normal
    values, and right within 1% from two to twenty.
    """
    middle = statistics.median(group)
    off = sorted(abs(value - middle) for value in group)
    if len(group) % 2:
        return off[1:]
    factor = min(math.sqrt(2), 1 + 1.6 / len(group))
    return [factor * value for value in off]
