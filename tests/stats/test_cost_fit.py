"""Costs that are known come out of times made from them; steps only where there are some."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from harness.selfcheck.simulated_sizes import Machine, step_found, step_invented
from harness.stats.cost_fit import CostFit, Point, fit_cost
from tests.some import some

SIZES = tuple(4096 * 4**power for power in range(9))
ANYWHERE = range(len(SIZES))


def fit(
    seconds: Callable[[int], float], noise: float = 0.01, places: range = ANYWHERE, seed: int = 0
) -> CostFit:
    draw = np.random.default_rng(seed)
    logs = [math.log(seconds(size)) + draw.normal(0, noise) for size in SIZES]
    points = [
        Point(size, log, max(noise, 1e-9) ** 2) for size, log in zip(SIZES, logs, strict=True)
    ]
    return fit_cost(points, places)


def test_both_constants_come_back() -> None:
    found = fit(lambda size: 12e-6 + 2e-10 * size, noise=0.0)
    assert found.cuts == ()
    assert found.fixed_s == pytest.approx(12e-6, rel=0.02)
    assert found.per_byte_s == pytest.approx(2e-10, rel=0.02)
    for size in some(SIZES):
        assert found.seconds(size) == pytest.approx(12e-6 + 2e-10 * size, rel=0.01)


def test_what_does_not_grow_has_no_cost_per_byte() -> None:
    found = fit(lambda size: 8e-7, noise=0.0)
    assert found.fixed_s == pytest.approx(8e-7, rel=1e-3)
    assert found.per_byte_s * SIZES[-1] < 0.05 * found.fixed_s


def test_what_is_proportional_has_no_fixed_cost() -> None:
    found = fit(lambda size: 3e-8 * size, noise=0.0)
    assert found.per_byte_s == pytest.approx(3e-8, rel=0.02)
    assert found.fixed_s < 0.05 * found.seconds(SIZES[0])


@pytest.mark.parametrize("at", [2, 4, 7])
@pytest.mark.parametrize("step", [1.3, 26.0, 0.5])
def test_a_step_is_found_where_it_is(at: int, step: float) -> None:
    found = fit(lambda size: (2e-6 + 1e-10 * size) * (step if size >= SIZES[at] else 1.0))
    assert found.cuts == (at,)
    assert found.steps[0] == pytest.approx(step, rel=0.1)
    assert found.around == [(SIZES[at - 1], SIZES[at])]


def test_two_steps_are_told_apart() -> None:
    def seconds(size: int) -> float:
        steps = (2 if size >= SIZES[3] else 1) * (3 if size >= SIZES[6] else 1)
        return (2e-6 + 1e-10 * size) * steps

    assert fit(seconds).cuts == (3, 6)


def test_a_step_has_to_lie_at_a_known_place() -> None:
    def seconds(size: int) -> float:
        return (2e-6 + 1e-10 * size) * (2 if size >= SIZES[4] else 1)

    assert fit(seconds, places=range(5, 8)).cuts != (4,)
    assert fit(seconds, places=range(0)).cuts == ()


def test_one_size_that_is_off_is_no_step() -> None:
    found = fit(lambda size: (2e-6 + 1e-10 * size) * (2 if size == SIZES[-1] else 1))
    assert len(SIZES) - 1 not in found.cuts


def test_straight_lines_are_given_hardly_any() -> None:
    machine = Machine(0.03, 5, np.random.default_rng(1))
    assert sum(step_invented(machine) for _ in range(100)) <= 8  # 2% of many more


def test_planted_steps_are_seldom_missed() -> None:
    machine = Machine(0.02, 5, np.random.default_rng(1))
    assert sum(step_found(machine) for _ in range(100)) >= 92  # 98% of many more


def test_between_the_sizes_around_a_step_either_time_may_be_true() -> None:
    found = fit(lambda size: 1e-9 * size * (4 if size >= SIZES[4] else 1))
    inside = math.sqrt(SIZES[3] * SIZES[4])
    below, above = found.doubt_of_cuts(inside)
    assert math.exp(below + above) == pytest.approx(found.steps[0])
    assert found.doubt_of_cuts(SIZES[3]) == (0, 0)
    assert found.doubt_of_cuts(SIZES[4]) == (0, 0)


def test_a_single_size_is_refused() -> None:
    with pytest.raises(ValueError, match="two sizes"):
        fit_cost([Point(4096, -10.0, 1e-4)])
