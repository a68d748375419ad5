"""What ends a contest: on times whose truth is known."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest

from harness.stats.contest import (
    ALONE,
    MARGIN,
    ContestRule,
    Scatter,
    by_luck,
    decide,
)

SWEEP = ContestRule(contests=77, looks=15)


def times(
    rounds: int, *factors: float, scatter: float = 0.0, seed: int = 1
) -> list[dict[int, float]]:
    """Of ways that take so many milliseconds, on a machine whose speed is another every round."""
    draw = random.Random(seed)
    speeds = [math.exp(draw.gauss(0, 0.3)) for _ in range(rounds)]
    return [
        {
            number: 1e-3 * factor * speed * math.exp(draw.gauss(0, scatter))
            for number, speed in enumerate(speeds)
        }
        for factor in factors
    ]


@pytest.mark.parametrize(
    ("factor", "rounds"), [(3.7, 3), (1.95, 5), (1.25, 10), (1.06, 14)], ids=str
)
def test_what_is_further_apart_is_decided_sooner(factor: float, rounds: int) -> None:
    enough, too_few = (times(number, factor, 1.0, scatter=1e-3) for number in (rounds, rounds - 1))
    assert decide(enough, SWEEP).word == "winner"
    assert decide(enough, SWEEP).leaders == (1,)
    assert decide(too_few, SWEEP).word != "winner"


def test_a_winner_has_its_margin_on_the_nearest_rival() -> None:
    found = decide(times(12, 2.0, 1.0, 1.4, scatter=0.01), SWEEP)
    assert (found.word, found.leaders, found.nearest) == ("winner", (1,), 2)
    assert found.margin.low < 1.4 < found.margin.high
    assert found.margin.median == pytest.approx(1.4, rel=0.02)
    assert found.margin.count == 12


def test_the_speed_of_the_machine_in_a_round_is_no_difference() -> None:
    """It varies by 30% from round to round, and rivals by a tenth of a percent."""
    found = decide(times(12, 1.0, 1.01, scatter=1e-3), SWEEP)
    assert found.word == "level"
    assert set(found.leaders) == {0, 1}


@pytest.mark.parametrize("apart", [1 + MARGIN, 1.04], ids=["the margin", "nearly the margin"])
def test_level_is_nothing_that_may_differ_by_the_margin(apart: float) -> None:
    assert decide(times(12, 1.0, apart, scatter=0.01), SWEEP).word == "undecided"


def test_all_that_are_level_have_to_be_so_two_by_two() -> None:
    near, wide = times(20, 1.0, 1.01, 1.02), times(20, 1.0, 1.03, 1.06)
    assert decide(near, SWEEP).word == "level"
    assert decide(near, SWEEP).leaders == (0, 1, 2)
    assert decide(wide, SWEEP).word != "level" or 2 not in decide(wide, SWEEP).leaders


def test_a_gain_that_the_clock_leaves_open_is_none() -> None:
    """20 ns of 200 are a tenth."""
    short = [dict.fromkeys(range(20), base * 1e-09) for base in (200.0, 220.0)]
    assert decide(short, SWEEP).word == "level"
    longer = [dict.fromkeys(range(20), base * 1e-09) for base in (2000.0, 2200.0)]
    assert decide(longer, SWEEP).word == "winner"


def test_two_spikes_that_agree_beat_nobody() -> None:
    """Three rounds in which one way happened to take twice the time."""
    spiked = times(3, 2.0, 1.0)
    assert decide(spiked, SWEEP).word == "undecided"


def test_a_layout_that_some_rounds_have_beats_nobody() -> None:
    some = [dict.fromkeys(range(9), 0.001), dict.fromkeys(range(4), 0.0013)]
    some[1] |= dict.fromkeys(range(4, 9), 0.001)
    assert decide(some, SWEEP).word == "undecided"


def test_more_rivals_and_contests_take_more() -> None:
    two = times(3, 1.0, 2.0, scatter=1e-3)
    assert decide(two, ALONE).word == "winner"
    assert decide(two, SWEEP).word == "undecided"


def test_what_was_left_out_of_later_rounds_is_compared_in_those_it_has() -> None:
    slow, *others = times(12, 5.0, 1.0, 1.3, scatter=1e-3)
    found = decide([{number: slow[number] for number in range(3)}, *others], SWEEP)
    assert (found.word, found.leaders, found.nearest) == ("winner", (1,), 2)


def test_without_a_round_in_common_nothing_is_said() -> None:
    found = decide([{1: 1e-3, 2: 1e-3}, {3: 9e-3, 4: 9e-3}], ALONE)
    assert (found.word, set(found.leaders), found.needed) == ("undecided", {0, 1}, None)


def test_one_way_alone_wins() -> None:
    assert decide([{1: 1e-3}], SWEEP).leaders == (0,)


@pytest.mark.parametrize("factor", [1.0, 1.2])
def test_what_it_takes_is_foreseen(factor: float) -> None:
    few, rule = times(4, 1.0, factor, scatter=0.005), SWEEP
    needed = decide(few, rule).needed
    assert needed is not None
    enough = times(round(1.3 * needed), 1.0, factor, scatter=0.005, seed=2)
    assert decide(enough, rule).word == ("level" if factor == 1 else "winner")


def test_what_scatters_too_much_is_not_foreseen() -> None:
    far = [dict.fromkeys(range(8), 1e-3), {number: (1e-3, 3e-3)[number % 2] for number in range(8)}]
    far[1] |= dict.fromkeys((1, 4, 5), 0.001 / 3)
    assert decide(far, SWEEP).needed is None


def test_a_share_of_ratios_counts_no_further_than_its_neighbours() -> None:
    usual = [0.1, 0.11, 0.12, 0.13, 0.14]
    assert Scatter.of([*usual[:4], 9.0]).centre == Scatter.of(usual).centre


def test_rounds_that_take_after_each_other_widen_the_error() -> None:
    mixed = [0.1, -0.1] * 6
    lasting = [0.1] * 6 + [-0.1] * 6
    assert Scatter.of(lasting).squares > 3 * Scatter.of(mixed).squares


def test_luck_is_a_coin_s_at_no_difference_and_rare_far_off() -> None:
    assert by_luck(0.0) == 0.5
    assert by_luck(math.log(2)) == pytest.approx(1 / 11.3, rel=0.01)


def test_what_lies_on_both_sides_of_one_is_luck_however_much_there_is() -> None:
    both = Scatter.of([0.1, -0.1] * 20)
    assert both.luck > 0.05
    assert Scatter.of([-0.1] * 40).luck == 1
    assert Scatter.of([0.1] * 40).luck < 1e-12


def false_winners(rounds: Sequence[int], scatter: float, count: int) -> int:
    """Of pairs that are equal, looked at again and again as a contest alone would be."""
    rule = ContestRule(contests=1, looks=len(rounds))
    found = 0
    for seed in range(count):
        both = times(max(rounds), 1.0, 1.0, scatter=scatter, seed=seed)
        looks = ([dict(list(one.items())[:look]) for one in both] for look in rounds)
        found += any(decide(seen, rule).word == "winner" for seen in looks)
    return found


@pytest.mark.parametrize("scatter", [0.01, 0.05, 0.3])
def test_equal_ways_hardly_ever_have_a_winner(scatter: float) -> None:
    """One in a hundred at most: more than four of 80 are seen once in a thousand times."""
    assert false_winners((3, 5, 8, 12), scatter, 80) <= 4
