"""The tests behind change points, against the same from elsewhere, and what they name by chance."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from scipy import stats

from harness.comparison.amounts import AMOUNTS, Scale
from harness.comparison.tolerance import Tolerance
from harness.history.changes import cuts_of
from harness.history.metrics import METRICS
from harness.history.series import Series
from harness.history.significance import LEVEL, TRIMMED, doubt_of_amounts, doubt_of_times
from harness.history.sparkline import sparkline
from harness.selfcheck.history_false_alarms import (
    Repetitions,
    false_alarms,
    found_steps,
    main,
    memory,
)
from harness.selfcheck.simulated_noise import heavy_tailed, plain, slow_run, two_speeds
from harness.stats.change_points import placed, proposed

PEAK = AMOUNTS[0]
MIB = 1024**2


@pytest.mark.parametrize("counts", [(3, 3), (5, 4), (6, 12), (20, 10)])
@pytest.mark.parametrize("tolerance", [0.0, 0.05])
def test_times_are_judged_as_scipy_judges_trimmed_means(
    counts: tuple[int, int], tolerance: float
) -> None:
    rng = np.random.default_rng(sum(counts))
    sides = [rng.standard_t(3, size=count) * 0.01 for count in counts]
    sides[1] += 0.12  # far apart, so that no run lies at the level of the other side
    expected = stats.ttest_ind(
        sides[1] - math.log1p(tolerance),
        sides[0],
        equal_var=False,
        trim=TRIMMED,
        alternative="greater",
    ).pvalue
    before, after = (list(np.exp(side)) for side in sides)
    assert doubt_of_times(before, after, tolerance) == pytest.approx(expected, rel=1e-6)
    # A time and its reciprocal are judged alike.
    one, other = ([1 / value for value in side] for side in (before, after))
    assert doubt_of_times(one, other, tolerance) == pytest.approx(expected, rel=1e-6)


def test_a_difference_within_the_tolerance_is_full_of_doubt() -> None:
    before, after = [1.0, 1.001, 0.999, 1.0], [1.03, 1.031, 1.029, 1.03]
    assert doubt_of_times(before, after, 0.05) > 0.5
    assert doubt_of_times(before, after, 0.01) < 0.01


def test_runs_at_the_level_of_the_other_side_speak_against_a_change() -> None:
    slow, fast = [1.30, 1.31, 1.29, 1.30, 1.30], [1.0, 1.01, 0.99, 1.0, 1.0]
    assert doubt_of_times(slow, fast, 0.05) < 0.01
    assert doubt_of_times([*slow[:4], 1.0], [*fast[:4], 1.3], 0.05) == 1.0


def readings(*values: float) -> list[tuple[float, ...]]:
    return [(value * MIB, value * MIB) for value in values]


def doubt(before: list[tuple[float, ...]], after: list[tuple[float, ...]]) -> float:
    return doubt_of_amounts(before, after, PEAK, Scale(16 * MIB), Tolerance())


def test_memory_must_lie_apart_by_more_than_the_tolerance_and_its_own_variation() -> None:
    assert doubt(readings(16, 16), readings(32, 32)) < 1
    assert doubt(readings(32, 32), readings(16, 16)) < 1
    assert doubt(readings(16, 16), readings(16.3, 16.3)) == 1  # 2% of 16 MiB are 0.32
    assert doubt(readings(16, 16), readings(16.4, 16.4)) < 1
    assert doubt(readings(16, 24), readings(32, 40)) == 1  # few runs that vary
    assert doubt(readings(16, 24, 16, 24), readings(32, 40, 32, 40)) < 1
    assert doubt(readings(16, 24, 16, 32), readings(32, 40, 32, 40)) == 1


def test_proposals_know_ranks_and_the_place_is_found_by_values() -> None:
    flat = [1.0, 1.01, 0.99, 1.02, 0.98, 1.0]
    step = [*flat, *(1.3 * value for value in flat)]
    assert placed(step, [7], 3) == [6]
    assert 6 in placed(step, proposed(step, 3), 3)
    assert proposed([1.0] * 12, 3) == []
    assert proposed(flat[:5], 3) == []


def test_a_change_that_was_looked_for_at_many_places_needs_more_certainty() -> None:
    """Of twelve runs there are seven places for a change, each up or down."""
    noise = (1.0, 1.01, 0.99, 1.005, 0.996, 1.002)
    time = next(metric for metric in METRICS if metric.name == "time")

    def stepped(doubt: float) -> list[float]:
        """Runs of which the last six lie so far up that this is the doubt, by bisection."""
        low, high = 1.05, 2.0
        for _ in range(60):
            step = (low + high) / 2
            more = doubt_of_times(noise, [step * one for one in noise], 0.05) > doubt
            low, high = (step, high) if more else (low, step)
        return [*noise, *(high * one for one in noise)]

    def changes(values: list[float]) -> list[int]:
        series = Series(time, tuple(range(len(values))), tuple((one,) for one in values))
        return cuts_of(series, Tolerance(time=0.05))

    assert changes(stepped(LEVEL / 14 * 0.9)) == [6]
    assert changes(stepped(LEVEL / 14 * 1.1)) == []
    assert changes(stepped(LEVEL * 0.9)) == []


@pytest.mark.parametrize("noise", [plain, heavy_tailed, slow_run])
def test_false_alarms_are_rare(noise: object) -> None:
    assert callable(noise)
    for runs in (6, 12, 30):
        assert false_alarms(noise, runs, 300) <= 1 / 300


def test_a_case_of_two_speeds_is_named_seldom_and_less_the_more_runs_there_are() -> None:
    few, many = (false_alarms(two_speeds, runs, 400) for runs in (6, 30))
    assert few < 0.06
    assert many < 0.01


def test_a_step_of_a_quarter_is_found() -> None:
    for runs in (6, 12, 30):
        assert found_steps(plain, runs, runs // 2, 0.25, 100)[0] > 0.95
    assert found_steps(slow_run, 30, 15, 0.25, 100)[0] > 0.9
    assert found_steps(plain, 30, 15, 0.02, 100) == (0, 0)


def test_a_second_copy_is_found_at_once_where_memory_does_not_vary() -> None:
    rng = np.random.default_rng(1)
    assert memory(4, 2, luck=False, count=50, rng=rng) == (1, 0)
    assert memory(12, None, luck=False, count=50, rng=rng) == (0, 0)
    hits, _ = memory(12, 6, luck=True, count=50, rng=rng)
    assert hits > 0.9


def test_the_experiment_prints_a_row_for_every_kind_of_noise(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(Repetitions(alone=2, steps=2))
    said = capsys.readouterr().out
    assert said.count("one slow run") == 4
    assert "a copy more" in said


def test_a_sparkline_has_one_character_for_each_run() -> None:
    assert sparkline({0: 1.0, 1: 1.0, 3: 2.0}, range(5), frozenset({2})) == "▁▁×█·"


def test_small_noise_looks_small() -> None:
    values = {run: 1 + random.Random(run).uniform(0, 0.02) for run in range(9)}
    assert sparkline(values, range(9), frozenset()) == "▁" * 9
    assert sparkline({0: 0.0, 1: 4096.0}, range(2), frozenset(), least=1e5) == "▁▁"
