"""Figures of loaders, process trees and varied parameters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import vl_convert

from harness.charts.chart import BarFigure, DotFigure, Figure, LineFigure, at_size, file_stem
from harness.charts.palette import line_styles, named_lines
from harness.charts.png import png_bytes
from harness.charts.vega import height, specification
from harness.journal.read import read_journal
from harness.report.content.content import Content, content
from tests.journals import MIB
from tests.report.loader_runs import (
    GROWTH,
    PER_SAMPLE_S,
    batching_run,
    everything,
    holding_run,
    paying_run,
)
from tests.report.test_figures import read_png, texts
from tests.some import some


@pytest.fixture(scope="module")
def batching(tmp_path_factory: pytest.TempPathFactory) -> Content:
    return content(read_journal(batching_run(tmp_path_factory.mktemp("batching"))))


@pytest.fixture(scope="module")
def holding(tmp_path_factory: pytest.TempPathFactory) -> Content:
    return content(read_journal(holding_run(tmp_path_factory.mktemp("holding"))))


def lines(made: Content, key: str) -> LineFigure:
    figure = next(figure for figure in made.figures if figure.key == key)
    assert isinstance(figure, LineFigure)
    return figure


def dots(made: Content, key: str) -> DotFigure:
    figure = next(figure for figure in made.figures if figure.key == key)
    assert isinstance(figure, DotFigure)
    return figure


def bars(made: Content, key: str) -> BarFigure:
    figure = next(figure for figure in made.figures if figure.key == key)
    assert isinstance(figure, BarFigure)
    return figure


def test_loaders_have_these_figures(batching: Content) -> None:
    assert [figure.key for figure in batching.figures] == [
        "time",
        "sample_bytes-time",
        "sample_bytes-rate",
        "batch_size-time",
        "num_workers-time",
        "throughput",
        "memory",
        "first-batch",
        "phases",
        "tree",
    ]


def test_trees_have_these_figures(holding: Content) -> None:
    assert [figure.key for figure in holding.figures] == [
        "course-fork",
        "course-spawn",
        "tree",
        "phases",
        "passes-tree",
        "first-batch",
    ]


class TestParameters:
    """What is compared over a parameter that is not the size."""

    def test_time_is_per_sample(self, batching: Content) -> None:
        figure = lines(batching, "sample_bytes-time")
        found = {line.name: line for line in figure.lines}
        assert found.keys() == PER_SAMPLE_S.keys() - {"early"}
        for point in found["batched"].points:
            assert point.y == pytest.approx(1.02 * PER_SAMPLE_S["batched"])
            assert (point.low, point.high) == pytest.approx((1.01e-6, 1.03e-6))
        assert [point.x for point in found["plain"].points] == [256, 1024, 4096]
        assert [name for _, name in figure.x.ticks] == ["256 B", "1 KiB", "4 KiB"]
        assert figure.x.log
        assert figure.subtitle.endswith("At 2 MiB.")

    def test_throughput_is_drawn_where_samples_differ_in_size(self, batching: Content) -> None:
        found = {line.name: line for line in lines(batching, "sample_bytes-rate").lines}
        assert "views" not in found  # they move nothing
        rates = [point.y for point in found["plain"].points]
        expected = [size / (1.02 * PER_SAMPLE_S["plain"]) for size in (256, 1024, 4096)]
        assert rates == pytest.approx(expected)

    def test_values_with_zero_stand_one_after_the_other(self, batching: Content) -> None:
        figure = lines(batching, "num_workers-time")
        assert not figure.x.log
        assert figure.x.ticks == ((0.0, "0"), (1.0, "1"), (2.0, "4"))
        assert {line.name for line in figure.lines} == {"plain", "batched", "printed"}
        assert [point.where for point in figure.lines[0].points] == ["0", "1", "4"]

    def test_an_axis_is_drawn_too(self, tmp_path: Path) -> None:
        made = content(read_journal(paying_run(tmp_path)))
        figure = lines(made, "sample_cost_us-time")
        assert [name for _, name in figure.x.ticks] == ["0", "10 µs", "100 µs", "1 ms"]
        assert figure.wide
        assert [len(line.points) for line in figure.lines] == [4, 4, 4]

    def test_few_lines_are_all_named_each_with_a_look_of_its_own(self, batching: Content) -> None:
        figure = lines(batching, "num_workers-time")
        assert {line.emphasis for line in figure.lines} == {"baseline", "named"}
        own, field = line_styles(figure, batching.styles[figure.scenario])
        assert field == "name"
        assert own["batched"] != own["printed"]
        # AND the same in every figure
        other, _ = line_styles(
            lines(batching, "sample_bytes-time"), batching.styles[figure.scenario]
        )
        assert other["printed"] == own["printed"]
        named = dict(named_lines(figure))
        assert named == {"plain": None, "batched": own["batched"], "printed": own["printed"]}

    def test_memory_is_compared_where_memory_decides(self, holding: Content) -> None:
        found = {line.name: line for line in lines(holding, "passes-tree").lines}
        assert [point.y for point in found["dicts"].points] == pytest.approx([3.15, 6.3])
        assert [point.y for point in found["array"].points] == pytest.approx([1, 1])


def test_first_batches_stand_beside_those_of_the_steady_state(batching: Content) -> None:
    shown = {row.name: marks for row, marks in at_size(dots(batching, "first-batch"), 2 * MIB)}
    epoch_s = PER_SAMPLE_S["plain"] * 2048 * 1.02
    assert shown["plain"]["main"].value == pytest.approx(epoch_s / 32)
    assert shown["plain"]["second"].value == pytest.approx(1e-4 + 2 * epoch_s * 0.1)


def test_phases_follow_each_other_at_the_setting_of_most_workers(batching: Content) -> None:
    figure = bars(batching, "phases")
    assert figure.parts == ("build", "iter()", "first batch", "other batches", "teardown")
    assert figure.subtitle.startswith("With 4 forked workers, at 2 MiB")
    (plain,) = (bar for bar in figure.bars if bar.name == "plain")
    work_s = 2 * (PER_SAMPLE_S["plain"] * 2048 + 20e-3) * 1.02 - 20e-3
    expected = [1e-4, 8e-3, 8e-3 + work_s * 0.1, work_s * 0.9, 4e-3]
    assert plain.values == pytest.approx(expected)
    assert sum(expected) < figure.x.high
    assert {bar.name for bar in figure.bars} == {"plain", "batched", "printed"}


class TestTrees:
    """Figures of process trees."""

    def test_the_course_ends_with_the_last_pass_and_keeps_its_peak(self, holding: Content) -> None:
        figure = lines(holding, "course-fork")
        found = {line.name: line for line in figure.lines}
        assert found.keys() == GROWTH.keys()
        for name, growth in GROWTH.items():
            assert [point.x for point in found[name].points] == [0, 0.5, 1, 2]
            assert max(point.y for point in found[name].points) == pytest.approx(growth)
        assert dict(found["dicts"].points[1].tip)["during"] == "pass 1"
        assert figure.subtitle.startswith("With 2 forked workers after 3 passes over 32 MiB")
        assert figure.y.low == 0 < 6.3 < figure.y.high

    def test_every_start_method_has_a_course_of_its_own(self, holding: Content) -> None:
        peaks = {
            line.name: max(point.y for point in line.points)
            for line in lines(holding, "course-spawn").lines
        }
        assert peaks == pytest.approx({name: 2 * growth for name, growth in GROWTH.items()})

    def test_what_rss_would_have_said_stands_beside_the_growth(self, holding: Content) -> None:
        shown = {row.name: marks for row, marks in at_size(dots(holding, "tree"), 32 * MIB)}
        for name, growth in GROWTH.items():
            assert shown[name]["main"].value == pytest.approx(growth)
            assert shown[name]["second"].value == pytest.approx(3 * growth)

    def test_elsewhere_it_is_in_bytes_and_of_one_setting(self, batching: Content) -> None:
        figure = dots(batching, "tree")
        assert figure.size_bytes == 0  # whatever size the page shows
        assert "size" not in {
            one["name"] for one in specification(figure, batching.styles[figure.scenario])["params"]
        }
        shown = {row.name: marks for row, marks in at_size(figure, 0)}
        assert shown["plain"]["main"].value == 4 * 12 * MIB
        assert [name for _, name in figure.x.ticks] == ["0 B", "50 MiB", "100 MiB", "150 MiB"]


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Content:
    return content(read_journal(everything(tmp_path_factory.mktemp("every"))))


def tips(figure: Figure) -> set[str]:
    if isinstance(figure, LineFigure):
        return {value for line in figure.lines for p in line.points for _, value in p.tip}
    if isinstance(figure, BarFigure):
        return {value for bar in figure.bars for _, value in bar.tip}
    return {value for row in figure.rows for dot in row.dots for _, value in dot.tip}


def test_specifications_compile_and_carry_the_numbers(every: Content) -> None:
    assert every.figures
    for figure in every.figures:
        drawn = specification(figure, every.styles[figure.scenario])
        json.dumps(drawn, allow_nan=False)
        compiled = vl_convert.vegalite_to_vega(drawn)
        assert {signal["name"] for signal in compiled["signals"]} >= {"group", "hover"}, figure.key
        assert tips(figure)
        assert tips(figure) <= texts(drawn["data"])
        assert height(figure) > 100


def test_every_figure_is_drawn_as_a_picture(every: Content, tmp_path: Path) -> None:
    stems = [file_stem(figure) for figure in every.figures]
    assert len(set(stems)) == len(stems)
    for figure in some(every.figures):
        if figure.key in ("course-fork", "phases", "tree", "num_workers-time", "passes-tree"):
            path = tmp_path / f"{file_stem(figure)}.png"
            path.write_bytes(png_bytes(figure, every.styles[figure.scenario]))
            assert min(read_png(path)) > 100
