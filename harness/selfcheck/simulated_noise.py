"""Simulated noise: of series of times, as logarithms, and of the memory of process after process.

Of times, every kind has a standard deviation, or for heavy tails a scale, of 2% from run to run,
where nothing else is said.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from harness.units import KIB, MIB

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


def wandering(rng: np.random.Generator, runs: int) -> NDArray[np.float64]:
    """The same, and 20% in all."""
    return drifting(rng, runs) * (0.2 / 0.03)


def drifting_more(rng: np.random.Generator, runs: int) -> NDArray[np.float64]:
    """A drift that grows: each run goes on from the last one, by steps from 0 up to 4%."""
    return plain(rng, runs) + np.cumsum(rng.normal(scale=np.linspace(0, 0.04, runs)))


def two_speeds(rng: np.random.Generator, runs: int) -> NDArray[np.float64]:
    """Every run has one of two speeds, 30% apart, by chance."""
    return plain(rng, runs) + math.log(1.3) * (rng.random(runs) < 0.5)


NOISE_KINDS: Mapping[str, Noise] = {
    "plain": plain,
    "heavy tails": heavy_tailed,
    "uneven": uneven,
    "one slow run": slow_run,
    "drifting": drifting,
    "wandering": wandering,
    "drifting more and more": drifting_more,
    "two speeds": two_speeds,
}


def stray_pages(rng: np.random.Generator, processes: int) -> NDArray[np.float64]:
    return rng.uniform(0, 90 * KIB, processes)


def two_modes(rng: np.random.Generator, processes: int) -> NDArray[np.float64]:
    """Every second process takes 8 MiB more, wherever an allocator finds room."""
    return stray_pages(rng, processes) + 8 * MIB * (rng.random(processes) < 0.5)


def lasting_modes(rng: np.random.Generator, processes: int) -> NDArray[np.float64]:
    """The same, and five of six processes do as the one before."""
    begins = int(rng.random() < 0.5)
    flips = np.cumsum(rng.random(processes) < 1 / 6) + begins
    return stray_pages(rng, processes) + 8 * MIB * (flips % 2)


def swaying(rng: np.random.Generator, processes: int) -> NDArray[np.float64]:
    """What a process takes more or less, the next keeps to 70%; 3 MiB in all."""
    made = rng.normal(size=processes)
    for process in range(1, processes):
        made[process] = 0.7 * made[process - 1] + math.sqrt(1 - 0.7**2) * made[process]
    return 3 * MIB * made


def growing(rng: np.random.Generator, processes: int) -> NDArray[np.float64]:
    """A drift that grows: each process goes on from the last one, by larger and larger steps."""
    return np.cumsum(rng.normal(scale=np.linspace(0, MIB, processes)))


MEMORY_NOISE: Mapping[str, Noise] = {
    "stray pages": stray_pages,
    "two modes, by chance": two_modes,
    "two modes that last": lasting_modes,
    "70% carries over": swaying,
    "drifting more and more": growing,
}
