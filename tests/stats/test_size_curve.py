"""Predictions between sizes and beyond them: near what was measured, wider where nothing was."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest

from harness.stats.cost_fit import Point, fit_cost
from harness.stats.crossing import RatioCurve
from harness.stats.intervals import Interval
from harness.stats.size_curve import LEAST_MISFIT, USUAL_MISFIT, SizeCurve, usual_misfit
from harness.stats.size_points import points_of, spread_of
from tests.some import some

SIZES = tuple(4096 * 4**power for power in range(9))
Truth = Callable[[float], float]


def times(truth: Truth, noise: float = 0.01, seed: int = 0) -> Mapping[int, Sequence[float]]:
    draw = np.random.default_rng(seed)
    return {
        size: [math.log(truth(size)) + float(draw.normal(0, noise)) for _ in range(5)]
        for size in SIZES
    }


def curve(truth: Truth, noise: float = 0.01, seed: int = 0) -> SizeCurve:
    points = points_of(times(truth, noise, seed))
    return SizeCurve(fit_cost(points, range(len(points))), points)


def width(found: SizeCurve, size: float) -> float:
    low, high = found.at(size).bounds(0.9)
    return high / low


def copying(size: float) -> float:
    return 12e-6 + 2e-10 * size


def test_a_size_between_is_predicted() -> None:
    found = curve(copying)
    for size in some((6000, 50_000, 3 * 2**20, 100 * 2**20)):
        forecast = found.at(size)
        low, high = forecast.bounds(0.9)
        assert low < copying(size) < high
        assert forecast.value == pytest.approx(copying(size), rel=0.05)


def test_further_away_is_less_certain() -> None:
    found = curve(copying)
    between, beyond = math.sqrt(SIZES[5] * SIZES[6]), SIZES[-1] * 2
    assert width(found, SIZES[5]) < width(found, between) < width(found, beyond)
    assert width(found, beyond) < width(found, SIZES[-1] * 4)


def test_sizes_near_one_that_is_off_are_off_with_it() -> None:
    bent = curve(lambda size: copying(size) * (1.2 if size == SIZES[5] else 1.0))
    near, far = SIZES[5] * 1.1, SIZES[1]
    assert bent.at(near).value > 1.08 * copying(near)
    assert bent.at(far).value == pytest.approx(copying(far), rel=0.05)


def test_within_a_step_the_interval_holds_both_sides() -> None:
    found = curve(lambda size: 1e-9 * size * (8 if size >= SIZES[5] else 1))
    size = math.sqrt(SIZES[4] * SIZES[5])
    low, high = found.at(size).bounds(0.9)
    assert low < 1e-9 * size
    assert high > 8e-9 * size


def test_constants_have_intervals_that_hold_them() -> None:
    found = curve(copying)
    assert isinstance(found.half, Interval)
    for interval, truth in some(
        ((found.fixed, 12e-6), (found.per_byte, 2e-10), (found.half, 12e-6 / 2e-10))
    ):
        assert interval.low < truth < interval.high


def test_a_fixed_cost_that_no_size_shows_may_be_none() -> None:
    found = curve(lambda size: 1e-7 + 3e-8 * size)
    assert found.fixed.low == 0
    assert found.half is None


def test_what_other_strategies_show_of_misfit_counts() -> None:
    straight = points_of(times(copying, 0.001))
    fits = [(fit_cost(straight), straight)] * 5
    assert usual_misfit(fits) == LEAST_MISFIT
    assert usual_misfit(fits[:4]) == USUAL_MISFIT  # too few to tell


def ratio(one: Truth, other: Truth, noise: float = 0.01) -> RatioCurve:
    first, second = times(one, noise, 1), times(other, noise, 2)
    curves = [
        SizeCurve(fit_cost(points), points) for points in (points_of(first), points_of(second))
    ]
    logs = {size: [a - b for a, b in zip(first[size], second[size], strict=True)] for size in SIZES}
    return RatioCurve(curves[0], curves[1], points_of(logs))


def test_a_crossing_lies_where_both_take_equally_long() -> None:
    (found,) = ratio(lambda size: 1e-6 + 2e-10 * size, lambda size: 1e-4 + 1e-10 * size).crossings()
    truth = 99e-6 / 1e-10
    assert found.low is not None
    assert found.high is not None
    assert found.low < truth < found.high
    assert found.size == pytest.approx(truth, rel=0.1)
    assert found.slower_above


def test_strategies_that_are_level_cross_nowhere() -> None:
    assert ratio(copying, copying).crossings() == []


def test_one_that_is_always_faster_crosses_nowhere() -> None:
    assert ratio(copying, lambda size: 2 * copying(size)).crossings() == []


def test_processes_that_are_far_off_do_not_widen_what_the_others_say() -> None:
    quiet = times(copying)
    late = {size: [*logs[:4], logs[4] + 2] for size, logs in quiet.items()}
    for before, after in zip(some(points_of(quiet)), points_of(late), strict=True):
        assert after.variance < 4 * before.variance
        assert after.log_s == pytest.approx(before.log_s, abs=0.03)


@pytest.mark.parametrize("count", [2, 3, 4, 5, 10])
def test_how_far_processes_lie_apart_is_estimated_right(count: int) -> None:
    draw = np.random.default_rng(count)
    groups = [list(map(float, draw.normal(0, 0.05, count))) for _ in range(4000)]
    assert math.sqrt(spread_of(groups)) == pytest.approx(0.05, rel=0.04)


def test_a_point_is_the_median_of_its_processes() -> None:
    points = points_of({8192: [-9.0, -9.1, -8.0], 4096: [-10.0, -10.0, -10.0]})
    assert [(one.size, one.log_s) for one in points] == [(4096, -10.0), (8192, -9.0)]
    assert all(isinstance(one, Point) for one in some(points))
