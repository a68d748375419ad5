"""Figures as descriptions, and that both renderers draw what is described."""

from __future__ import annotations

import json
import math
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import vl_convert

from harness.charts import png, png_canvas, png_dots
from harness.charts.chart import DotFigure, Figure, LineFigure, at_size, file_stem
from harness.charts.palette import OTHER, STYLES, styles
from harness.charts.png import drawing, png_bytes
from harness.charts.vega import height, specification
from harness.journal.read import read_journal
from harness.report.content.content import Content, content
from harness.report.figures.all import figures
from tests.journals import MIB, ceiling, planned, scenario, strategy, trial, write_run
from tests.report.runs import poor_runs, rich_run
from tests.some import some


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Content:
    return content(read_journal(rich_run(tmp_path_factory.mktemp("rich"))))


def named(made: Content, key: str) -> Figure:
    return next(figure for figure in made.figures if figure.key == key)


def dots(made: Content, key: str) -> DotFigure:
    figure = named(made, key)
    assert isinstance(figure, DotFigure)
    return figure


def test_time_has_a_line_per_strategy_with_its_interval(rich: Content) -> None:
    figure = named(rich, "time")
    assert isinstance(figure, LineFigure)
    lines = {line.name: line for line in figure.lines}
    assert lines.keys() == {"base", "clone", "view", "kept"}  # not what crashed or was skipped
    assert [point.x for point in lines["base"].points] == [MIB, 64 * MIB]
    last = lines["clone"].points[-1]
    assert (last.low, last.y, last.high) == pytest.approx((10.1e-3, 10.2e-3, 10.3e-3))
    assert [tick for _, tick in figure.x.ticks] == ["1 MiB", "64 MiB"]
    assert figure.y.low < 2e-6 < 41e-3 < figure.y.high


def test_the_baseline_and_the_fastest_of_each_group_are_brought_out(rich: Content) -> None:
    figure = named(rich, "time")
    assert isinstance(figure, LineFigure)
    weights = {line.name: line.emphasis for line in figure.lines}
    assert weights == {"base": "baseline", "clone": "best", "view": "best", "kept": "best"}


def test_rows_are_grouped_and_the_fastest_stands_first(rich: Content) -> None:
    rows = [(row.name, row.heading) for row in dots(rich, "first-call").rows]
    assert rows == [
        ("copy", True),
        ("clone", False),
        ("base", False),
        ("share", True),
        ("view", False),
        ("reuse", True),
        ("kept", False),
    ]


def test_throughput_leaves_out_what_moves_nothing_and_draws_the_ceilings(rich: Content) -> None:
    figure = dots(rich, "throughput")
    assert "view" not in {row.name for row in figure.rows}
    for size, rate in ((MIB, 20e9), (64 * MIB, 12e9)):
        shown = {row.name: marks for row, marks in at_size(figure, size)}
        assert {marks["declared"].value for marks in shown.values() if marks} == {rate}
    assert shown["base"]["main"].value == pytest.approx(64 * MIB / 40.8e-3)


def test_ceilings_are_those_of_as_many_threads_as_were_used(tmp_path: Path) -> None:
    cases = [planned("base", baseline=True)]
    trials = [trial(0, number, threads=2) for number in range(4)]
    ceilings = [ceiling("copy", count * 5e9, threads=count) for count in (1, 2)]
    path = write_run(tmp_path / "run.jsonl", cases, trials, ceilings=ceilings)
    figure = dots(content(read_journal(path)), "throughput")
    ((_, marks),) = at_size(figure, MIB)
    assert marks["declared"].value == 10e9
    assert dict(marks["main"].tip)["ceiling"] == "10 GB/s"


def test_memory_is_shown_beside_what_was_declared(rich: Content) -> None:
    shown = {row.name: marks for row, marks in at_size(dots(rich, "memory"), 64 * MIB)}
    assert shown["clone"]["main"].value == pytest.approx(2.0)
    assert shown["clone"]["declared"].value == 1.0
    assert shown["view"]["main"].value == 0.0


def test_first_call_and_steady_state_are_both_drawn(rich: Content) -> None:
    shown = {row.name: marks for row, marks in at_size(dots(rich, "first-call"), 64 * MIB)}
    assert shown["base"]["main"].value == pytest.approx(40.8e-3)
    assert shown["base"]["second"].value == pytest.approx(120e-3)


def test_page_faults_of_the_first_call_and_of_later_ones_are_drawn(rich: Content) -> None:
    shown = {row.name: marks for row, marks in at_size(dots(rich, "faults"), 64 * MIB)}
    assert shown["base"]["second"].value == 257
    assert shown["base"]["main"].value == 64 * MIB / 4096  # each call touches fresh memory
    assert shown["kept"]["main"].value == 0  # memory is reused: known to be none, and shown
    tip = dict(shown["base"]["main"].tip)
    assert tip["each later call"] == "16\u202f384"
    assert tip["first call, for each page of 4 KiB of the data"] == "0.02×"


def test_page_faults_that_are_not_known_are_not_drawn_as_none(rich: Content) -> None:
    sweep = rich.scenarios[0].sweep
    without = tuple(replace(row, faults_steady=math.nan) for row in sweep.main)
    made = figures(replace(sweep, main=without), rich.scenarios[0].verdict)
    assert "faults" not in {figure.key for figure in made}


def test_one_size_makes_no_line(tmp_path: Path) -> None:
    made = content(read_journal(poor_runs(tmp_path)["no ceilings"]))
    assert [figure.key for figure in made.figures] == [
        "throughput",
        "memory",
        "first-call",
        "faults",
    ]
    assert dots(made, "throughput").references == ()


def test_a_baseline_that_alone_has_two_sizes_makes_no_line(tmp_path: Path) -> None:
    # GIVEN a strategy that is measured at a size of its own, to which its baseline came along
    sizes = ((MIB, "base"), (MIB, "other"), (4 * MIB, "base"), (4 * MIB, "third"))
    cases = [planned(name, size, baseline=name == "base") for size, name in sizes]
    trials = [trial(index, number) for index in range(4) for number in range(4)]
    infos = [scenario(tuple(strategy(name) for name in ("base", "other", "third")))]
    made = content(read_journal(write_run(tmp_path / "run.jsonl", cases, trials, infos=infos)))
    assert "time" not in {figure.key for figure in made.figures}


def test_nothing_timed_makes_no_figure(tmp_path: Path) -> None:
    assert content(read_journal(poor_runs(tmp_path)["no trials"])).figures == ()


def texts(drawing: Any) -> set[str]:
    """Every string in a specification."""
    if isinstance(drawing, dict):
        return set().union(*(texts(value) for value in drawing.values()), ())
    if isinstance(drawing, list):
        return set().union(*(texts(value) for value in drawing), ())
    return {drawing} if isinstance(drawing, str) else set()


@pytest.mark.parametrize("key", ["time", "throughput", "memory", "first-call", "faults"])
def test_specifications_compile_and_carry_the_numbers(rich: Content, key: str) -> None:
    figure = named(rich, key)
    specification_ = specification(figure, rich.styles[figure.scenario])
    json.dumps(specification_, allow_nan=False)
    compiled = vl_convert.vegalite_to_vega(specification_)
    assert {signal["name"] for signal in compiled["signals"]} >= {"group", "hover"}
    assert "voronoi" not in json.dumps(compiled)  # marks without data: tooltips would be empty
    told = texts(specification_["data"])
    if isinstance(figure, LineFigure):
        expected = {value for line in figure.lines for p in line.points for _, value in p.tip}
    else:
        assert isinstance(figure, DotFigure)
        expected = {v for row in figure.rows for dot in row.dots for _, v in dot.tip}
    assert expected
    assert expected <= told
    assert height(figure) > 100


def test_every_poor_run_s_figures_compile(tmp_path: Path) -> None:
    every = [content(read_journal(path)) for path in poor_runs(tmp_path).values()]
    for made, figure in some((one, figure) for one in every for figure in one.figures):
        drawn = specification(figure, made.styles[figure.scenario])
        json.dumps(drawn, allow_nan=False)
        assert vl_convert.vegalite_to_vega(drawn)["marks"]


def read_png(path: Path) -> tuple[int, int]:
    """Width and height of a PNG file, after checking its frame (RFC 2083, section 3)."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert data[12:16] == b"IHDR"
    assert data[-8:-4] == b"IEND"
    width, height_ = struct.unpack(">II", data[16:24])
    return int(width), int(height_)


def test_pictures_are_as_tall_as_their_rows(rich: Content, tmp_path: Path) -> None:
    sizes = {}
    for figure in rich.figures:
        path = tmp_path / f"{file_stem(figure)}.png"
        path.write_bytes(png_bytes(figure, rich.styles[figure.scenario]))
        sizes[figure.key] = read_png(path)
    assert {width for width, _ in sizes.values()} == {round(png_canvas.WIDTH_IN * png.DOTS_PER_IN)}
    rows = {key: len(dots(rich, key).rows) for key in ("memory", "first-call")}
    assert rows["memory"] == rows["first-call"]
    assert sizes["memory"] == sizes["first-call"]
    assert sizes["memory"][1] == math.floor(
        png.DOTS_PER_IN * png_dots.height_in(rows["memory"], references=0)
    )


def test_pictures_drawn_beside_each_other_are_those_drawn_alone(rich: Content) -> None:
    chosen = [(one, rich.styles[one.scenario]) for one in some(rich.figures[:3])]
    alone = [png_bytes(figure, style) for figure, style in chosen]
    with drawing(chosen) as beside:
        assert beside == []
    assert beside == alone


def test_group_looks_are_distinct_and_end_in_a_common_one() -> None:
    groups = [f"group {index}" for index in range(len(STYLES) + 2)]
    given = styles(["", *groups])
    assert [given[group] for group in groups[: len(STYLES)]] == list(STYLES)
    assert given[groups[-1]] == given[""] == OTHER
    for attribute in ("variable", "light", "dark", "path", "marker"):
        assert len({getattr(look, attribute) for look in STYLES}) == len(STYLES)


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("look", [*STYLES, OTHER], ids=lambda look: look.variable)
def test_colours_stand_out_from_their_paper(look: Any) -> None:
    dark_paper = luminance("#121518")
    assert 1.05 / (luminance(look.light) + 0.05) >= 3
    assert (luminance(look.dark) + 0.05) / (dark_paper + 0.05) >= 3
