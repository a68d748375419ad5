"""The time left: learnt from the run itself."""

from __future__ import annotations

from dataclasses import replace

from harness.planning.estimate import FIRST_GUESS_S, Estimator, whole_searches
from harness.planning.order import Step
from tests.journals import MIB, planned, trial

CASES = [planned("base", MIB), planned("other", MIB), planned("base", 64 * MIB)]


def test_a_case_is_expected_to_take_as_long_again() -> None:
    estimator = Estimator(CASES, [replace(trial(0, 1), wall_s=3.0)])
    assert estimator.one_s(Step(0, "time", 2)) == 3.0


def test_unseen_cases_take_after_their_equals_in_size() -> None:
    estimator = Estimator(CASES)
    assert estimator.one_s(Step(0, "time", 1)) == FIRST_GUESS_S
    estimator.learn(replace(trial(2, 1), wall_s=8.0))
    # Nothing of this size yet: what there is of the scenario has to do.
    assert estimator.one_s(Step(1, "time", 1)) == 8.0
    estimator.learn(replace(trial(0, 1), wall_s=1.0))
    assert estimator.one_s(Step(1, "time", 1)) == 1.0
    # A memory trial says little about a timing one of its own case, but more than nothing.
    assert estimator.one_s(Step(2, "memory", 0)) == 8.0


def test_the_rest_is_the_sum_of_its_trials() -> None:
    estimator = Estimator(CASES, [replace(trial(0, 1), wall_s=2.0)])
    steps = [Step(0, "time", n) for n in (2, 3, 4)]
    assert estimator.total_s(steps) == 6.0


def test_a_search_takes_as_long_as_all_of_its_attempts() -> None:
    attempts = [replace(trial(0, n, kind="limit"), wall_s=float(n)) for n in (1, 2, 3)]
    estimator = Estimator(CASES, [*attempts, replace(trial(2, 1), wall_s=9.0)])
    assert estimator.one_s(Step(1, "limit", 0)) == 6.0
    whole = whole_searches([*attempts, trial(1, 1)])
    assert [(one.case, one.kind) for one in whole] == [(1, "time"), (0, "limit")]
