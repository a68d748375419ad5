"""Small statistics over processes, not over samples within one.

Samples of one process share its memory layout and its moment on a busy machine; only repeated
processes say how far a figure can be trusted. All functions take plain sequences of floats.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A median with an interval around it."""

    median: float
    low: float
    high: float
    coverage: float  # probability that the interval holds the true median
    count: int

    def divided(self, by: float) -> Interval:
        """The interval of a share, such as of one batch of an epoch; nothing of nothing."""
        if not by:
            return NOTHING
        return replace(self, median=self.median / by, low=self.low / by, high=self.high / by)


NOTHING = Interval(math.nan, math.nan, math.nan, 0.0, 0)


def median_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """Median and its distribution-free interval from order statistics.

    With n values the interval from the k-th smallest to the k-th largest holds the median with
    probability 1 - 2 P(B < k), B binomial(n, 1/2): Conover, Practical Nonparametric Statistics,
    3rd ed., section 3.2. The narrowest that reaches ``confidence`` is taken. Fewer than six
    values cannot reach 95%; then it is their whole range, and ``coverage`` says what that is
    worth: 75% for three.
    """
    if not values:
        return NOTHING
    ordered = sorted(values)
    n = len(ordered)
    inside, tail = 0, 0.0
    for k in range(1, n // 2 + 1):
        below = tail + math.comb(n, k - 1) / 2**n
        if 1 - 2 * below < confidence and k > 1:
            break
        inside, tail = k, below
        if 1 - 2 * below < confidence:
            break
    inside = max(1, inside)
    coverage = max(0.0, 1 - 2 * tail) if n > 1 else 0.0
    return Interval(
        statistics.median(ordered), ordered[inside - 1], ordered[n - inside], coverage, n
    )


def known_median(values: Iterable[float | None]) -> float:
    """The median of the values that are known, neither None nor NaN; NaN where none is."""
    known = [value for value in values if value is not None and not math.isnan(value)]
    return statistics.median(known) if known else math.nan


def two_modes(values: Sequence[float], gap: float = 1.3, share: float = 0.2) -> bool:
    """Whether positive values fall into two clusters that are apart.

    True when a gap of at least a factor ``gap`` splits the sorted values into two parts of at
    least ``share`` each, and is wider than either part. A median then describes neither.
    """
    if len(values) < 10 or min(values) <= 0:
        return False
    logs = sorted(math.log(value) for value in values)
    least = max(2, math.ceil(share * len(logs)))
    for cut in range(least, len(logs) - least + 1):
        width = logs[cut] - logs[cut - 1]
        spread = max(logs[cut - 1] - logs[0], logs[-1] - logs[cut])
        if width > math.log(gap) and width > spread:
            return True
    return False
