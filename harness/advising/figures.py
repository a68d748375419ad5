"""How well a figure is known: from processes at the full size, or from smaller ones.

Logarithms of times of one size scatter about alike for all strategies, so that the few processes of
each tell together by how much: one standard deviation is pooled over all of them, and what is
stated holds a further process with 95% (a prediction interval of a normal sample: G. J. Hahn and
W. Q. Meeker, Statistical Intervals, 1991, section 4.3). A minute later a shared machine may be
another: :data:`DRIFT` is added to that.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95
DRIFT = 0.06
"""Of times, one standard deviation, from one minute to another."""
FURTHER = 0.1
"""The same, for each doubling beyond the largest size that was measured."""
MEMORY_SHARE, MEMORY_BYTES = 0.02, 4 * 1024**2
"""How far peaks of equal processes may lie apart: of what is allocated, and beside it."""
BASE_BYTES = 3 * 1024**2
"""How far interpreters lie apart that have imported the same, and used more or less of it."""
HEAP_BYTES = 32 * 1024**2
"""Blocks below that may lie in the heap (M_MMAP_THRESHOLD of mallopt(3)), where it is luck whether
what was freed has room for the next."""
DECLARED_SHARE = 0.1
"""The same of what was not measured, but is declared."""
LEAST_FREEDOM = 2
"""Of a standard deviation, below which it says nothing."""
LEVEL = 0.03
"""What takes at most this much more is not called slower."""


@dataclass(frozen=True)
class Figure:
    """A value with its interval.

    Args:
        value: the best guess.
        low, high: what holds the value of a further process with 95%.
        count: processes it comes from.
        measured_bytes: the largest size among them.
        extrapolated: whether the size that it is of is larger.
    """

    value: float
    low: float
    high: float
    count: int
    measured_bytes: int
    extrapolated: bool = False

    def plus(self, constant: float, either_way: float) -> Figure:
        """With something added that is known up to so much, either way."""
        return Figure(
            self.value + constant,
            self.low + constant - either_way,
            self.high + constant + either_way,
            self.count,
            self.measured_bytes,
            self.extrapolated,
        )


def _quantile(freedom: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + CONFIDENCE / 2))


@dataclass(frozen=True)
class Scatter:
    """How far processes lie apart, pooled over strategies.

    Args:
        deviation: of the logarithm of a time.
        freedom: degrees of freedom; 0 where there were never two of one strategy.
    """

    deviation: float
    freedom: int

    @classmethod
    def of(cls, times_s: Iterable[Sequence[float]]) -> Scatter:
        """From the times of each strategy at one size."""
        groups = [[math.log(time) for time in group] for group in times_s if len(group) > 1]
        freedom = sum(len(group) - 1 for group in groups)
        squares = sum((one - statistics.fmean(group)) ** 2 for group in groups for one in group)
        return cls(math.sqrt(squares / freedom) if freedom else 0.0, freedom)

    def half_width(self, count: int, *further: float) -> float:
        """Of the logarithm of a further process, after so many; with further deviations."""
        if self.freedom < LEAST_FREEDOM:
            return math.inf
        within = _quantile(self.freedom) * self.deviation * math.sqrt(1 + 1 / count)
        return math.hypot(within, *(2 * one for one in (DRIFT, *further)))

    def ratio(self, slow: Sequence[float], fast: Sequence[float]) -> tuple[float, float, float]:
        """How many times as long one takes as another, with its interval."""
        centre = statistics.fmean(map(math.log, slow)) - statistics.fmean(map(math.log, fast))
        width = math.inf
        if self.freedom >= LEAST_FREEDOM:
            width = _quantile(self.freedom) * self.deviation
            width *= math.sqrt(1 / len(slow) + 1 / len(fast))
        return _exp(centre), _exp(centre - width), _exp(centre + width)


def _exp(value: float) -> float:
    return math.exp(value) if value < 700 else math.inf


def time_at(times_s: Mapping[int, Sequence[float]], scatter: Scatter, full_bytes: int) -> Figure:
    """The time at a size, from those of processes at this size or smaller ones.

    Beyond the largest, it may grow in proportion, or by as much as from the size before: the guess
    lies between both, and the interval holds both.
    """
    size_bytes = max(times_s)
    last = times_s[size_bytes]
    centre = statistics.fmean(map(math.log, last))
    if size_bytes == full_bytes:
        width = scatter.half_width(len(last))
        return Figure(
            _exp(centre), _exp(centre - width), _exp(centre + width), len(last), size_bytes
        )
    width = scatter.half_width(len(last), FURTHER * math.log2(full_bytes / size_bytes))
    known = {size: _exp(statistics.fmean(map(math.log, some))) for size, some in times_s.items()}
    low, high = _lines(known, full_bytes)
    return Figure(
        math.sqrt(low * high),
        low * _exp(-width),
        high * _exp(width),
        len(last),
        size_bytes,
        extrapolated=True,
    )


def _lines(known: Mapping[int, float], full_bytes: int) -> tuple[float, float]:
    """What two straight lines say of a larger size: one through nothing, one with a fixed part."""
    *_, last = sizes = sorted(known)
    through_nothing = known[last] * full_bytes / last
    if len(sizes) < 2:
        return through_nothing, through_nothing
    slope = max(0.0, known[last] - known[sizes[-2]]) / (last - sizes[-2])
    fixed = known[last] + slope * (full_bytes - last)
    low, high = sorted((through_nothing, fixed))
    return max(low, 1e-9), max(high, 1e-9)


def memory_at(
    extra_bytes: Mapping[int, Sequence[int]],
    full_bytes: int,
    growth_bytes: float | None,
    *,
    in_batches: bool = False,
) -> Figure:
    """The growth of memory at a size.

    Args:
        extra_bytes: by size, that of processes at this size or smaller ones.
        full_bytes: the size.
        growth_bytes: by how much more the strategy declares to need than at the largest of these;
            None where it does not say: then it may need no more, or as many times as much as there
            is more data.
        in_batches: whether memory is taken and let go of again and again: then another process may
            need as much once more, up to :data:`HEAP_BYTES`.
    """
    size_bytes = max(extra_bytes)
    last = extra_bytes[size_bytes]
    low, high, middle = float(min(last)), float(max(last)), statistics.median(last)
    share = MEMORY_SHARE
    if full_bytes != size_bytes and growth_bytes is None:
        high *= full_bytes / size_bytes
        middle = (low + high) / 2
    elif full_bytes != size_bytes and growth_bytes is not None:
        low, middle, high = (max(0.0, one + growth_bytes) for one in (low, middle, high))
        share = DECLARED_SHARE
    return Figure(
        middle,
        max(0.0, low * (1 - share) - MEMORY_BYTES),
        high * (1 + share) + MEMORY_BYTES + (min(high, HEAP_BYTES) if in_batches else 0),
        len(last),
        size_bytes,
        extrapolated=full_bytes != size_bytes,
    )
