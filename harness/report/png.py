"""Figures as PNG files, drawn by matplotlib on white.

The object interface is used throughout: pyplot keeps figures alive and looks for a display.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, NullLocator

from harness.report.chart import Axis, DotFigure, Figure, LineFigure, at_size
from harness.report.labels import spread
from harness.report.palette import INK, MUTED, RULE, Look
from harness.report.text import size_text
from harness.report.ticks import linear_label

WIDTH_IN = 10.0
DOTS_PER_IN = 150
LINES_IN = 5.6
ROW_IN = 0.215
HEAD_IN, FOOT_IN = 1.15, 0.75
REFERENCE_IN = 0.2
SECOND: dict[str, Any] = {"marker": "o", "markerfacecolor": "white", "markersize": 6}
DECLARED: dict[str, Any] = {"marker": "|", "markersize": 11, "markeredgewidth": 1.4}


def write_png(figure: Figure, looks: Mapping[str, Look], path: Path) -> None:
    """Draw a figure into a file."""
    if isinstance(figure, LineFigure):
        canvas = _line_canvas(figure, looks)
    else:
        canvas = _dot_canvas(figure, looks)
    canvas.savefig(path, dpi=DOTS_PER_IN)


def _canvas(
    height_in: float, left_in: float, right_in: float, foot_in: float
) -> tuple[Canvas, Axes]:
    canvas = Canvas(figsize=(WIDTH_IN, height_in), facecolor="white")
    axes = canvas.add_axes(
        (
            left_in / WIDTH_IN,
            foot_in / height_in,
            1 - (left_in + right_in) / WIDTH_IN,
            1 - (HEAD_IN + foot_in) / height_in,
        )
    )
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0, labelsize=9.5, labelcolor=MUTED)
    axes.set_axisbelow(True)
    return canvas, axes


def _head(canvas: Canvas, figure: Figure, title: str) -> None:
    height_in = canvas.get_figheight()
    top = 1 - 0.3 / height_in
    canvas.text(0.02, top, title, size=14, weight="bold", color=INK, va="center")
    canvas.text(0.98, top, figure.scenario, size=9, color=MUTED, va="center", ha="right")
    lines = textwrap.fill(figure.subtitle, 130)
    canvas.text(0.02, 1 - 0.5 / height_in, lines, va="top", linespacing=1.35, size=9, color=MUTED)


def _scale(axis: Axis, axes: Axes, which: str) -> None:
    target = axes.xaxis if which == "x" else axes.yaxis
    label: dict[str, Any] = {"size": 9.5, "color": MUTED, "labelpad": 6}
    (axes.set_xlabel if which == "x" else axes.set_ylabel)(axis.title, **label)
    axes.grid(visible=True, axis="x" if which == "x" else "y", color=RULE, linewidth=0.7)
    if not axis.log:
        target.set_major_formatter(FuncFormatter(lambda value, _: linear_label(axis.unit, value)))
        return
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    (axes.set_xlim if which == "x" else axes.set_ylim)(axis.low, axis.high)
    target.set_major_locator(FixedLocator([value for value, _ in axis.ticks]))
    target.set_major_formatter(FixedFormatter([name for _, name in axis.ticks]))
    target.set_minor_locator(NullLocator())


def _line_canvas(figure: LineFigure, looks: Mapping[str, Look]) -> Canvas:
    height_in = LINES_IN + HEAD_IN + FOOT_IN
    canvas, axes = _canvas(height_in, 1.0, 2.3, FOOT_IN)
    _head(canvas, figure, figure.title)
    _scale(figure.x, axes, "x")
    _scale(figure.y, axes, "y")
    named = [line for line in figure.lines if line.emphasis != "rest"]
    for line in figure.lines:
        look, strong = looks[line.group], line.emphasis != "rest"
        colour = INK if line.emphasis == "baseline" else look.light
        xs, ys = [point.x for point in line.points], [point.y for point in line.points]
        axes.plot(
            xs,
            ys,
            color=colour,
            marker=look.marker,
            markersize=5 if strong else 3.5,
            linewidth=1.9 if strong else 0.9,
            linestyle=(0, (5, 2)) if line.emphasis == "baseline" else "-",
            alpha=1 if strong else 0.35,
            zorder=3 if strong else 2,
        )
        if strong:
            axes.vlines(
                xs,
                [point.low for point in line.points],
                [point.high for point in line.points],
                color=colour,
                linewidth=1.1,
            )
    span = math.log(figure.y.high / figure.y.low)
    heights = [math.log(line.points[-1].y / figure.y.low) / span for line in named]
    for line, place in zip(named, spread(heights, 0.034, 0.01, 0.99), strict=True):
        colour = INK if line.emphasis == "baseline" else looks[line.group].light
        suffix = f" ({line.group})" if line.group and line.emphasis == "best" else ""
        label = f"{line.name}{' (baseline)' if line.emphasis == 'baseline' else suffix}"
        where: dict[str, Any] = {"transform": axes.transAxes, "va": "center"}
        axes.text(1.015, place, label, size=9, color=colour, **where)
    return canvas


def _dot_canvas(figure: DotFigure, looks: Mapping[str, Look]) -> Canvas:
    rows = [(row, dots) for row, dots in at_size(figure, figure.size_bytes) if row.heading or dots]
    # A heading whose rows were all left out goes with them.
    rows = [
        pair
        for index, pair in enumerate(rows)
        if pair[1] or (index + 1 < len(rows) and rows[index + 1][1])
    ]
    foot_in = FOOT_IN - 0.15 + REFERENCE_IN * len(figure.references)
    height_in = HEAD_IN + ROW_IN * len(rows) + foot_in
    canvas, axes = _canvas(height_in, 2.3, 0.4, foot_in)
    where = f" — {size_text(figure.size_bytes)}" if figure.size_bytes else ""
    _head(canvas, figure, figure.title + where)
    _scale(figure.x, axes, "x")
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), [_row_name(row.name, row.emphasis) for row, _ in rows])
    for place, ((row, dots), label) in enumerate(zip(rows, axes.get_yticklabels(), strict=True)):
        label.set_color(MUTED if row.heading else INK)
        label.set_fontstyle("italic" if row.heading else "normal")
        if not dots:
            continue
        look = looks[row.group]
        colour = INK if row.emphasis == "baseline" else look.light
        main, second, declared = dots["main"], dots.get("second"), dots.get("declared")
        start = second.value if second else 0.0
        axes.hlines(place, start, main.value, color=colour, linewidth=1, alpha=0.6)
        axes.hlines(place, main.low, main.high, color=colour, linewidth=4, alpha=0.3)
        whole: dict[str, Any] = {"clip_on": False, "linestyle": ""}  # marks on the edge are not cut
        mark: dict[str, Any] = {"marker": look.marker, "markersize": 6}
        axes.plot(main.value, place, color=colour, **mark, **whole)
        if second:
            axes.plot(second.value, place, color=colour, **SECOND, **whole)
        if declared:
            axes.plot(declared.value, place, color=INK, **DECLARED, **whole)
    if not figure.x.log:
        axes.set_xlim(left=0)
    _references(figure, axes)
    _legend(figure, axes)
    return canvas


def _row_name(name: str, emphasis: str) -> str:
    return f"{name} (baseline)" if emphasis == "baseline" else name


def _references(figure: DotFigure, axes: Axes) -> None:
    most = axes.get_xlim()[1]
    for index, reference in enumerate(figure.references):
        axes.axvline(reference.value, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        crowded = reference.value > most / 2
        axes.annotate(
            reference.label,
            (reference.value, 0),
            xycoords=axes.get_xaxis_transform(),
            xytext=(-3 if crowded else 3, -34 - 13 * index),
            textcoords="offset points",
            ha="right" if crowded else "left",
            size=8.5,
            color=MUTED,
        )


def _legend(figure: DotFigure, axes: Axes) -> None:
    if len(figure.roles) < 2:
        return
    looks = {"main": {"marker": "o", "markersize": 6}, "second": SECOND, "declared": DECLARED}
    handles = [
        Line2D([], [], color=INK, linestyle="", label=name, **looks[role])
        for role, name in figure.roles
    ]
    axes.legend(
        handles=handles,
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=len(handles),
        frameon=False,
        fontsize=9,
        labelcolor=MUTED,
        handletextpad=0.3,
    )
