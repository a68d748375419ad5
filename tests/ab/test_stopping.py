"""Which cases are measured how often, played with ratios that are known."""

from __future__ import annotations

import random

import pytest

from harness.ab.stopping import StoppingRule
from harness.comparison.paired import INTERIM_LOOKS, PAIRS_A_BATCH, Pair, last_word
from tests.some import some


def play(
    rule: StoppingRule, ratios: dict[int, float], noise: float = 0.005
) -> list[tuple[int, bool]]:
    """Run a course to its end; returns every pair that was measured."""
    draw = random.Random(1)
    played = []
    for batch in rule.batches():
        for cases in batch.rounds:
            for case in cases:
                if rule.open(case):
                    pair = Pair(ratios[case] + draw.gauss(0, noise))
                    rule.note(case, pair, again=batch.again)
                    played.append((case, batch.again))
    return played


def test_what_is_clear_is_left_alone_and_what_is_flagged_is_measured_anew() -> None:
    rule = StoppingRule([1, 2], 0.02, 50, seed=1)
    played = play(rule, {1: 0.0, 2: 0.1})
    assert played.count((1, False)) <= 3 * PAIRS_A_BATCH
    assert (1, True) not in played
    assert played.count((2, True)) == INTERIM_LOOKS[0]
    assert rule.flagged == [2]
    assert last_word(rule.contenders[2].again, "slower", 0.02, 1)[0] == "called"


def test_what_stays_undecided_ends_with_the_most_pairs() -> None:
    rule = StoppingRule([1], 0.02, 20, seed=1)
    assert len(play(rule, {1: 0.0}, noise=0.5)) == 20
    assert rule.flagged == []


def test_a_failed_case_is_not_measured_on() -> None:
    rule = StoppingRule([1, 2], 0.02, 20, seed=1)
    rule.fail(1)
    assert {case for case, _ in play(rule, {2: 0.0}, noise=0.5)} == {2}


def test_without_deciding_every_case_is_measured_as_often() -> None:
    rule = StoppingRule([1, 2], 0.02, 10, seed=1, decide=False)
    played = play(rule, {1: 0.5, 2: 0.0})
    assert played.count((1, False)) == played.count((2, False)) == 10
    assert not any(again for _, again in played)


@pytest.mark.parametrize("shared", [True, False])
def test_pairs_that_count_share_hosts_only_where_both_sides_share_their_luck(shared: bool) -> None:
    rule = StoppingRule([1], 0.02, 50, seed=1, layout_is_shared=shared)
    numbers = []
    for batch in some(rule.batches()):
        assert len(batch.rounds) == (1 if batch.again and not shared else PAIRS_A_BATCH)
        for index, cases in enumerate(batch.rounds):
            numbers.append(batch.round_of(index))
            for case in cases:
                rule.note(case, Pair(0.1), again=batch.again)
    assert len(set(numbers)) == len(numbers)


def test_orders_differ_and_can_be_repeated() -> None:
    first, second = (
        next(StoppingRule(range(9), 0.02, 9, seed=7).batches()).rounds for _ in range(2)
    )
    assert first == second
    assert len(set(first)) > 1
