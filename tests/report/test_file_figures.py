"""Figures of training from files and of searches under a limit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import vl_convert

from harness.charts.chart import BarFigure, DotFigure, Figure, LineFigure, at_size, file_stem
from harness.charts.palette import PART_STYLES
from harness.charts.png import png_bytes
from harness.charts.ticks import byte_ticks, count_ticks, log_size_ticks, widen
from harness.charts.vega import height, specification
from harness.journal.read import read_journal
from harness.report.content.content import Content, content
from tests.journals import MIB, write_run
from tests.report.file_runs import (
    BASE,
    BUDGET,
    DATA,
    DISK,
    GRID,
    SAMPLES,
    STEP_S,
    TAKES,
    WAIT_S,
    feeding,
    feeding_run,
    files_run,
    limiting_run,
)
from tests.report.runs import CEILINGS, rich_run
from tests.report.test_figures import read_png, texts
from tests.report.test_loader_figures import tips


@pytest.fixture(scope="module")
def feeding_content(tmp_path_factory: pytest.TempPathFactory) -> Content:
    return content(read_journal(feeding_run(tmp_path_factory.mktemp("feeding"))))


@pytest.fixture(scope="module")
def limiting_content(tmp_path_factory: pytest.TempPathFactory) -> Content:
    return content(read_journal(limiting_run(tmp_path_factory.mktemp("limiting"))))


def named(made: Content, key: str) -> Figure:
    return next(figure for figure in made.figures if figure.key == key)


def bars(made: Content, key: str) -> BarFigure:
    figure = named(made, key)
    assert isinstance(figure, BarFigure)
    return figure


def lines(made: Content, key: str) -> LineFigure:
    figure = named(made, key)
    assert isinstance(figure, LineFigure)
    return figure


def dots(made: Content, key: str) -> DotFigure:
    figure = named(made, key)
    assert isinstance(figure, DotFigure)
    return figure


def test_training_has_these_figures(feeding_content: Content) -> None:
    assert [figure.key for figure in feeding_content.figures] == [
        "stalls",
        "sample_bytes-time",
        "sample_bytes-rate",
        "num_workers-samples",
        "compute_ms-stall",
        "cache",
        "mapped",
        "pages",
        "memory",
        "first-batch",
        "phases",
        "tree",
    ]


def test_searches_have_these_figures(limiting_content: Content) -> None:
    keys = [figure.key for figure in limiting_content.figures]
    assert keys == ["largest", "needs", "budget_bytes-largest"]


class TestTraining:
    """Figures of steps that wait, and of files."""

    def test_an_epoch_is_computing_and_waiting(self, feeding_content: Content) -> None:
        figure = bars(feeding_content, "stalls")
        assert figure.parts == ("computing", "waiting")
        for bar in figure.bars:
            assert bar.values == pytest.approx((STEP_S, WAIT_S[bar.name]))
            share = WAIT_S[bar.name] / (WAIT_S[bar.name] + STEP_S)
            assert dict(bar.tip)["stalled"].startswith(f"{share * 100:.2g}%")
            assert dict(bar.tip)["loss"] == "2.3 → 0.3"
        assert [bar.name for bar in figure.bars] == ["ahead", "mapping", "loading"]

    def test_stalls_are_drawn_over_the_computing_time(self, feeding_content: Content) -> None:
        figure = lines(feeding_content, "compute_ms-stall")
        found = {line.name: [point.y for point in line.points] for line in figure.lines}
        for name, wait_s in WAIT_S.items():
            expected = [wait_s / (wait_s + ms * 64e-3) for ms in (0.1, 1, 10)]
            assert found[name] == pytest.approx(expected, rel=0.01)
        assert (figure.y.low, figure.y.high) == (0.0, 1.0)
        assert [name for _, name in figure.y.ticks] == ["0%", "20%", "40%", "60%", "80%", "100%"]
        assert [name for _, name in figure.x.ticks] == ["100 µs", "1 ms", "10 ms"]
        assert "with step=compute" in figure.subtitle

    def test_samples_a_second_are_drawn_over_the_workers(self, feeding_content: Content) -> None:
        figure = lines(feeding_content, "num_workers-samples")
        found = {line.name: [point.y for point in line.points] for line in figure.lines}
        for name, wait_s in WAIT_S.items():
            expected = [SAMPLES / (wait_s * times + STEP_S) for times in (1, 2)]
            assert found[name] == pytest.approx(expected)

    def test_cold_stands_beside_warm_before_the_disk_s_ceilings(
        self, feeding_content: Content
    ) -> None:
        figure = dots(feeding_content, "cache")
        assert [reference.value for reference in figure.references] == [1.5e9]
        shown = {row.name: marks for row, marks in at_size(figure, 0)}
        assert shown.keys() == WAIT_S.keys()
        for name, wait_s in WAIT_S.items():
            cold_s = wait_s + (0.1 if name == "mapping" else 0.05) + STEP_S
            assert shown[name]["main"].value == pytest.approx(DATA / cold_s)
            assert shown[name]["second"].value == pytest.approx(DATA / (wait_s + STEP_S))
        tip = dict(shown["mapping"]["main"].tip)
        assert tip["page cache"] == (
            "cold: 0% of the file in memory before an epoch, 100% after the first"
        )
        assert tip["cold, share of ceiling"].endswith("of the disk in sequence")

    def test_without_ceilings_of_the_disk_none_are_spoken_of(self, tmp_path: Path) -> None:
        run = read_journal(feeding_run(tmp_path))
        path = write_run(
            tmp_path / "bare.jsonl", run.header.plan.cases, run.trials, infos=[feeding()]
        )
        figure = dots(content(read_journal(path)), "cache")
        assert figure.references == ()
        assert "Vertical" not in figure.subtitle

    def test_memory_is_told_apart_by_kind(self, feeding_content: Content) -> None:
        figure = bars(feeding_content, "pages")
        assert figure.parts == ("anonymous", "shared memory", "file pages")
        found = {bar.name: bar.values for bar in figure.bars}
        assert found == {
            "loading": (DATA, 0, 0),
            "mapping": (2 * MIB, 0, DATA),
            "ahead": (2 * MIB, 0, DATA),
        }

    def test_pages_of_the_file_are_no_extra_memory(self, feeding_content: Content) -> None:
        figure = dots(feeding_content, "memory")
        shown = {row.name: marks for row, marks in at_size(figure, DATA)}
        found = {name: marks["main"].value for name, marks in shown.items()}
        assert found == pytest.approx({"loading": 1.0, "mapping": 1 / 32, "ahead": 1 / 32})
        assert dict(shown["mapping"]["main"].tip)["in bytes"] == (
            "2 MiB, plus 64 MiB of file pages"
        )
        assert figure.subtitle.endswith("are left out.")

    def test_a_growing_rss_is_shown_for_what_it_is(self, feeding_content: Content) -> None:
        figure = lines(feeding_content, "mapped")
        assert figure.title == "What the growing RSS of mapping consists of"
        peaks = {line.name: max(point.y for point in line.points) for line in figure.lines}
        assert peaks == {"RSS added up": 66 * MIB, "file pages": 64 * MIB, "anonymous": 2 * MIB}
        assert {point.y for point in figure.lines[0].points[-1:]} == {0}

    def test_steps_are_a_part_of_the_first_epoch(self, feeding_content: Content) -> None:
        figure = bars(feeding_content, "phases")
        assert figure.parts[-1] == "computing"
        assert {bar.values[-1] for bar in figure.bars} == {STEP_S}


def test_a_run_that_was_not_watched_shows_no_pages(tmp_path: Path) -> None:
    run = read_journal(feeding_run(tmp_path))
    info = replace(feeding(), watched=False)
    path = write_run(tmp_path / "bare.jsonl", run.header.plan.cases, run.trials, infos=[info])
    keys = {figure.key for figure in content(read_journal(path)).figures}
    assert not keys & {"pages", "mapped"}


class TestSearches:
    """Figures of the largest sizes."""

    def test_largest_sizes_stand_before_the_budget(self, limiting_content: Content) -> None:
        figure = dots(limiting_content, "largest")
        left = (BUDGET - BASE) / BUDGET
        assert [one.value for one in figure.references] == pytest.approx([left, 1.0])
        assert figure.references[0].label == "left of it, 312 MiB"
        shown = {row.name: marks for row, marks in at_size(figure, 0) if marks}
        assert shown.keys() == TAKES.keys()
        for name in ("copying", "sharing", "listing"):
            multiple, copies, *_ = TAKES[name]
            assert shown[name]["main"].value == pytest.approx(left / multiple, abs=GRID / BUDGET)
            assert shown[name]["main"].high - shown[name]["main"].low == pytest.approx(
                GRID / BUDGET
            )
            assert shown[name]["declared"].value == pytest.approx(left / (1 + copies))
        assert shown["mapping"]["main"].value == pytest.approx(2, abs=0.01)
        assert "declared" not in shown["mapping"]  # it is foretold to fit at any size

    def test_what_a_byte_takes_is_compared_with_its_model(self, limiting_content: Content) -> None:
        figure = dots(limiting_content, "needs")
        shown = {row.name: marks for row, marks in at_size(figure, 0) if marks}
        assert shown.keys() == TAKES.keys() - {"mapping"}
        assert shown["listing"]["main"].value == pytest.approx(12, rel=0.05)
        assert shown["listing"]["second"].value == 6.0
        assert shown["loading"]["second"].value == 1.0  # a file is in no memory before
        assert figure.x.low < 1 < 12.6 < figure.x.high

    def test_budgets_make_lines(self, limiting_content: Content) -> None:
        figure = lines(limiting_content, "budget_bytes-largest")
        found = {line.name: [point.y for point in line.points] for line in figure.lines}
        assert found["copying"] == [155 * MIB, pytest.approx(412 * MIB, abs=5 * MIB)]
        assert [name for _, name in figure.x.ticks] == ["512 MiB", "1 GiB"]
        assert figure.y.unit == "bytes"

    def test_one_budget_makes_no_line(self, tmp_path: Path) -> None:
        made = content(read_journal(limiting_run(tmp_path, (BUDGET,))))
        assert [figure.key for figure in made.figures] == ["largest", "needs"]


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Content:
    return content(read_journal(files_run(tmp_path_factory.mktemp("every"))))


def test_every_specification_compiles_and_carries_the_numbers(every: Content) -> None:
    assert len(every.figures) == 15
    for figure in every.figures:
        drawn = specification(figure, every.styles[figure.scenario])
        json.dumps(drawn, allow_nan=False)
        compiled = vl_convert.vegalite_to_vega(drawn)
        assert {signal["name"] for signal in compiled["signals"]} >= {"group", "hover"}, figure.key
        assert tips(figure) <= texts(drawn["data"]), figure.key
        assert height(figure) > 100


def test_every_figure_is_drawn_as_a_picture(every: Content, tmp_path: Path) -> None:
    assert every.figures
    for figure in every.figures:
        path = tmp_path / f"{file_stem(figure)}.png"
        path.write_bytes(png_bytes(figure, every.styles[figure.scenario]))
        assert min(read_png(path)) > 100


def test_every_part_of_a_bar_has_a_look_of_its_own(every: Content) -> None:
    bars = [figure for figure in every.figures if isinstance(figure, BarFigure)]
    assert bars
    for figure in bars:
        given = [PART_STYLES[part] for part in figure.parts]
        assert len({look.variable for look in given}) == len(given), figure.key


def test_ceilings_of_the_disk_are_none_of_memory(tmp_path: Path) -> None:
    assert [one.name for one in DISK if one.name.startswith("disk")]
    made = content(read_journal(rich_run(tmp_path, ceilings=(*CEILINGS, *DISK))))
    dotted = [figure for figure in made.figures if isinstance(figure, DotFigure)]
    (shown,) = [figure for figure in dotted if figure.key == "throughput"]
    tips = [dict(dot.tip) for row in shown.rows for dot in row.dots]
    assert tips
    assert not [tip for tip in tips if "disk" in tip["share of ceiling"]]


def test_ticks_of_sizes_and_counts_are_round() -> None:
    assert [name for _, name in log_size_ticks(3 * MIB, 17 * MIB)] == ["4 MiB", "8 MiB", "16 MiB"]
    assert len(log_size_ticks(1, 2**40)) <= 10
    assert [name for _, name in count_ticks(900, 25_000)] == [
        "1\u202f000", "2\u202f000", "5\u202f000", "10\u202f000", "20\u202f000",
    ]  # fmt: skip
    assert [name for _, name in byte_ticks(4 * MIB)] == ["0 B", "1 MiB", "2 MiB", "3 MiB", "4 MiB"]


def test_an_axis_has_room_for_what_has_a_place_on_it() -> None:
    assert widen([2.0, 0.0, -1.0, float("nan"), float("inf"), 8.0], by=2) == (1.0, 16.0)
