"""The statistics of times, against truths known another way."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from scipy import stats

from harness.comparison.times import called, compare_times


def processes(draw: random.Random, count: int, centre: float, sigma: float) -> dict[int, float]:
    return {number: centre * math.exp(draw.gauss(0, sigma)) for number in range(count)}


def test_unpaired_processes_are_judged_as_scipy_judges_them() -> None:
    draw = random.Random(1)
    base, candidate = processes(draw, 7, 1.0, 0.02), processes(draw, 5, 1.1, 0.05)
    found = compare_times(base, candidate, 0.0, paired=False)
    logs = [np.log(list(side.values())) for side in (candidate, base)]
    known = stats.ttest_ind(*logs, equal_var=False, alternative="greater")
    assert found is not None
    assert found.p_slower == pytest.approx(known.pvalue)
    interval = stats.ttest_ind(*logs, equal_var=False).confidence_interval()
    assert (math.log(found.low), math.log(found.high)) == pytest.approx(tuple(interval))


def test_paired_processes_are_judged_as_scipy_judges_them() -> None:
    draw = random.Random(2)
    base = processes(draw, 9, 1.0, 0.3)
    candidate = {n: base[n] * 1.2 * math.exp(draw.gauss(0, 0.05)) for n in base if n != 4}
    found = compare_times(base, candidate, 0.05, paired=True)
    logs = [math.log(candidate[n] / base[n]) - math.log(1.05) for n in candidate]
    assert found is not None
    assert found.pairs == 8
    assert found.p_slower == pytest.approx(stats.ttest_1samp(logs, 0, alternative="greater").pvalue)


def test_a_drift_cancels_out_of_pairs_and_not_of_groups() -> None:
    # GIVEN a machine that becomes four times as slow, and a candidate that is 20 % slower
    draw = random.Random(3)
    drift = {n: 4 ** (n / 19) for n in range(20)}
    base = {n: drift[n] * math.exp(draw.gauss(0, 0.02)) for n in drift}
    candidate = {n: 1.2 * drift[n] * math.exp(draw.gauss(0, 0.02)) for n in drift}
    paired = compare_times(base, candidate, 0.05, paired=True)
    groups = compare_times(base, candidate, 0.05, paired=False)
    assert paired is not None
    assert groups is not None
    assert paired.p_slower < 1e-6
    assert paired.low < 1.2 < paired.high
    assert groups.p_slower > 0.1


def test_too_few_processes_say_nothing() -> None:
    assert compare_times({1: 1.0}, {1: 2.0}, 0.05, paired=True) is None
    assert compare_times({1: 1.0}, {1: 2.0, 2: 2.0}, 0.05, paired=False) is None
    assert compare_times({1: 1.0, 2: 1.0}, {3: 2.0, 4: 2.0}, 0.05, paired=True) is None


def test_equal_processes_have_no_spread_and_are_judged_all_the_same() -> None:
    found = compare_times({1: 1.0, 2: 1.0}, {1: 2.0, 2: 2.0}, 0.05, paired=True)
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
            compare_times(
                processes(draw, 5, 1.0, 0.1), processes(draw, 5, 1.0, 0.1), 0.0, paired=False
            )
            for _ in range(20)
        ]
        alarms += any(called([ratio.p_slower for ratio in ratios if ratio]))
    assert alarms <= 12
