"""Which cases hold contests, and where further trials go: of times that are planted."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import pytest

from harness.planning.deciding import Deciding
from harness.planning.rivals import Rivals, rivals_of, rule_of
from harness.schema.records import ContestEffort, Effort, Outcome, PlannedCase
from tests.journals import MIB, case, parameter, planned, scenario, strategy, trial

NAMES = ("base", "other", "third")
INFO = scenario([strategy(name) for name in NAMES])
CASES = [planned(name, size, baseline=name == "base") for size in (MIB, 4 * MIB) for name in NAMES]
LOOKS = (3, 5, 8, 12, 20)
EFFORT = Effort(trials=3, steady_s=0.1, contests=ContestEffort(LOOKS, extra_share=2.0))
TRIAL_S = 0.1  # as those have that are made by hand


def one_s(index: int) -> float:
    return TRIAL_S


def decided(
    times_s: Sequence[float],
    effort: Effort = EFFORT,
    cases: Sequence[PlannedCase] = CASES,
    allowed_s: float | None = None,
) -> tuple[Deciding, list[int]]:
    """A run whose trials always take as long; and how often each case was timed."""
    deciding = Deciding(cases, {INFO.name: INFO}, effort)
    counts = [0] * len(cases)

    def measure(index: int, number: int) -> None:
        counts[index] += 1
        deciding.note(trial(index, number, times_s[index]))

    for number in range(1, effort.trials + 1):
        for index in range(len(cases)):
            if not deciding.spares(index):
                measure(index, number)
    number = effort.trials
    while lap := deciding.lap(one_s, deciding.allowed_s(one_s) if allowed_s is None else allowed_s):
        for groups in lap:
            number += 1
            for index in itertools.chain.from_iterable(groups):
                measure(index, number)
        if allowed_s is not None:
            allowed_s -= TRIAL_S * sum(len(group) for groups in lap for group in groups)
    return deciding, counts


class TestRivals:
    """Which cases of a plan hold a contest."""

    def test_those_of_one_group_at_one_size(self) -> None:
        found = rivals_of(CASES, {INFO.name: INFO})
        assert found == (Rivals((0, 1, 2), False), Rivals((3, 4, 5), True))

    def test_another_promise_or_what_stands_alone_holds_none(self) -> None:
        info = scenario([strategy("base"), strategy("other"), strategy("third", group="share")])
        assert rivals_of(CASES[:3], {info.name: info}) == (Rivals((0, 1), True),)
        assert rivals_of([CASES[0], CASES[4]], {INFO.name: INFO}) == ()

    def test_what_is_skipped_or_kept_as_published_is_no_rival(self) -> None:
        skipped = [replace(CASES[0]), replace(CASES[1], skip="no"), CASES[2]]
        assert rivals_of(skipped, {INFO.name: INFO}) == (Rivals((0, 2), True),)
        info = scenario([strategy("base"), strategy("other", published="there"), strategy("third")])
        assert rivals_of(CASES[:3], {info.name: info}) == (Rivals((0, 2), True),)

    def test_a_parameter_that_is_varied_names_no_winner(self) -> None:
        info = scenario(
            [strategy("base"), strategy("other")],
            {"size": parameter(MIB, axis=True), "threads": parameter(1, 1, 2)},
        )
        cases = [
            PlannedCase(case(name, threads=threads), baseline=name == "base")
            for threads in (1, 2)
            for name in ("base", "other")
        ]
        assert rivals_of(cases, {info.name: info}) == (Rivals((0, 1), True),)

    def test_what_weighs_memory_holds_none_of_time(self) -> None:
        assert rivals_of(CASES, {INFO.name: replace(INFO, weighs="memory")}) == ()

    def test_the_rule_knows_how_much_may_go_wrong(self) -> None:
        rule = rule_of(CASES, {INFO.name: INFO}, EFFORT)
        assert (rule.contests, rule.looks) == (2, 1 + len(LOOKS))
        fixed = rule_of(CASES, {INFO.name: INFO}, replace(EFFORT, contests=None))
        assert (fixed.contests, fixed.looks) == (2, 1)


def test_what_is_far_apart_gets_no_further_trials() -> None:
    deciding, counts = decided([1.0, 9.0, 5.0] * 2)
    assert counts == [3] * 6
    assert not any(contest.is_open for contest in deciding.contests)


def test_what_is_close_gets_more_and_what_is_beaten_none() -> None:
    deciding, counts = decided([1.0, 1.01, 9.0] * 2)
    assert counts == [8, 8, 3] * 2
    assert [one.answer.word for one in deciding.contests if one.answer] == ["level"] * 2


def test_beaten_strategies_are_spared_planned_rounds_but_for_the_baseline() -> None:
    effort = replace(EFFORT, trials=6, contests=ContestEffort(LOOKS, extra_share=0.0))
    _, counts = decided([9.0, 1.0, 9.0] * 2, effort)
    assert counts == [6, 6, 3] * 2


def test_what_they_are_spared_is_there_for_others() -> None:
    effort = replace(EFFORT, trials=6, contests=ContestEffort(LOOKS, extra_share=0.0))
    _, counts = decided([1.0, 1.01, 9.0, 1.0, 9.0, 9.0], effort)
    assert counts == [8, 8, 3, 6, 3, 3]
    assert sum(counts) <= 6 * len(CASES)


def test_verdicts_come_first_and_nothing_that_there_is_no_time_for() -> None:
    _, counts = decided([1.0, 1.01, 9.0] * 2, allowed_s=10.5 * TRIAL_S)
    assert counts == [3, 3, 3, 8, 8, 3]
    _, counts = decided([1.0, 1.01, 9.0] * 2, allowed_s=3.5 * TRIAL_S)
    assert counts == [3] * 6


def test_time_that_decides_nothing_is_a_verdict_s() -> None:
    """To the next look, after which fewer may be left; there is no time for the one after."""
    _, counts = decided([1.0, 1.01, 9.0] * 2, allowed_s=9.5 * TRIAL_S)
    assert counts == [3, 3, 3, 5, 5, 3]


def test_with_trials_that_are_fixed_every_case_has_as_many() -> None:
    deciding, counts = decided([1.0, 1.01, 9.0] * 2, replace(EFFORT, contests=None))
    assert counts == [3] * 6
    assert deciding.contests == []


def test_a_case_that_fails_holds_no_contest_any_more() -> None:
    deciding = Deciding(CASES[:2], {INFO.name: INFO}, EFFORT)
    deciding.note(trial(0, 1, 1e-3))
    deciding.note(trial(1, 1, outcome=Outcome("timeout", "no answer")))
    for number in (2, 3):
        deciding.note(trial(0, number, 1e-3))
    assert deciding.lap(one_s, 100.0) == []


def test_what_has_no_time_is_no_rival_and_asks_for_no_more() -> None:
    deciding = Deciding(CASES[:2], {INFO.name: INFO}, EFFORT)
    for number in (1, 2, 3):
        deciding.note(trial(0, number, 1e-3))
        deciding.note(trial(1, number, []))
    assert deciding.lap(one_s, 100.0) == []


@pytest.mark.parametrize("cut", [3, 7, 11])
def test_a_run_that_is_continued_stands_where_it_stood(cut: int) -> None:
    """However many trials it had; what comes after is another sitting."""
    trials = [trial(index, number, 1e-3) for number in range(1, 7) for index in (0, 1)]
    whole = Deciding(CASES[:2], {INFO.name: INFO}, EFFORT, trials[:cut])
    again = Deciding(CASES[:2], {INFO.name: INFO}, EFFORT)
    for one in trials[:cut]:
        again.note(one)
    assert whole.lap(one_s, 100.0) == again.lap(one_s, 100.0)
    whole.note(trials[cut])
    (contest,) = whole.contests
    assert (1, trials[cut].round) in contest.times[trials[cut].case]
