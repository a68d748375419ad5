"""Spreads of few readings, against truths known another way."""

from __future__ import annotations

import math
import random
import statistics

import numpy as np
import pytest
from scipy import stats

from harness.stats.borrowed_spread import BORROWED, Usual, difference, mean_spread
from tests.some import some

UNKNOWN = Usual(math.nan)


@pytest.mark.parametrize("counts", [(4, 3), (6, 5), (20, 11)])
def test_with_nothing_borrowed_it_is_welchs_test_with_trimmed_means(
    counts: tuple[int, int],
) -> None:
    draw = random.Random(1)
    one, other = (
        [draw.gauss(place, 1 + place) for _ in range(n)] for place, n in enumerate(counts)
    )
    first, second = mean_spread(one, UNKNOWN), mean_spread(other, UNKNOWN)
    assert first is not None
    assert second is not None
    known = stats.ttest_ind(one, other, equal_var=False, trim=0.2, alternative="less")
    assert difference(first, second).p_below(0.0) == pytest.approx(known.pvalue)


def test_a_process_that_is_far_off_takes_little_certainty_away() -> None:
    draw = random.Random(1)
    values = [draw.gauss(0, 0.03) for _ in range(15)]
    usual, spoilt = mean_spread(values, UNKNOWN), mean_spread([*values[1:], 2.0], UNKNOWN)
    assert usual is not None
    assert spoilt is not None
    assert spoilt.centre == pytest.approx(usual.centre, abs=0.02)
    assert spoilt.error < 2 * usual.error


def test_the_usual_variance_is_that_of_groups_alike() -> None:
    draw = np.random.default_rng(1)
    groups = draw.normal(0, 3.0, (2000, 3)).tolist()
    assert Usual.of(groups).variance == pytest.approx(9.0, rel=0.1)
    assert math.isnan(Usual.of([[1.0], []]).variance)


def test_a_variance_is_drawn_towards_the_usual_one() -> None:
    found = mean_spread([1.0, 1.0, 1.0], Usual(4.0))
    assert found is not None
    assert found.freedom == 2 + BORROWED
    assert found.error == pytest.approx(math.sqrt(BORROWED * 4.0 / 3 / (2 + BORROWED)))


def test_one_reading_says_nothing() -> None:
    assert mean_spread([1.0], Usual(4.0)) is None
    assert mean_spread([], UNKNOWN) is None


@pytest.mark.parametrize("count", [3, 5, 15])
def test_where_nothing_differs_little_is_found(count: int) -> None:
    """With deviations of cases that differ as they do, by a factor of 2.5 one way or the other."""
    draw = np.random.default_rng(count)
    false, tries = 0, 0
    for _ in range(40):
        deviations = 0.05 * np.exp(draw.normal(0, 0.9, 100))
        groups = [draw.normal(0, one, count).tolist() for one in deviations]
        usual = Usual.of(groups)
        for one, other in some(zip(groups[::2], groups[1::2], strict=True)):
            first, second = mean_spread(one, usual), mean_spread(other, usual)
            assert first is not None
            assert second is not None
            false += difference(first, second).p_above(0.0) < 0.01
            tries += 1
    assert false <= 0.02 * tries


def test_what_differs_is_found_in_three_readings() -> None:
    draw = np.random.default_rng(1)
    groups = draw.normal(0, 0.03, (60, 3)).tolist()
    usual = Usual.of(groups)
    found = []
    for one, other in some(zip(groups[::2], groups[1::2], strict=True)):
        first = mean_spread([value + math.log(1.5) for value in one], usual)
        second = mean_spread(other, usual)
        assert first is not None
        assert second is not None
        found.append(difference(first, second).p_above(math.log(1.1)))
    assert statistics.median(found) < 0.001
