"""The test behind "slower", held against scipy, and its two stages."""

from __future__ import annotations

import math
import random

import pytest
from scipy import stats

from harness.comparison.paired import (
    FALSE_ALARM,
    FIRST_LOOK,
    LOOKS,
    Duets,
    Standing,
    first_word,
    last_word,
    log_ratio,
)
from harness.comparison.signed_rank import SignedRanks
from tests.comparison.sides_made import trials_of


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
    assert Standing.of(logs, 0.02).centre == pytest.approx(0.1, abs=0.011)


def test_nothing_is_said_before_the_first_look() -> None:
    assert first_word([0.5] * (FIRST_LOOK - 1), 0.02) == "open"
    assert first_word([0.5] * FIRST_LOOK, 0.02) == "slower"
    assert first_word([-0.5] * FIRST_LOOK, 0.02) == "faster"


def test_same_is_said_only_where_a_change_is_ruled_out() -> None:
    near = [0.001 * (-1) ** n for n in range(8)]
    far = [0.1 * (-1) ** n for n in range(8)]
    assert first_word(near, 0.02) == "same"
    assert first_word(far, 0.02) == "open"


def test_a_flag_is_confirmed_by_new_pairs_alone() -> None:
    assert last_word([0.1] * (LOOKS[0] - 1), "slower", 0.02, 1)[0] == "open"
    assert last_word([0.1] * LOOKS[0], "slower", 0.02, 1)[0] == "called"
    assert last_word([0.0] * LOOKS[0], "slower", 0.02, 1)[0] == "not called"
    assert last_word([0.1] * LOOKS[0], "faster", 0.02, 1)[0] == "not called"


def test_more_flagged_cases_need_more_certainty() -> None:
    logs = [0.1] * 14 + [0.01]  # one of 15 is below the tolerance, by the least
    standing = Standing.of(logs, 0.02)
    level = FALSE_ALARM / len(LOOKS)
    flagged = math.ceil(level / standing.p_slower)
    assert standing.p_slower < level
    assert last_word(logs, "slower", 0.02, 1)[0] == "called"
    assert last_word(logs, "slower", 0.02, flagged + 1)[0] == "open"


def test_suites_of_identical_code_are_hardly_ever_called_slower() -> None:
    """Even if every case were flagged: of 400 suites two are expected at most; nine are not."""
    draw = random.Random(6)

    def noise() -> float:
        return draw.gauss(0, 0.02) if draw.random() < 0.8 else draw.gauss(0, 0.5)

    alarms = 0
    for _ in range(400):
        cases = [[noise() for _ in range(LOOKS[-1])] for _ in range(20)]
        alarms += any(last_word(logs, "slower", 0.0, 20)[0] == "called" for logs in cases)
    assert alarms < 9


def test_halves_are_matched_by_round_and_compared_sample_by_sample() -> None:
    from dataclasses import replace

    def half(number: int, samples: tuple[float, ...], *, again: bool = False) -> object:
        one = trials_of(0)[1]
        assert one.timing is not None
        timing = replace(one.timing, samples_s=samples)
        return replace(one, kind="duet", round=number, timing=timing, again=again)

    # A machine that becomes ten times as slow between the samples, alike for both.
    base = [half(0, (1.0, 10.0, 1.0)), half(1, (1.0, 1.0), again=True), half(2, (1.0, 1.0))]
    candidate = [half(0, (1.1, 11.0, 1.1)), half(1, (2.0, 2.0), again=True)]
    duets = Duets.of(base, candidate)  # type: ignore[arg-type]
    assert duets is not None
    assert duets.first == pytest.approx((math.log(1.1),))
    assert duets.again == pytest.approx((math.log(2.0),))
    assert math.isnan(log_ratio(half(0, (1.0,)), half(0, (1.0,))))  # type: ignore[arg-type]
