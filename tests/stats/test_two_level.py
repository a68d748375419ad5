"""The statistics of times, against truths known another way."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from scipy import stats

from harness.stats.two_level import Drift, Spread, called, compare_times, with_drift


def processes(draw: random.Random, count: int, centre: float, sigma: float) -> dict[int, float]:
    return {number: centre * math.exp(draw.gauss(0, sigma)) for number in range(count)}


def test_unpaired_processes_are_judged_as_scipy_judges_them() -> None:
    draw = random.Random(1)
    base, candidate = processes(draw, 7, 1.0, 0.02), processes(draw, 5, 1.1, 0.05)
    found = compare_times(base, candidate, 0.0)
    logs = [np.log(list(side.values())) for side in (candidate, base)]
    known = stats.ttest_ind(*logs, equal_var=False, alternative="greater")
    assert found is not None
    assert found.p_slower == pytest.approx(known.pvalue)
    interval = stats.ttest_ind(*logs, equal_var=False).confidence_interval()
    assert (math.log(found.low), math.log(found.high)) == pytest.approx(tuple(interval))


def test_a_known_drift_between_runs_takes_their_certainty_away() -> None:
    draw = random.Random(3)
    base, candidate = processes(draw, 9, 1.0, 0.01), processes(draw, 9, 1.2, 0.01)
    unaware = compare_times(base, candidate, 0.05)
    aware = compare_times(base, candidate, 0.05, Drift(deviation=0.1, runs=6))
    assert unaware is not None
    assert aware is not None
    assert unaware.p_slower < 1e-6
    assert aware.p_slower > 0.05
    assert aware.low < 1.0 < aware.ratio < aware.high


def test_too_few_processes_say_nothing() -> None:
    assert compare_times({1: 1.0}, {1: 2.0, 2: 2.0}, 0.05) is None


def test_equal_processes_have_no_spread_and_are_judged_all_the_same() -> None:
    found = compare_times({1: 1.0, 2: 1.0}, {1: 2.0, 2: 2.0}, 0.05)
    assert found is not None
    assert (found.p_slower, found.p_faster) == (0.0, 1.0)
    assert found.ratio == pytest.approx(2.0)


def test_holm_names_what_a_plain_bound_for_all_would_and_more() -> None:
    assert called([0.004, 0.2, 0.0001], level=0.01) == [True, False, True]
    assert called([0.004, 0.004, 0.004], level=0.01) == [False] * 3
    assert called([], level=0.01) == []


def test_suites_of_identical_code_are_rarely_called_slower() -> None:
    """One in a hundred at most may be; of 400, twelve would be three times that."""
    draw = random.Random(4)
    alarms = 0
    for _ in range(400):
        ratios = [
            compare_times(processes(draw, 5, 1.0, 0.1), processes(draw, 5, 1.0, 0.1), 0.0)
            for _ in range(20)
        ]
        alarms += any(called([ratio.p_slower for ratio in ratios if ratio]))
    assert alarms <= 12


def test_two_runs_drift_apart_by_the_drift_of_each() -> None:
    draw, deviation = random.Random(1), 0.03
    apart = [draw.gauss(0, deviation) - draw.gauss(0, deviation) for _ in range(20_000)]
    found = with_drift(Spread(0.0, 0.0, 1.0), Drift(deviation, 12))
    assert found.error == pytest.approx(float(np.std(apart)), rel=0.02)
    assert found.freedom == 11  # what is known of it, 12 runs have told
