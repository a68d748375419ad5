"""A cost model at the largest size that it lets fit."""

from __future__ import annotations

import pytest

from harness.trial.limit.cost_model import copies_at_frontier

FREE, STEP = 1000, 4


def test_a_constant_is_itself() -> None:
    for copies in (0.0, 0.5, 1.0, 11.1):
        assert copies_at_frontier(lambda _, value=copies: value, FREE, STEP) == (copies, False)  # type: ignore[misc]


def test_a_constant_cost_beside_the_data_counts_at_the_size_that_fits() -> None:
    """50 bytes beside a copy: 475 bytes fit, where it is 1.105 copies; far away it is 1.05."""
    copies, depends = copies_at_frontier(lambda size: 1 + 50 / size, FREE, STEP)
    assert FREE / (1 + copies) == pytest.approx(475, abs=STEP / 2)
    assert depends


def test_where_a_buffer_doubles_the_data_end() -> None:
    """A buffer of 64, 128, 256 … beside the data: 512 and 488 fit, but from 513 on it is 1024."""

    def buffer(size: int) -> float:
        capacity = 64
        while capacity < size:
            capacity *= 2
        return capacity / size

    copies, depends = copies_at_frontier(buffer, FREE, STEP)
    assert FREE / (1 + copies) == pytest.approx(488, abs=STEP)
    copies, depends = copies_at_frontier(buffer, 1400, STEP)
    assert 1400 / (1 + copies) == pytest.approx(512)
    assert depends


def test_what_does_not_fit_at_all_is_taken_at_the_smallest_size() -> None:
    copies, _ = copies_at_frontier(lambda size: 5000 / size, FREE, STEP)
    assert copies == pytest.approx(5000 / (2 * STEP))
