"""The small things that figures and tables are made of: ticks, labels, and written numbers."""

from __future__ import annotations

import itertools

import pytest
import vl_convert

from harness.charts.chart import Axis
from harness.charts.labels import spread
from harness.charts.palette import PART_STYLES, STYLES, part_styles
from harness.charts.ticks import (
    Unit,
    linear_label,
    linear_ticks,
    rate_ticks,
    size_ticks,
    time_ticks,
)
from harness.charts.vega_marks import scale_and_axis
from harness.report.words.text import (
    count_text,
    format_ratio,
    interval_text,
    plural,
    ratio_text,
    seconds_text,
)
from harness.stats.intervals import Interval
from harness.units import format_multiple, format_seconds


def test_labels_with_room_stay_where_they_are() -> None:
    assert spread([50, 10, 30], 10, 0, 100) == [50, 10, 30]


def test_crowded_labels_move_apart_in_order_and_no_further_than_needed() -> None:
    moved = spread([50, 52, 51, 10], 10, 0, 100)
    assert moved == pytest.approx([41, 61, 51, 10])  # around their common middle
    assert all(b - a >= 10 for a, b in itertools.pairwise(sorted(moved)))


@pytest.mark.parametrize(("places", "moved"), [([98, 99], [90, 100]), ([1, 0], [10, 0])])
def test_labels_stay_within_the_plot(places: list[float], moved: list[float]) -> None:
    assert spread(places, 10, 0, 100) == moved


def test_no_labels_need_no_room() -> None:
    assert spread([], 10, 0, 100) == []


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.9e-6, 1.1e-3, ["1 µs", "10 µs", "100 µs", "1 ms"]),
        (1.5e-3, 6e-3, ["2 ms", "5 ms"]),
        (0.8e-9, 1.2e-9, ["1 ns"]),
    ],
)
def test_time_ticks_are_round_and_within_the_axis(
    low: float, high: float, ticks: list[str]
) -> None:
    assert [name for _, name in time_ticks(low, high)] == ticks


def test_size_ticks_are_the_sizes_measured_thinned_out_when_many() -> None:
    assert [name for _, name in size_ticks([65536, 4194304])] == ["64 KiB", "4 MiB"]
    many = [4096 * 2**step for step in range(19)]
    names = [name for _, name in size_ticks(many)]
    assert len(names) == 10
    assert names[-1] == "1 GiB"


def test_linear_ticks_carry_their_unit() -> None:
    assert (linear_label("rate", 2.5e9), linear_label("multiple", 1.0)) == ("2.5", "1×")


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 13.6, [0, 2, 4, 6, 8, 10, 12]),
        (0, 4.7, [0, 1, 2, 3, 4]),
        (-0.1, 0.9, [0, 0.2, 0.4, 0.6, 0.8]),
        (0, 0.06, [0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06]),
    ],
)
def test_linear_ticks_of_known_ends_are_round(low: float, high: float, ticks: list[float]) -> None:
    assert linear_ticks(low, high, str) == tuple((float(tick), str(float(tick))) for tick in ticks)


def test_rates_are_written_without_their_unit() -> None:
    assert [name for _, name in rate_ticks(50e6, 2e10)] == ["0.1", "1", "10"]


def interval(low: float, median: float, high: float, coverage: float = 0.75) -> Interval:
    return Interval(median, low, high, coverage, 3)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (interval(11.9e-3, 12e-3, 13.1e-3), "12 ms (11.9–13.1 ms)"),
        (interval(0.9e-3, 1e-3, 1.2e-3), "1 ms (900 µs–1.2 ms)"),
        (interval(1e-3, 1e-3, 1e-3), "1 ms (1 ms)"),
        (interval(1e-3, 1e-3, 1e-3, coverage=0.0), "1 ms"),  # one process has no spread
        (Interval(float("nan"), float("nan"), float("nan"), 0.0, 0), "–"),
    ],
)
def test_intervals_share_their_unit(given: Interval, text: str) -> None:
    assert seconds_text(given) == text


def test_ranges_of_multiples_keep_one_sign() -> None:
    assert interval_text(interval(0.41, 0.42, 0.53), format_multiple) == "0.41–0.53×"
    assert interval_text(interval(0.41, 0.42, 0.53), format_seconds) == "410–530 ms"


@pytest.mark.parametrize(
    ("ratio", "text"), [(0.42, "0.42×"), (2.5e-5, "1/40\u202f000"), (0.0, "0×"), (150, "150×")]
)
def test_tiny_ratios_are_one_in_so_many(ratio: float, text: str) -> None:
    assert format_ratio(ratio) == text
    assert ratio_text(interval(ratio, ratio, ratio, coverage=0)) == text


def test_counts() -> None:
    assert count_text(16388.4) == "16\u202f388"
    assert count_text(float("nan")) == "–"
    assert (plural(1, "case"), plural(2, "case")) == ("1 case", "2 cases")
    assert plural(0, "process", "processes") == "0 processes"


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        ("count", 1500, "1\u202f500"),
        ("count", 0.5, "0.5"),
        ("multiple", 1.5, "1.5×"),
        ("rate", 2e9, "2"),
        ("share", 0.25, "25%"),
    ],
)
def test_both_renderers_write_values_of_an_axis_alike(unit: Unit, value: float, text: str) -> None:
    assert linear_label(unit, value) == text
    axis = Axis("any", unit, False)
    drawn = {"data": {"values": [{"x": value}]}, "mark": "point"}
    x = scale_and_axis(axis)
    x["axis"] |= {"values": [value]}
    svg = vl_convert.vegalite_to_svg(drawn | {"encoding": {"x": {"field": "x", **x}}})
    assert f">{text}<" in svg


def test_parts_without_looks_of_their_own_are_given_ones_that_are_free() -> None:
    found = part_styles(("build", "one more", "computing", "and another"))
    assert found["build"] is PART_STYLES["build"]
    assert found["computing"] is PART_STYLES["computing"]
    assert len({style.variable for style in found.values()}) == 4
    many = part_styles([f"part {number}" for number in range(len(STYLES) + 2)])
    assert len({style.variable for style in many.values()}) == len(STYLES) + 1  # the rest is grey
