"""The test behind "slower", held against scipy, and its two stages."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from dataclasses import replace

import pytest
from scipy import stats

from harness.comparison.paired import (
    FIRST_LOOK,
    FLAGGED_FALSE_ALARM,
    INTERIM_LOOKS,
    Duets,
    Pair,
    Standing,
    first_word,
    last_word,
)
from harness.schema.records import Faults, Trial
from harness.stats.signed_rank import SignedRanks
from tests.comparison.sides_made import trials_of


def pairs(logs: Iterable[float], *, even: bool = True) -> list[Pair]:
    return [Pair(log, even) for log in logs]


@pytest.mark.parametrize("count", [3, 8, 15, 24])
def test_signed_ranks_are_scipys(count: int) -> None:
    draw = random.Random(count)
    values = [draw.gauss(0.02, 0.05) for _ in range(count)]
    ranks = SignedRanks.of(values)
    for bar in (-0.03, 0.0, 0.04):
        moved = [value - bar for value in values]
        above = stats.wilcoxon(moved, alternative="greater", method="exact").pvalue
        below = stats.wilcoxon(moved, alternative="less", method="exact").pvalue
        assert ranks.p_above(bar) == pytest.approx(above)
        assert ranks.p_below(bar) == pytest.approx(below)


def test_the_interval_holds_exactly_what_is_not_rejected() -> None:
    draw = random.Random(5)
    ranks = SignedRanks.of([draw.gauss(0, 1) for _ in range(12)])
    low, high = ranks.interval(0.95)
    assert low < ranks.centre < high
    assert ranks.p_above(low - 1e-9) <= 0.025 < ranks.p_above(low + 1e-9)
    assert ranks.p_below(high + 1e-9) <= 0.025 < ranks.p_below(high - 1e-9)


def test_too_few_values_have_no_interval() -> None:
    assert SignedRanks.of([1.0, 2.0, 3.0]).interval(0.95) == (-math.inf, math.inf)


def test_one_wild_pair_does_not_move_the_centre() -> None:
    logs = [0.10, 0.11, 0.09, 0.10, 0.12, 0.08, 0.10, 0.11, -2.0]
    assert Standing.of(pairs(logs), 0.02).centre == pytest.approx(0.1, abs=0.011)


def test_nothing_is_said_before_the_first_look() -> None:
    assert first_word(pairs([0.5] * (FIRST_LOOK - 1)), 0.02) == "open"
    assert first_word(pairs([0.5] * FIRST_LOOK), 0.02) == "slower"
    assert first_word(pairs([-0.5] * FIRST_LOOK), 0.02) == "faster"


def test_same_is_said_only_where_a_change_is_ruled_out() -> None:
    near = [0.001 * (-1) ** n for n in range(8)]
    far = [0.1 * (-1) ** n for n in range(8)]
    assert first_word(pairs(near), 0.02) == "same"
    assert first_word(pairs(far), 0.02) == "open"


def test_a_flag_is_confirmed_by_new_pairs_alone() -> None:
    assert last_word(pairs([0.1] * (INTERIM_LOOKS[0] - 1)), "slower", 0.02, 1)[0] == "open"
    assert last_word(pairs([0.1] * INTERIM_LOOKS[0]), "slower", 0.02, 1)[0] == "called"
    assert last_word(pairs([0.0] * INTERIM_LOOKS[0]), "slower", 0.02, 1)[0] == "not called"
    assert last_word(pairs([0.1] * INTERIM_LOOKS[0]), "faster", 0.02, 1)[0] == "not called"


def test_more_flagged_cases_need_more_certainty() -> None:
    logs = [0.1] * 14 + [0.01]  # one of 15 is below the tolerance, by the least
    standing = Standing.of(pairs(logs), 0.02)
    level = FLAGGED_FALSE_ALARM / len(INTERIM_LOOKS)
    flagged = math.ceil(level / standing.p_slower)
    assert standing.p_slower < level
    assert last_word(pairs(logs), "slower", 0.02, 1)[0] == "called"
    assert last_word(pairs(logs), "slower", 0.02, flagged + 1)[0] == "open"


def test_suites_of_identical_code_are_hardly_ever_called_slower() -> None:
    """Even if every case were flagged: of 400 suites two are expected at most; nine are not."""
    draw = random.Random(6)

    def noise() -> float:
        return draw.gauss(0, 0.02) if draw.random() < 0.8 else draw.gauss(0, 0.5)

    alarms = 0
    for _ in range(400):
        cases = [[noise() for _ in range(INTERIM_LOOKS[-1])] for _ in range(20)]
        alarms += any(last_word(pairs(logs), "slower", 0.0, 20)[0] == "called" for logs in cases)
    assert alarms < 9


def test_a_change_among_even_pairs_is_found_where_luck_hides_it() -> None:
    """Every second pair is uneven, and far off in either direction, as allocators make them."""
    draw = random.Random(3)
    known = [
        Pair(draw.gauss(0.1, 0.02)) if number % 2 else Pair(draw.choice((-0.7, 0.7)), even=False)
        for number in range(INTERIM_LOOKS[1])
    ]
    assert last_word(known, "slower", 0.02, 4)[0] == "called"
    blind = [replace(pair, even=True) for pair in known]
    assert last_word(blind, "slower", 0.02, 4)[0] != "called"
    standing = Standing.of(known, 0.02)
    assert (standing.pairs, standing.even) == (INTERIM_LOOKS[1], INTERIM_LOOKS[1] // 2)
    assert standing.centre == pytest.approx(0.1, abs=0.02)


def test_a_change_that_makes_every_pair_uneven_is_found_all_the_same() -> None:
    assert last_word(pairs([0.3] * INTERIM_LOOKS[0], even=False), "slower", 0.02, 4)[0] == "called"
    mostly = [*pairs([0.3] * (INTERIM_LOOKS[0] - 1), even=False), Pair(0.0)]
    assert last_word(mostly, "slower", 0.0, 1)[0] == "called"


def half(
    number: int,
    samples: tuple[float, ...],
    *,
    again: bool = False,
    faults: float | None = 0.0,
) -> Trial:
    one = trials_of(0)[1]
    assert one.timing is not None
    return replace(
        one,
        kind="duet",
        round=number,
        timing=replace(one.timing, samples_s=samples),
        again=again,
        faults_steady=None if faults is None else Faults(faults, 0.0),
    )


def test_halves_are_matched_by_round_and_compared_sample_by_sample() -> None:
    # A machine that becomes ten times as slow between the samples, alike for both.
    base = [half(0, (1.0, 10.0, 1.0)), half(1, (1.0, 1.0), again=True), half(2, (1.0, 1.0))]
    candidate = [half(0, (1.1, 11.0, 1.1)), half(1, (2.0, 2.0), again=True)]
    duets = Duets.of(base, candidate)
    assert duets is not None
    assert [pair.log_ratio for pair in duets.first] == pytest.approx([math.log(1.1)])
    assert [pair.log_ratio for pair in duets.again] == pytest.approx([math.log(2.0)])
    assert Pair.of(half(0, (1.0,)), half(0, (1.0,))) is None


def test_halves_whose_partner_failed_are_no_pair() -> None:
    """Nor do they move the others out of step."""
    base = [half(number, (1.0, 1.0)) for number in (0, 2, 3)]
    candidate = [half(number, (1.1, 1.1) if number == 3 else (9.0, 9.0)) for number in (1, 3)]
    duets = Duets.of(base, candidate)
    assert duets is not None
    assert [pair.log_ratio for pair in duets.first] == pytest.approx([math.log(1.1)])
    assert Duets.of(base[:1], candidate) is None


@pytest.mark.parametrize(
    ("base", "candidate", "even"),
    [(0.0, 0.0, True), (0.0, 9.0, True), (0.0, 11.0, False), (2050.0, 3.0, False),
     (None, 11.0, True)],
)  # fmt: skip
def test_a_pair_is_even_while_faults_explain_a_hundredth_of_its_time(
    base: float | None, candidate: float, even: bool
) -> None:
    # One millisecond: a hundredth of it are ten faults of a microsecond.
    one, other = half(0, (1e-3, 1e-3), faults=base), half(0, (2e-3, 2e-3), faults=candidate)
    pair = Pair.of(one, other)
    assert pair is not None
    assert pair.even is even


@pytest.mark.parametrize(("log_ratio", "same"), [(0.0, True), (0.1, False), (-0.1, False)])
def test_the_same_is_neither_slower_nor_faster(log_ratio: float, same: bool) -> None:
    assert Standing.of([Pair(log_ratio)] * 12, 0.02).same == same


@pytest.mark.parametrize("sign", [1, -1])
def test_two_looks_are_paid_for(sign: int) -> None:
    pairs = [Pair(sign * (0.1 + 0.001 * index), even=index % 2 == 0) for index in range(12)]
    ways = [[one.log_ratio for one in pairs if one.even], [one.log_ratio for one in pairs]]
    bar = math.log1p(0.02)
    ranks = [SignedRanks.of(values) for values in ways]
    found = Standing.of(pairs, 0.02)
    expected = min(one.p_above(bar) if sign > 0 else one.p_below(-bar) for one in ranks)
    assert (found.p_slower if sign > 0 else found.p_faster) == pytest.approx(2 * expected)
