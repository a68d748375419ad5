"""Segments against every partition that there is, tried one by one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from harness.stats.change_points import placed, proposed


def mean_ranks(values: Sequence[float]) -> list[float]:
    """By counting: what is less, and half of what is equal."""
    return [
        sum(other < value for other in values) + (sum(other == value for other in values) + 1) / 2
        for value in values
    ]


def partitions(count: int, least: int) -> Iterator[tuple[int, ...]]:
    for cuts in range(count // least):
        for chosen in itertools.combinations(range(1, count), cuts):
            edges = (0, *chosen, count)
            if all(end - start >= least for start, end in itertools.pairwise(edges)):
                yield chosen


def deviations(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values)


def cost(values: Sequence[float], cuts: Sequence[int]) -> float:
    """Squared deviations from the means, and a BIC's penalty for each segment."""
    edges = (0, *cuts, len(values))
    penalty = deviations(values) / len(values) * math.log(len(values))
    parts = (values[start:end] for start, end in itertools.pairwise(edges))
    return sum(deviations(part) + penalty for part in parts)


def made(seed: int, count: int) -> list[float]:
    """Noise on up to three levels; every third series has many equal values."""
    random = np.random.default_rng(seed)
    values = random.normal(size=count)
    for start in random.integers(1, count, seed % 4):
        values[start:] += 4 * random.normal()
    return [float(value) for value in (np.round(values) if seed % 3 == 0 else values)]


@pytest.mark.parametrize("least", [2, 3])
@pytest.mark.parametrize("seed", range(40))
def test_no_other_partition_is_cheaper(seed: int, least: int) -> None:
    values = made(seed, 6 + seed % 7)
    ranks = mean_ranks(values)
    cheapest = min(cost(ranks, cuts) for cuts in partitions(len(values), least))
    found = proposed(values, least)
    assert tuple(found) in set(partitions(len(values), least))
    assert cost(ranks, found) == pytest.approx(cheapest, rel=1e-12)


def test_among_these_series_are_such_with_none_one_and_more_changes() -> None:
    assert {len(proposed(made(seed, 6 + seed % 7), 2)) for seed in range(40)} >= {0, 1, 2}


@pytest.mark.parametrize("offset", [0.0, 1e9])
def test_planted_levels_are_proposed_wherever_they_lie(offset: float) -> None:
    levels = [1.0] * 20 + [3.0] * 20 + [2.0] * 20
    values = [offset + level + (index % 3) / 10 for index, level in enumerate(levels)]
    assert proposed(values, 3) == [20, 40]


def test_what_is_too_short_or_never_changes_has_no_segments() -> None:
    assert proposed([1.0, 1.0, 9.0, 9.0, 9.0], 3) == []
    assert proposed([2.0] * 30, 3) == []
    assert placed([2.0] * 30, [], 3) == []


def test_a_cut_is_moved_to_where_the_medians_fit() -> None:
    values = [1.0, 1.1, 1.0, 1.1, 1.0, 5.0, 5.1, 5.0, 5.1, 5.0]
    assert placed(values, [3], 2) == [5]
    assert placed([*values, *values], [3, 10, 16], 2) == [5, 10, 15]


def test_a_segment_keeps_its_least_length_when_a_cut_is_moved() -> None:
    assert placed([1.0, 9.0, 9.0, 9.0, 9.0, 9.0], [3], 3) == [3]
    assert placed([1.0, 9.0, 9.0, 9.0, 9.0, 9.0], [3], 1) == [1]
