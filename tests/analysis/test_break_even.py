"""From where on a strategy pays: planted crossings, and silence where nothing is certain."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from harness.analysis.break_even import crossing
from harness.analysis.verdict import verdict
from harness.stats.intervals import Interval
from tests.analysis.planted import timed_sweep
from tests.journals import parameter, scenario, strategy


def around(ratio: float, spread: float = 0.05, coverage: float = 0.75) -> Interval:
    return Interval(ratio, ratio * (1 - spread), ratio * (1 + spread), coverage, 3)


def test_the_crossing_is_interpolated_over_logarithms() -> None:
    # GIVEN a ratio that falls with the root of the cost, and passes 1 at 100
    found = crossing("two", [(cost, around((cost / 100) ** -0.5)) for cost in (1, 10, 1000)])
    assert found.shape == "gains"
    assert (found.low, found.high) == (10, 1000)
    assert found.value == pytest.approx(100)


def test_next_to_zero_it_is_interpolated_over_the_cost_itself() -> None:
    found = crossing("two", [(0.0, around(4.0)), (8.0, around(0.25))])
    assert found.value == pytest.approx(4)


def test_an_uncertain_point_between_leaves_but_the_range() -> None:
    found = crossing("two", [(1, around(3)), (10, around(1.0)), (100, around(0.3))])
    assert found.shape == "gains"
    assert (found.low, found.high) == (1, 100)
    assert found.value != found.value  # not known


@pytest.mark.parametrize(
    ("ratios", "shape"),
    [
        ((3, 2, 1.5), "never"),
        ((0.3, 0.2, 0.9), "always"),
        ((0.3, 1.0, 3), "loses"),
        ((3, 0.3, 3), "unclear"),
        ((1.0, 1.0, 1.01), "unclear"),
        ((1.0, 2, 2), "unclear"),  # at the first one it may pay
    ],
)
def test_other_shapes_are_told_apart(ratios: tuple[float, ...], shape: str) -> None:
    series = [(10.0**power, around(ratio)) for power, ratio in enumerate(ratios)]
    assert crossing("two", series).shape == shape


def test_too_few_processes_are_certain_of_nothing() -> None:
    series = [(1.0, around(3, coverage=0.5)), (10.0, around(0.3, coverage=0.5))]
    found = crossing("two", series)
    assert found.shape == "unclear"
    assert all(map(math.isnan, (found.low, found.high, found.value)))


def test_the_verdict_begins_with_it(tmp_path: Path) -> None:
    # GIVEN workers that cost 40 or 80 ms an epoch and take over half of the work, and so pay from
    # 80 and 160 µs on, which three points a decade apart cannot know any better
    info = replace(
        scenario(
            (strategy("alone"), strategy("two"), strategy("four"), strategy("slow")),
            {"sample_cost_us": parameter(100, 10, 100, 1000, axis=True)},
            baseline="alone",
        ),
        epochs=True,
    )
    times = []
    for cost in (10, 100, 1000):
        work = cost * 1e-3
        for name, base in (
            ("alone", work),
            ("two", work / 2 + 40e-3),
            ("four", work / 2 + 80e-3),
            ("slow", work + 1),
        ):
            times.append((name, {"sample_cost_us": cost}, [base, base * 1.01, base * 1.02]))
    found = verdict(timed_sweep(tmp_path, info, times))  # type: ignore[arg-type]
    assert found.sentences[0] == (
        "From about 86 µs of work per sample on, `two` is faster than `alone`, `four` from about "
        "210 µs; `slow` is slower than `alone` throughout, up to 1 ms of work per sample."
    )
    assert found.sentences[1].startswith("With sample_cost_us 100 µs, `alone` takes")
    assert found.place == "with sample_cost_us 100 µs"
