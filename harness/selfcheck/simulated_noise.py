"""Made series for :mod:`harness.selfcheck.history_false_alarms`: logarithms of times that nothing
changed.

Every kind has a standard deviation, or for heavy tails a scale, of 2% from run to run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Noise = Callable[[np.random.Generator, int], NDArray[np.float64]]
SCALE = 0.02


def plain(rng: np.random.Generator, runs: int) -> NDArray[np.float64]:
    return rng.normal(scale=SCALE, size=runs)


def heavy_tailed(rng: np.random.Generator, runs: int) -> NDArray[np.float64]:
    """Student's t with three degrees of freedom."""
    return SCALE * rng.standard_t(3, size=runs)


def uneven(rng: np.random.Generator, runs: int) -> NDArray[np.float64]:
    """Each run has a noise of its own, from under half to over twice as much."""
    return plain(rng, runs) * np.exp(rng.normal(scale=0.8, size=runs))


def slow_run(rng: np.random.Generator, runs: int) -> NDArray[np.float64]:
    """Heavy-tailed, and one run is 1.5 to 3 times as slow as the others."""
    made = heavy_tailed(rng, runs)
    made[rng.integers(runs)] += math.log(rng.uniform(1.5, 3))
    return made


def drifting(rng: np.random.Generator, runs: int) -> NDArray[np.float64]:
    """A machine whose speed wanders: what a run has of it, the next keeps to 70%; 3% in all."""
    made = rng.normal(scale=0.03, size=runs)
    for run in range(1, runs):
        made[run] = 0.7 * made[run - 1] + math.sqrt(1 - 0.7**2) * made[run]
    return made


def two_speeds(rng: np.random.Generator, runs: int) -> NDArray[np.float64]:
    """Every run has one of two speeds, 30% apart, by chance."""
    return plain(rng, runs) + math.log(1.3) * (rng.random(runs) < 0.5)


NOISE_KINDS: Mapping[str, Noise] = {
    "plain": plain,
    "heavy tails": heavy_tailed,
    "uneven": uneven,
    "one slow run": slow_run,
    "drifting": drifting,
    "two speeds": two_speeds,
}
