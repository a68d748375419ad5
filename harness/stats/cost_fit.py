"""Time against size: a fixed cost and a cost per byte, with steps at a few sizes.

    t(n) = (a + c · n) · s₁ · … · s_k,   a ≥ 0, c ≥ 0,

where each step s counts from its *cut* on. Without a cut that is R. W. Hockney's model, with
n½ = a ÷ c (The science of computer benchmarking, 1996). What is minimised are squares of errors of
the logarithm, so that small sizes count as much as large ones; for a given n½ that is linear, so
all that is searched is n½. Where there is a cut is decided by an F-test against the best fit with
fewer, at a level divided by the number of fits that were looked at.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_CUTS = 2
LEAST_ON_A_SIDE = 2
"""Sizes between two cuts, and beyond the last: one size that is off is no step."""
LEVEL = 0.2
"""Of the test, over all fits that are looked at. They are much alike, which dividing it by their
number does not know: straight lines get a cut in one or two of a hundred."""
WORTH = 8.0
"""What is known beforehand, that sizes lie off by what processes do, counts for so many of them."""
FLOOR = 0.01
"""Relative error that no number of processes makes smaller: a cut has to explain more."""
WIDEST = 1e4
"""n½ is searched from the smallest size divided by this to the largest times this."""
GRID = 33
"""Values of n½ that are looked at at once."""
FINER = 2
"""How often they are looked at more closely around the best one."""


@dataclass(frozen=True)
class Point:
    """What is known of one size.

    Args:
        size: bytes.
        log_s: logarithm of the time, in seconds.
        variance: of that logarithm, by how far processes lie apart.
    """

    size: float
    log_s: float
    variance: float


@dataclass(frozen=True)
class CostFit:
    """A fixed cost, a cost per byte, and steps.

    Args:
        sizes: at which it was fitted, ascending.
        cuts: the place in ``sizes`` of the first beyond each step.
        fixed_s: seconds.
        per_byte_s: seconds per byte, before the first step.
        steps: factors by which the time changes at each cut.
        misfit: weighted squares of relative errors: about one for each degree of freedom.
    """

    sizes: tuple[float, ...]
    cuts: tuple[int, ...]
    fixed_s: float
    per_byte_s: float
    steps: tuple[float, ...]
    misfit: float

    @property
    def freedom(self) -> int:
        """Sizes beyond those that fix the constants."""
        return len(self.sizes) - 2 - len(self.cuts)

    def passed(self, size: float) -> list[float]:
        """Of each step, how much of it counts at a size.

        Between the two sizes around a cut nobody knows on which side it lies: there it counts by
        the share of the way, in logarithms.
        """
        return [
            min(1.0, max(0.0, math.log(size / low) / math.log(high / low)))
            for low, high in self.around
        ]

    @property
    def around(self) -> list[tuple[float, float]]:
        """The two sizes between which each step lies."""
        return [(self.sizes[cut - 1], self.sizes[cut]) for cut in self.cuts]

    def seconds(self, size: float) -> float:
        """The time at a size."""
        time = self.fixed_s + self.per_byte_s * size
        for step, passed in zip(self.steps, self.passed(size), strict=True):
            time *= step**passed
        return time

    def slopes(self, size: float) -> Floats:
        """How the logarithm of the time at a size changes with the constants.

        Returns:
            One for the fixed cost, one for the cost per byte, and one for each step's logarithm.
        """
        plain = self.fixed_s + self.per_byte_s * size
        return np.array([1 / plain, size / plain, *self.passed(size)])

    def doubt_of_cuts(self, size: float) -> tuple[float, float]:
        """How far below and above the logarithm of the time may be, for want of knowing a cut.

        Between the two sizes around it the time is either the one before the step or that after it.
        """
        below = above = 0.0
        for step, passed in zip(self.steps, self.passed(size), strict=True):
            ends = -passed * math.log(step), (1 - passed) * math.log(step)
            if 0 < passed < 1:
                below, above = below - min(ends), above + max(ends)
        return below, above


def fit_cost(points: Sequence[Point], places: Sequence[int] = ()) -> CostFit:
    """The fit with as few cuts as the points leave no doubt of.

    Args:
        points: ascending by size; at least two.
        places: indices of points that may be the first beyond a cut.

    Raises:
        ValueError: fewer than two points.
    """
    if len(points) < 2:
        raise ValueError("a fixed cost and a cost per byte need two sizes")
    best = fit_with_cuts(points, ())
    for count in range(1, MOST_CUTS + 1):
        tried = [fit_with_cuts(points, cuts) for cuts in _cuts(places, count, len(points))]
        if not tried:
            break
        better = min(tried, key=lambda fit: fit.misfit)
        if _by_chance(best, better) * len(tried) < LEVEL:
            best = better
    return best


def _cuts(places: Sequence[int], count: int, points: int) -> Iterator[tuple[int, ...]]:
    for cuts in itertools.combinations(sorted(places), count):
        edges = itertools.pairwise((0, *cuts, points))
        if all(high - low >= LEAST_ON_A_SIDE for low, high in edges):
            yield cuts


def _by_chance(fewer: CostFit, more: CostFit) -> float:
    """How probable so much less misfit is, if the cuts that are more were none."""
    from scipy.special import fdtrc

    if more.freedom < 1:
        return 1.0
    extra = len(more.cuts) - len(fewer.cuts)
    freedom = WORTH + more.freedom
    left = max(1.0, (WORTH + more.misfit) / freedom)  # never less than processes lie apart
    return float(fdtrc(extra, freedom, max(0.0, fewer.misfit - more.misfit) / extra / left))


def fit_with_cuts(points: Sequence[Point], cuts: tuple[int, ...]) -> CostFit:
    """The best fit with given cuts.

    Args:
        points: ascending by size; at least as many as there are constants.
        cuts: see :class:`CostFit`.
    """
    sizes = np.array([point.size for point in points])
    logs = np.array([point.log_s for point in points])
    weights = 1 / np.sqrt([point.variance + FLOOR**2 for point in points])
    beyond = [(np.arange(len(points)) >= cut).astype(float) for cut in cuts]
    columns = np.column_stack([np.ones(len(points)), *beyond]) * weights[:, None]
    basis, _ = np.linalg.qr(columns)

    def left(halves: Floats) -> tuple[Floats, Floats]:
        """For each n½ the weighted logarithms without its shape, and the squares left of them."""
        shapes = np.log1p(np.divide.outer(sizes, halves))
        shaped = (logs[:, None] - shapes) * weights[:, None]
        rest = shaped - basis @ (basis.T @ shaped)
        return shaped, (rest**2).sum(axis=0)

    half = _best_half(sizes, lambda halves: left(halves)[1])
    shaped, misfit = left(np.array([half]))
    (log_fixed, *steps), *_ = np.linalg.lstsq(columns, shaped[:, 0], rcond=None)
    low, high = sizes[0] / WIDEST, sizes[-1] * WIDEST
    fixed = math.exp(log_fixed)
    per_byte = fixed / half
    return CostFit(
        sizes=tuple(map(float, sizes)),
        cuts=cuts,
        fixed_s=fixed if half > low * 1.001 else 0.0,
        per_byte_s=per_byte if half < high / 1.001 else 0.0,
        steps=tuple(math.exp(step) for step in steps),
        misfit=float(misfit[0]),
    )


def _best_half(sizes: Floats, squares: Callable[[Floats], Floats]) -> float:
    """The n½ that leaves least, on a grid that grows finer around it."""
    halves = np.geomspace(sizes[0] / WIDEST, sizes[-1] * WIDEST, GRID)
    for _ in range(FINER):
        best = int(squares(halves).argmin())
        halves = np.geomspace(halves[max(0, best - 1)], halves[min(GRID - 1, best + 1)], GRID)
    return float(halves[int(squares(halves).argmin())])
