"""Is it slower? Processes of one run against processes of another.

Samples of one process share its luck, so each process counts once, by the median of its samples,
as a logarithm. The two groups are judged by Welch's test. That cannot know how far two runs of
identical code lie apart on a machine that drifts; where it has been measured, by ``doctor
--calibrate``, it is one more variance, known as well as the few runs behind it allow.

A difference is called when the ratio is beyond the tolerance with more confidence than all cases
together may be wrong: :func:`called` corrects for their number.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.stats.intervals import CONFIDENCE

FALSE_ALARM = 0.01
"""The probability with which a suite may name any case slower that is not: over all its cases."""


@dataclass(frozen=True)
class Drift:
    """How far runs of identical code lay apart.

    Args:
        deviation: standard deviation of a run's logarithm of time.
        runs: how many were measured.
    """

    deviation: float
    runs: int


@dataclass(frozen=True)
class TimeRatio:
    """How the candidate's time compares with the base's."""

    ratio: float
    low: float  # of an interval for this case alone
    high: float
    p_slower: float  # if it were slower by just the tolerance, would chance look like this?
    p_faster: float
    base_s: float
    candidate_s: float
    processes: int  # of the side that has fewer


def compare_times(
    base: Mapping[int, float],
    candidate: Mapping[int, float],
    tolerance: float,
    drift: Drift | None = None,
) -> TimeRatio | None:
    """Compare processes' times.

    Args:
        base: seconds by round.
        candidate: the same.
        tolerance: the share that is no difference.
        drift: between runs; none if they are taken for one.

    Returns:
        None where one side has fewer than two processes: then nothing can be said.
    """
    spread = _of_groups(_logs(base), _logs(candidate))
    if spread is None:
        return None
    if drift is not None:
        spread = with_drift(spread, drift)
    return TimeRatio(
        ratio=math.exp(spread.centre),
        low=math.exp(spread.bound(-CONFIDENCE)),
        high=math.exp(spread.bound(CONFIDENCE)),
        p_slower=spread.p_above(math.log1p(tolerance)),
        p_faster=spread.p_below(-math.log1p(tolerance)),
        base_s=statistics.median(base.values()),
        candidate_s=statistics.median(candidate.values()),
        processes=min(len(base), len(candidate)),
    )


def _logs(times: Mapping[int, float]) -> list[float]:
    return [math.log(value) for value in times.values()]


@dataclass(frozen=True)
class Spread:
    """A centre, its standard error, and the degrees of freedom of that."""

    centre: float
    error: float
    freedom: float

    def bound(self, confidence: float) -> float:
        """An end of the two-sided interval: the lower one for a negative confidence."""
        from scipy.special import stdtrit

        quantile = float(stdtrit(self.freedom, 0.5 + abs(confidence) / 2))
        return self.centre + math.copysign(quantile, confidence) * self.error

    def p_above(self, bar: float) -> float:
        """The probability of a centre this high or higher, were the truth at the bar."""
        from scipy.special import stdtr

        if self.error == 0:
            return 0.0 if self.centre > bar else 1.0
        return float(stdtr(self.freedom, (bar - self.centre) / self.error))

    def p_below(self, bar: float) -> float:
        """The same for a centre this low or lower."""
        return Spread(-self.centre, self.error, self.freedom).p_above(-bar)


def with_drift(spread: Spread, drift: Drift) -> Spread:
    """Two runs each with a luck of its own; the degrees of freedom by Welch and Satterthwaite."""
    between = 2 * drift.deviation**2
    variance = spread.error**2 + between
    parts = spread.error**4 / spread.freedom + between**2 / max(1, drift.runs - 1)
    return Spread(spread.centre, math.sqrt(variance), variance**2 / parts if parts else 1.0)


def _of_groups(base: Sequence[float], candidate: Sequence[float]) -> Spread | None:
    """Welch, Biometrika 34 (1947) 28: two groups whose variances may differ."""
    if min(len(base), len(candidate)) < 2:
        return None
    means = [math.fsum(group) / len(group) for group in (base, candidate)]
    shares = [
        math.fsum((value - mean) ** 2 for value in group) / (len(group) - 1) / len(group)
        for group, mean in zip((base, candidate), means, strict=True)
    ]
    error = math.sqrt(sum(shares))
    parts = [
        share**2 / (len(group) - 1) for share, group in zip(shares, (base, candidate), strict=True)
    ]
    freedom = sum(shares) ** 2 / sum(parts) if sum(parts) else 1.0
    return Spread(means[1] - means[0], error, freedom)


def called(probabilities: Sequence[float], level: float = FALSE_ALARM) -> list[bool]:
    """Which of many hypotheses are rejected, with one false rejection at most so likely.

    Holm, Scandinavian Journal of Statistics 6 (1979) 65: the smallest must be below level / n,
    the next below level / (n - 1), and so on to the first that is not.
    """
    order = sorted(range(len(probabilities)), key=lambda index: probabilities[index])
    found = [False] * len(probabilities)
    for rank, index in enumerate(order):
        if not probabilities[index] < level / (len(order) - rank):
            break
        found[index] = True
    return found
