"""The scalability law comes back from throughputs made by it; too few say nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from harness.stats.scalability import scalability, throughput

COUNTS = (1, 2, 4, 8)


def rates(
    queueing: float, crosstalk: float, counts: Sequence[int] = COUNTS, processes: int = 5
) -> dict[int, list[float]]:
    draw = np.random.default_rng(0)
    return {
        count: list(
            throughput(count, 1000.0, queueing, crosstalk) * np.exp(draw.normal(0, 0.01, processes))
        )
        for count in counts
    }


@pytest.mark.parametrize(("queueing", "crosstalk"), [(0.1, 0.02), (0.3, 0.0), (0.0, 0.01)])
def test_the_constants_come_back(queueing: float, crosstalk: float) -> None:
    found = scalability(rates(queueing, crosstalk), 0.9)
    assert found is not None
    assert found.one_per_s.median == pytest.approx(1000, rel=0.05)
    assert found.queueing.median == pytest.approx(queueing, abs=0.03)
    assert found.crosstalk.median == pytest.approx(crosstalk, abs=0.006)
    assert found.queueing.low <= queueing + 0.01
    assert found.queueing.high >= queueing - 0.01
    assert found.misfit is not None
    assert found.misfit < 0.05


def test_the_best_number_is_where_throughput_turns() -> None:
    found = scalability(rates(0.1, 0.02), 0.9)
    assert found is not None
    assert found.best.median == pytest.approx(math.sqrt(0.9 / 0.02), rel=0.15)
    assert found.per_s(6) > found.per_s(1)
    assert found.per_s(6) > found.per_s(60)


def test_without_crosstalk_there_is_no_best_number() -> None:
    exact = {count: [throughput(count, 10.0, 0.2, 0.0)] * 3 for count in COUNTS}
    found = scalability(exact, 0.9)
    assert found is not None
    assert found.best.median > 50


def test_three_numbers_leave_nothing_to_check_by() -> None:
    found = scalability(rates(0.1, 0.02, (1, 2, 4)), 0.9)
    assert found is not None
    assert found.misfit is None


def test_a_plateau_that_the_law_does_not_have_is_seen_as_misfit() -> None:
    plateau = {1: [100.0] * 3, 2: [200.0] * 3, 3: [300.0] * 3, 4: [310.0] * 3, 8: [310.0] * 3}
    found = scalability(plateau, 0.9)
    assert found is not None
    assert found.misfit is not None
    assert found.misfit > 0.05


@pytest.mark.parametrize("few", [rates(0.1, 0.0, (1, 2)), rates(0.1, 0.0, processes=2)])
def test_too_few_are_undecided(few: dict[int, list[float]]) -> None:
    assert scalability(few, 0.9) is None
