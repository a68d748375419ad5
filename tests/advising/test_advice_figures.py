"""Intervals hold what they say, of times that are drawn from a known distribution."""

from __future__ import annotations

import math
import random
import statistics

import pytest

from harness.advising.figures import (
    DRIFT,
    MEMORY_BYTES,
    Scatter,
    memory_at,
    time_at,
)

TIMES = 2000


@pytest.mark.parametrize("noise", [0.005, 0.1])
def test_a_further_process_lies_inside_as_often_as_said(noise: float) -> None:
    """With the machine's drift, which is planted too; whatever the noise."""
    draw = random.Random(1)
    inside = 0
    for _ in range(TIMES):
        groups = [[math.exp(draw.gauss(0, noise)) for _ in range(3)] for _ in range(3)]
        figure = time_at({100: groups[0]}, Scatter.of(groups), 100)
        later = math.exp(draw.gauss(0, noise) + draw.gauss(0, DRIFT))
        inside += figure.low <= later <= figure.high
    assert 0.94 <= inside / TIMES <= 0.995


def test_ratios_of_equals_are_rarely_called_different() -> None:
    draw = random.Random(2)
    apart = 0
    for _ in range(TIMES):
        groups = [[math.exp(draw.gauss(0, 0.1)) for _ in range(4)] for _ in range(2)]
        _, low, high = Scatter.of(groups).ratio(*groups)
        apart += not low <= 1 <= high
    assert apart / TIMES < 0.065


def test_two_processes_are_no_basis_for_an_interval() -> None:
    times = [[1.0, 1.1]]
    assert math.isinf(time_at({100: times[0]}, Scatter.of(times), 100).high)
    assert math.isinf(Scatter.of(times).ratio([1.0], [2.0])[2])


@pytest.mark.parametrize("fixed", [0.0, 2.0], ids=["in proportion", "mostly fixed"])
def test_beyond_what_was_measured_either_straight_line_lies_inside(fixed: float) -> None:
    def took(size: int) -> list[float]:
        return [fixed + 0.01 * size * share for share in (0.99, 1.0, 1.01)]

    times = {50: took(50), 100: took(100)}
    figure = time_at(times, Scatter.of(times.values()), 400)
    assert figure.extrapolated
    assert figure.measured_bytes == 100
    assert figure.low < fixed + 0.01 * 400 < figure.high


def test_memory_that_was_measured_and_that_is_declared() -> None:
    size = 100 * 1024**2
    measured = memory_at({size: [size, size]}, size, None)
    assert not measured.extrapolated
    assert measured.low < size < measured.high < 1.1 * size
    # A copy and two batches, which are no more where there is more data.
    batches = 10 * 1024**2
    declared = memory_at({size: [size + batches]}, 4 * size, 3.0 * size)
    assert declared.low < 4 * size + batches < declared.high
    assert declared.value == 4 * size + batches
    unknown = memory_at({size: [batches]}, 4 * size, None)
    assert unknown.low < batches < 4 * batches < unknown.high
    assert memory_at({size: [0]}, size, None).high == MEMORY_BYTES
    # Batches may need as much again; a copy of a gigabyte does not.
    assert memory_at({size: [batches]}, size, None, in_batches=True).high > 2 * batches
    assert memory_at({size: [10 * size]}, size, None, in_batches=True).high < 11 * size


def test_the_scatter_is_that_of_the_groups_within() -> None:
    found = Scatter.of([[1.0, math.e], [100.0, 100 * math.e], [5.0]])
    assert found.freedom == 2
    assert found.deviation == pytest.approx(statistics.stdev([0.0, 1.0]))
