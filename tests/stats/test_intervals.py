"""Statistics against values from the literature and from counting every arrangement."""

from __future__ import annotations

import math
import random

import pytest

from harness.stats.intervals import median_interval, two_modes


@pytest.mark.parametrize(
    ("count", "k", "coverage"),
    [
        # Ranks and coverages as tabulated for the sign test's interval, binomial(n, 1/2).
        (1, 1, 0.0),
        (2, 1, 0.5),
        (3, 1, 0.75),
        (5, 1, 0.9375),
        (6, 1, 0.96875),
        (9, 2, 0.9609375),
        (10, 2, 0.978515625),
        (12, 3, 0.961425781),
        (15, 4, 0.964843750),
        (20, 6, 0.958610535),
    ],
)
def test_interval_ranks_are_those_of_the_tables(count: int, k: int, coverage: float) -> None:
    values = [float(n) for n in range(1, count + 1)]
    found = median_interval(values)
    assert found.low == k
    assert found.high == count + 1 - k
    assert found.coverage == pytest.approx(coverage, abs=1e-8)


def test_the_interval_holds_the_median_as_often_as_it_says() -> None:
    draw = random.Random(1)
    hits = 0
    for _ in range(4000):
        found = median_interval([draw.expovariate(1.0) for _ in range(9)])
        hits += found.low <= 0.6931471805599453 <= found.high
    assert hits / 4000 == pytest.approx(0.9609, abs=0.012)


def test_nothing_has_no_median() -> None:
    assert median_interval([]).count == 0


def test_two_clusters_are_seen_and_one_is_not() -> None:
    draw = random.Random(2)
    one = [draw.gauss(100, 3) for _ in range(60)]
    other = [draw.gauss(200, 6) for _ in range(30)]
    tail = [draw.expovariate(1 / 30) + 100 for _ in range(60)]
    assert two_modes(one + other)
    assert not two_modes(one)
    assert not two_modes(tail)
    assert not two_modes([*one, 500.0, 600.0])  # two outliers are no cluster
    assert not two_modes([1.0] * 5 + [9.0] * 4)  # too few to say


def test_a_gap_no_wider_than_its_sides_makes_no_two_modes() -> None:
    sides = [[0.0, 0.25, 0.5, 0.75, 1.0], [1.5, 1.75, 2.0, 2.25, 2.5]]  # logarithms
    assert not two_modes([math.exp(value) for side in sides for value in side])
    closer = [[0.0, 0.1, 0.2, 0.3, 0.4], [0.9, 1.0, 1.1, 1.2, 1.3]]  # as wide a gap
    assert two_modes([math.exp(value) for side in closer for value in side])
