"""Exact tests against scipy's, and what they need."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from harness.stats.exact import (
    apart_by_chance,
    pairs_needed,
    ranks_by_chance,
    readings_needed,
    signs_by_chance,
)


@pytest.mark.parametrize(("base", "candidate"), [(1, 1), (3, 4), (6, 5)])
def test_lying_apart_is_as_probable_as_scipy_says(base: int, candidate: int) -> None:
    now, then = range(100, 100 + candidate), range(base)
    expected = stats.mannwhitneyu(now, then, alternative="greater", method="exact").pvalue
    assert apart_by_chance(base, candidate) == pytest.approx(expected)


def test_lying_apart_is_counted_among_all_ways_to_choose() -> None:
    ways = list(itertools.combinations(range(7), 3))
    assert apart_by_chance(3, 4) == pytest.approx(sum(w == (0, 1, 2) for w in ways) / len(ways))


@pytest.mark.parametrize("counts", [(3, 3), (4, 4), (6, 5), (2, 9)])
def test_ranks_are_those_of_mann_and_whitney(counts: tuple[int, int]) -> None:
    rng = np.random.default_rng(sum(counts))
    one, other = (rng.normal(0.7 * side, size=count) for side, count in enumerate(counts))
    expected = stats.mannwhitneyu(one, other, method="exact").pvalue
    assert ranks_by_chance(one.tolist(), other.tolist()) == pytest.approx(expected)
    apart = ranks_by_chance([1.0] * counts[0], [2.0] * counts[1])
    assert apart == pytest.approx(2 * apart_by_chance(*counts))


def test_ranks_with_ties_are_counted_among_all_ways_to_choose() -> None:
    one, other = [1, 1, 2, 2], [2, 3, 3]
    ranks = stats.rankdata([*one, *other])
    sums = [sum(ranks[list(way)]) for way in itertools.combinations(range(7), 4)]
    own = sum(ranks[:4])
    tails = [sum(s <= own for s in sums), sum(s >= own for s in sums)]
    assert ranks_by_chance(one, other) == pytest.approx(2 * min(tails) / len(sums))
    assert ranks_by_chance([1, 2], [1, 2]) == 1


def test_of_many_runs_the_exact_figure_goes_over_into_the_normal_one() -> None:
    rng = np.random.default_rng(1)
    one, other = rng.integers(0, 9, 30).tolist(), (rng.integers(0, 9, 30) + 1).tolist()
    exact = ranks_by_chance(one, other)
    assert stats.mannwhitneyu(one, other, method="asymptotic").pvalue == pytest.approx(
        exact, rel=0.1
    )


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
