"""The time left: learnt from the run itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.planning.estimate import (
    FIRST_GUESS_S,
    ON_DEVICE_S,
    WEIGHT_OF_GUESS,
    Estimator,
    whole_searches,
)
from harness.planning.order import Step
from harness.schema.records import Effort, Outcome, Trial
from tests.journals import MIB, planned, trial

CASES = [planned("base", MIB), planned("other", MIB), planned("base", 64 * MIB)]
EFFORT = Effort(trials=3, steady_s=0.5)


def took(index: int, number: int, wall_s: float) -> Trial:
    return replace(trial(index, number), wall_s=wall_s)


def drawn(seen_s: float, guess_s: float, trials: int = 1) -> float:
    """A mean of some trials, drawn to what was expected before."""
    return (trials * seen_s + WEIGHT_OF_GUESS * guess_s) / (trials + WEIGHT_OF_GUESS)


def test_a_case_is_expected_to_take_as_long_again() -> None:
    estimator = Estimator(CASES, EFFORT, [took(0, 1, 3.0)])
    assert estimator.one_s(Step(0, "time", 2)) == 3.0


def test_inputs_are_made_once() -> None:
    estimator = Estimator(CASES, EFFORT)
    estimator.learn(took(0, 0, 1.0), took_s=5.0)
    assert estimator.one_s(Step(0, "memory", 1)) == 1.0
    assert estimator.one_s(Step(1, "memory", 0)) > 1.0  # those of another case may be made yet


def test_before_anything_is_known_there_is_a_guess() -> None:
    estimator = Estimator([*CASES, replace(CASES[0], on_device=True)], EFFORT)
    assert estimator.one_s(Step(0, "memory", 0)) == FIRST_GUESS_S
    assert estimator.one_s(Step(0, "time", 1)) == FIRST_GUESS_S + EFFORT.steady_s
    assert estimator.one_s(Step(3, "memory", 0)) == ON_DEVICE_S


def test_timing_takes_as_long_as_without_and_its_samples_on_top() -> None:
    estimator = Estimator(CASES, EFFORT, [took(index, 0, 2.0) for index in range(3)])
    assert estimator.one_s(Step(0, "time", 1)) == 2.5
    # What another case shows of that is learnt, the more the more of them there are.
    estimator.learn(took(0, 1, 5.0))
    once = estimator.one_s(Step(1, "time", 1))
    assert once == pytest.approx(drawn(5.0, 2.5))
    estimator.learn(took(2, 1, 5.0))
    assert once < estimator.one_s(Step(1, "time", 1)) < 5.0


def test_unseen_cases_take_after_their_equals_in_size() -> None:
    estimator = Estimator(CASES, EFFORT)
    estimator.learn(took(2, 0, 8.0))
    of_all = estimator.one_s(Step(0, "memory", 0))
    assert FIRST_GUESS_S < of_all < 8.0  # one trial says little of others
    estimator.learn(took(1, 0, 1.0))
    assert estimator.one_s(Step(0, "memory", 0)) < of_all


def test_few_long_trials_are_most_of_the_time() -> None:
    many = [planned("base", size) for size in range(1, 201)]
    estimator = Estimator(many, EFFORT)
    walls = [10.0 if index % 10 == 0 else 0.1 for index in range(len(many))]
    for index in range(100):
        estimator.learn(took(index, 0, walls[index]))
    rest = [[Step(index, "memory", 0) for index in range(100, 200)]]
    assert estimator.total_s(rest) == pytest.approx(sum(walls[100:]), rel=0.25)


def test_what_hung_says_nothing_of_others() -> None:
    hung = replace(took(0, 0, 60.0), outcome=Outcome("timeout", "no answer", "hang"))
    estimator = Estimator(CASES, EFFORT, [hung])
    assert estimator.one_s(Step(1, "memory", 0)) == FIRST_GUESS_S
    assert estimator.one_s(Step(2, "memory", 0)) == 60.0  # but of its strategy


def test_the_rest_is_the_sum_of_its_trials() -> None:
    estimator = Estimator(CASES, EFFORT, [took(0, 1, 2.0)])
    steps = [Step(0, "time", n) for n in (2, 3, 4)]
    assert estimator.total_s([steps]) == 6.0


def test_rounds_begin_with_new_hosts() -> None:
    estimator = Estimator(CASES, EFFORT, [took(0, 1, 2.0)], between_s=3.0)
    one, two, three = ([Step(0, "time", number)] for number in (2, 3, 4))
    assert estimator.total_s([one, two, three]) == 6.0 + 2 * 3.0
    estimator.learn_round(10.0)  # what was seen counts
    assert estimator.total_s([two, three]) == 4.0 + 10.0
    assert estimator.total_s([three, []]) == 2.0
    assert estimator.total_s([[], three]) == 2.0 + 10.0


def test_a_search_takes_as_long_as_all_of_its_attempts() -> None:
    attempts = [replace(trial(0, n, kind="limit"), wall_s=float(n)) for n in (1, 2, 3)]
    estimator = Estimator(CASES, EFFORT, [*attempts, took(2, 1, 9.0)])
    assert estimator.one_s(Step(0, "limit", 0)) == 6.0
    whole = whole_searches([*attempts, trial(1, 1)])
    assert [(one.case, one.kind) for one in whole] == [(1, "time"), (0, "limit")]
