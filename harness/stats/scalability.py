"""What each further worker adds: the universal scalability law.

    X(N) = λN / (1 + σ(N - 1) + κN(N - 1))

is the throughput of N workers: λ that of one, σ the share of the work for which they queue, κ what
each costs every other (N. J. Gunther, Guerrilla Capacity Planning, 2007). Beyond √((1 - σ) ÷ κ)
workers, one more makes it slower. N ÷ X(N) is linear in 1/λ, σ/λ and κ/λ, none of which is
negative. Intervals are those of resampled processes (B. Efron, Annals of Statistics 7 (1979) 1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.stats.cost_fit import Floats
from harness.stats.intervals import Interval

LEAST_COUNTS = 3
"""Of workers, for three constants."""
LEAST_PROCESSES = 3
"""At each of them: two resampled ones are too often the same."""
RESAMPLED = 1000


@dataclass(frozen=True)
class Scalability:
    """The law's constants.

    Args:
        one_per_s: λ, of one worker: whatever is counted, a second.
        queueing: σ.
        crosstalk: κ.
        best: workers beyond which throughput falls; infinite where it never does.
        counts: of workers that were measured, ascending.
        misfit: the largest relative error at any of them; None where as many constants as counts
            leave nothing to check them by.
    """

    one_per_s: Interval
    queueing: Interval
    crosstalk: Interval
    best: Interval
    counts: tuple[int, ...]
    misfit: float | None

    def per_s(self, workers: int) -> float:
        """The throughput of so many workers."""
        return float(
            throughput(workers, self.one_per_s.median, self.queueing.median, self.crosstalk.median)
        )


def throughput(workers: int, one: float, queueing: float, crosstalk: float) -> float:
    """X(N)."""
    slowed = 1 + queueing * (workers - 1) + crosstalk * workers * (workers - 1)
    return one * workers / slowed


def scalability(
    rates: Mapping[int, Sequence[float]], confidence: float, seed: int = 0
) -> Scalability | None:
    """Fit the law.

    Args:
        rates: throughput of each process, by its number of workers, of which none is zero.
        confidence: of the intervals.
        seed: of the resampling.

    Returns:
        None where there are too few counts of workers, or processes of one.
    """
    counts = sorted(rates)
    if len(counts) < LEAST_COUNTS or min(map(len, rates.values())) < LEAST_PROCESSES:
        return None
    logs = [np.log(rates[count]) for count in counts]
    found = _fit(counts, np.array([np.median(one) for one in logs]))
    draw = np.random.default_rng(seed)
    again = np.array(
        [
            _fit(counts, np.array([np.median(draw.choice(one, len(one))) for one in logs]))
            for _ in range(RESAMPLED)
        ]
    )
    ends = np.quantile(
        again, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0, method="nearest"
    )
    one_per_s, queued, crossed, best = (
        Interval(float(value), float(low), float(high), confidence, min(map(len, rates.values())))
        for value, low, high in zip(found, *ends, strict=True)
    )
    one, queueing, crosstalk = found[:3]
    errors = [
        abs(throughput(count, one, queueing, crosstalk) / math.exp(np.median(log)) - 1)
        for count, log in zip(counts, logs, strict=True)
    ]
    misfit = float(max(errors)) if len(counts) > LEAST_COUNTS else None
    return Scalability(one_per_s, queued, crossed, best, tuple(counts), misfit)


def _fit(counts: Sequence[int], logs: Floats) -> tuple[float, float, float, float]:
    """λ, σ, κ and the best number of workers, by least squares of relative errors."""
    from scipy.optimize import nnls

    workers = np.array(counts, float)
    taken = workers / np.exp(logs)
    columns = np.column_stack([np.ones(len(counts)), workers - 1, workers * (workers - 1)])
    (plain, queued, crossed), _ = nnls(columns / taken[:, None], np.ones(len(counts)))
    plain = max(plain, 1e-12 * float(taken.max()))
    queueing, crosstalk = queued / plain, crossed / plain
    best = math.inf
    if crosstalk > 0:
        best = math.sqrt(max(0.0, 1 - queueing) / crosstalk)
    return 1 / plain, queueing, crosstalk, max(1.0, best)
