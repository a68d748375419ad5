"""Times against size with known truths: straight, with a step, or with a crossing.

Processes of a size lie apart by normal noise, and one in ten is late, as on a machine with other
work to do; all processes of a round share some luck.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.stats.cost_fit import CostFit, fit_cost
from harness.stats.crossing import RatioCurve
from harness.stats.size_curve import SizeCurve
from harness.stats.size_points import points_of
from harness.units import KIB

SIZES = tuple(4 * KIB * 4**power for power in range(9))
"""Those of the usual sweep, to 256 MiB."""
STEP = 1.3
SHARED = 0.5
"""The luck of a round, as a share of the noise."""
LATE = 0.1
LATE_BY = 0.3
"""On average, in the logarithm."""
Truth = Callable[[float], float]


@dataclass
class Machine:
    """A source of times.

    Args:
        noise: how far processes lie apart.
        processes: at each size.
        draw: of all that is left to chance.
    """

    noise: float
    processes: int
    draw: np.random.Generator

    def times(self, *truths: Truth) -> list[Mapping[int, Sequence[float]]]:
        """Logarithms of each strategy's processes by size; neighbours of a round share its luck."""
        luck = self.draw.normal(0, SHARED * self.noise, (len(SIZES), self.processes))
        return [self._of(truth, luck) for truth in truths]

    def _of(self, truth: Truth, luck: np.ndarray) -> dict[int, list[float]]:
        shape = luck.shape
        late = (self.draw.random(shape) < LATE) * self.draw.exponential(LATE_BY, shape)
        logs = np.log([truth(size) for size in SIZES])[:, None] + luck
        logs = logs + self.draw.normal(0, self.noise, shape) + late
        return {size: list(map(float, row)) for size, row in zip(SIZES, logs, strict=True)}

    def cost(self) -> Truth:
        """A fixed cost between 1 and 100 µs, and 3 to 100 GB/s."""
        fixed = 10 ** self.draw.uniform(-6, -4)
        per_byte = 10 ** self.draw.uniform(-11, -9.5)
        return lambda size: float(fixed + per_byte * size)


def fitted(times: Mapping[int, Sequence[float]]) -> CostFit:
    """The fit of a strategy, with steps at any of the sizes."""
    return fit_cost(points_of(times), range(len(SIZES)))


def step_found(machine: Machine) -> bool:
    """Whether a planted step is found where it is: between the right two sizes."""
    cost = machine.cost()
    at = int(machine.draw.integers(2, len(SIZES) - 1))
    (times,) = machine.times(lambda size: cost(size) * (STEP if size >= SIZES[at] else 1.0))
    return at in fitted(times).cuts


def step_invented(machine: Machine) -> bool:
    """Whether a straight line is given a step."""
    (times,) = machine.times(machine.cost())
    return bool(fitted(times).cuts)


def crossing_held(machine: Machine) -> bool | None:
    """Whether a planted crossing lies where it is said to; None where none is claimed.

    The one has no fixed cost to speak of, the other is less expensive per byte.
    """
    at = 10 ** machine.draw.uniform(math.log10(SIZES[1]), math.log10(SIZES[-2]))
    slow, fast = 2e-10, 1e-10
    fixed = 1e-6 + (slow - fast) * at
    one, other = machine.times(
        lambda size: 1e-6 + slow * size, lambda size: float(fixed + fast * size)
    )
    first, second = (_curve(times) for times in (one, other))
    ratios = {
        size: [here - there for here, there in zip(one[size], other[size], strict=True)]
        for size in SIZES
    }
    found = RatioCurve(first, second, points_of(ratios)).crossings()
    if not found:
        return None
    return len(found) == 1 and (found[0].low or 0) <= at <= (found[0].high or math.inf)


def _curve(times: Mapping[int, Sequence[float]]) -> SizeCurve:
    points = points_of(times)
    return SizeCurve(fit_cost(points), points)


def interval_held(machine: Machine) -> bool:
    """Whether the interval of a size that was left out holds what is then measured there."""
    (times,) = machine.times(machine.cost())
    out = int(machine.draw.choice(SIZES[1:-1]))
    points = points_of({size: logs for size, logs in times.items() if size != out})
    measured = points_of(times)[SIZES.index(out)]
    forecast = SizeCurve(fit_cost(points), points).at(out, measured.variance)
    low, high = forecast.bounds(0.9)
    return low <= math.exp(measured.log_s) <= high
