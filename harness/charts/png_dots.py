"""Rows of dots, one row per strategy, by matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from harness.charts.chart import Dot, DotFigure, DotRow, Role, at_size
from harness.charts.palette import INK, MUTED, Style
from harness.charts.png_canvas import FOOT_IN, HEAD_IN, new_canvas, set_scale, write_head
from harness.units import size_text

ROW_IN = 0.215
REFERENCE_IN = 0.2
LEFT_IN, RIGHT_IN = 2.3, 0.4
MAIN: dict[str, Any] = {"marker": "o", "markersize": 6}
SECOND: dict[str, Any] = {"marker": "o", "markerfacecolor": "white", "markersize": 6}
DECLARED: dict[str, Any] = {"marker": "|", "markersize": 11, "markeredgewidth": 1.4}
WHOLE: dict[str, Any] = {"clip_on": False, "linestyle": ""}
"""Marks on the edge are not cut in half."""

Row = tuple[DotRow, dict[Role, Dot]]


def height_in(rows: int, references: int) -> float:
    """Inches from the top of the picture to its bottom."""
    return HEAD_IN + ROW_IN * rows + FOOT_IN + REFERENCE_IN * references


def canvas(figure: DotFigure, styles: Mapping[str, Style]) -> Canvas:
    """The whole picture, at the size of the data that the figure shows first."""
    rows = _rows(figure)
    foot_in = FOOT_IN + REFERENCE_IN * len(figure.references)
    height = height_in(len(rows), len(figure.references))
    picture, axes = new_canvas(height, LEFT_IN, RIGHT_IN, foot_in)
    where = f" — {size_text(figure.size_bytes)}" if figure.size_bytes else ""
    write_head(picture, figure, figure.title + where)
    set_scale(figure.x, axes, "x")
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), [_name(row) for row, _ in rows])
    for place, ((row, dots), label) in enumerate(zip(rows, axes.get_yticklabels(), strict=True)):
        label.set_color(MUTED if row.heading else INK)
        label.set_fontstyle("italic" if row.heading else "normal")
        if dots:
            _draw(row, dots, styles[row.group], place, axes)
    _draw_lines(rows, styles, axes)
    if not figure.x.log:
        axes.set_xlim(left=0)
    _references(figure, axes)
    _legend(figure, axes)
    return picture


def _rows(figure: DotFigure) -> list[Row]:
    """The rows that have something at this size, with the headings of those."""
    rows = [(row, dots) for row, dots in at_size(figure, figure.size_bytes) if row.heading or dots]
    return [
        (row, dots)
        for index, (row, dots) in enumerate(rows)
        if dots or (index + 1 < len(rows) and rows[index + 1][1])
    ]


def _colour(row: DotRow, styles: Mapping[str, Style]) -> str:
    return INK if row.emphasis == "baseline" else styles[row.group].light


def _draw_lines(rows: Sequence[Row], styles: Mapping[str, Style], axes: Axes) -> None:
    """All of a kind at once, which takes a tenth of the time that each alone would."""
    found = [
        (place, dots["second"].value if "second" in dots else 0.0, dots["main"], row)
        for place, (row, dots) in enumerate(rows)
        if dots
    ]
    if not found:
        return
    places, starts, mains, drawn = zip(*found, strict=True)
    look: dict[str, Any] = {"colors": [_colour(row, styles) for row in drawn]}
    axes.hlines(places, starts, [main.value for main in mains], linewidth=1, alpha=0.6, **look)
    ends = [main.low for main in mains], [main.high for main in mains]
    axes.hlines(places, *ends, linewidth=4, alpha=0.3, **look)


def _draw(row: DotRow, dots: Mapping[Role, Dot], look: Style, place: int, axes: Axes) -> None:
    colour = INK if row.emphasis == "baseline" else look.light
    main, second, declared = dots["main"], dots.get("second"), dots.get("declared")
    axes.plot(main.value, place, color=colour, **MAIN | {"marker": look.marker}, **WHOLE)
    if second:
        axes.plot(second.value, place, color=colour, **SECOND, **WHOLE)
    if declared:
        axes.plot(declared.value, place, color=INK, **DECLARED, **WHOLE)


def _name(row: DotRow) -> str:
    return f"{row.name} (baseline)" if row.emphasis == "baseline" else row.name


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
    styles = {"main": MAIN, "second": SECOND, "declared": DECLARED}
    handles = [
        Line2D([], [], color=INK, linestyle="", label=name, **styles[role])
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
