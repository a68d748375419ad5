"""Exact tests against scipy's, and what they need."""

from __future__ import annotations

import itertools

import pytest
from scipy import stats

from harness.stats.exact import apart_by_chance, pairs_needed, readings_needed, signs_by_chance


@pytest.mark.parametrize(("base", "candidate"), [(1, 1), (3, 4), (6, 5)])
def test_lying_apart_is_as_probable_as_scipy_says(base: int, candidate: int) -> None:
    now, then = range(100, 100 + candidate), range(base)
    expected = stats.mannwhitneyu(now, then, alternative="greater", method="exact").pvalue
    assert apart_by_chance(base, candidate) == pytest.approx(expected)


def test_lying_apart_is_counted_among_all_ways_to_choose() -> None:
    ways = list(itertools.combinations(range(7), 3))
    assert apart_by_chance(3, 4) == pytest.approx(sum(w == (0, 1, 2) for w in ways) / len(ways))


@pytest.mark.parametrize(("pairs", "against"), [(8, 0), (12, 1), (20, 6)])
def test_signs_are_those_of_the_binomial_test(pairs: int, against: int) -> None:
    expected = stats.binomtest(against, pairs, alternative="less").pvalue
    assert signs_by_chance(pairs, against) == pytest.approx(expected)


@pytest.mark.parametrize("level", [0.01, 0.001, 0.0001])
def test_no_more_is_asked_for_than_the_level_needs(level: float) -> None:
    for base in (5, 10):
        needed = readings_needed(base, level)
        assert needed is not None
        assert apart_by_chance(base, needed) < level <= apart_by_chance(base, needed - 1)
    for against in (0, 1):
        pairs = pairs_needed(level, against)
        assert signs_by_chance(pairs, against) < level <= signs_by_chance(pairs - 1, against)


def test_one_reading_of_the_base_can_never_decide_much() -> None:
    assert readings_needed(1, 0.001) is None
    assert readings_needed(1, 0.1) == 10
