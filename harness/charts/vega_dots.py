"""Rows of dots, one row per strategy, as Vega-Lite."""

from __future__ import annotations

from collections.abc import Mapping

from harness.charts.chart import Dot, DotFigure, DotRow, Role
from harness.charts.palette import Style
from harness.charts.vega_marks import (
    INK,
    MUTED,
    Spec,
    colour,
    hover,
    opacity,
    scale_and_axis,
    shape,
    tip_fields,
    tooltip,
)
from harness.units import MISSING, format_size

ROW_HEIGHT = 19
AXIS_ROOM = 40
"""What the axis above the rows and its title take, in pixels."""
REFERENCE_ROOM = 15
"""What naming one reference below the rows takes."""
LABEL_ROOM = 190
"""A reference with less than this to its right is named to its left."""
HEADING = "\u2063"
"""Begins the key of a row that is a heading: invisible, and in no strategy's name."""


def height(figure: DotFigure) -> int:
    """Pixels from the top of the drawing to its bottom."""
    return len(figure.rows) * ROW_HEIGHT + AXIS_ROOM + _below(figure)


def _below(figure: DotFigure) -> int:
    return len(figure.references) * REFERENCE_ROOM + 6


def drawing(figure: DotFigure, styles: Mapping[str, Style]) -> Spec:
    """Data and layers: a stem or a link, the interval, each role's mark, and references."""
    x = scale_and_axis(figure.x)
    x["axis"]["orient"] = "top"
    base: Spec = {"y": _names(figure), "color": colour(styles), "opacity": opacity()}
    tip = next(dot.tip for row in figure.rows for dot in row.dots)
    told = tooltip(tip, (("name", "strategy"), ("group", "group"), ("size_text", "size")))
    present = {role for role, _ in figure.roles}
    # A figure of one setting says so itself, and stays whatever size the page shows.
    choice = figure.size_bytes > 0
    size = [{"name": "size", "value": figure.size_bytes}] if choice else []
    others: tuple[Role, ...] = ("second", "declared")
    return {
        "height": len(figure.rows) * ROW_HEIGHT,
        "padding": {"left": 4, "top": 4, "right": 14, "bottom": 6},
        "data": {"values": [datum for row in figure.rows for datum in _data(row)]},
        "params": [{"name": "group", "value": ""}, *size],
        "transform": [{"filter": "datum.size == size"}] if choice else [],
        "layer": [
            *_rules(figure, base, x),
            _main_mark(base, x, shape(styles), told),
            *(_other_mark(role, base, x, told) for role in others if role in present),
            *_references(figure, x),
        ],
    }


def _rules(figure: DotFigure, base: Spec, x: Spec) -> list[Spec]:
    """A thin line to the mark from the other one or from zero, and a broad one for its interval."""
    thin = {
        "x": {"field": "main", **x},
        "x2": {"field": "second"} if figure.joined else {"datum": 0},
        "opacity": opacity(0.6),
    }
    broad = {"x": {"field": "low", **x}, "x2": {"field": "high"}, "opacity": opacity(0.3)}
    return [
        {"mark": {"type": "rule", "strokeWidth": 1.25}, "encoding": base | thin},
        {
            "mark": {"type": "rule", "strokeWidth": 5, "strokeCap": "round"},
            "encoding": base | broad,
        },
    ]


def _main_mark(base: Spec, x: Spec, shapes: Spec, told: list[Spec]) -> Spec:
    own = {"x": {"field": "main", **x}, "shape": shapes, "tooltip": told}
    return {
        "params": [hover()],
        "mark": {"type": "point", "filled": True, "size": 58},
        "encoding": base | own,
    }


def _other_mark(role: Role, base: Spec, x: Spec, told: list[Spec]) -> Spec:
    hollow = {"type": "point", "filled": False, "size": 44, "shape": "circle", "strokeWidth": 1.5}
    tick = {"type": "tick", "thickness": 2, "height": 13}
    encoding = {**base, "x": {"field": role, **x}, "tooltip": told}
    if role == "declared":
        encoding["color"] = {"value": INK}
    return {
        "transform": [{"filter": f"isValid(datum.{role})"}],
        "mark": hollow if role == "second" else tick,
        "encoding": encoding,
    }


def _names(figure: DotFigure) -> Spec:
    """The vertical axis: names, headings set apart, the baseline marked."""
    keys = [f"{HEADING}{row.name}" if row.heading else row.name for row in figure.rows]
    baseline = next((row.name for row in figure.rows if row.emphasis == "baseline"), "")
    is_heading = f"datum.value[0] == '{HEADING}'"
    marked = f"datum.value == {baseline!r} ? datum.value + ' (baseline)' : datum.value"
    return {
        "field": "name",
        "type": "nominal",
        "scale": {"domain": keys, "paddingInner": 0.1, "paddingOuter": 0},
        "axis": {
            "title": None,
            "labelExpr": f"{is_heading} ? slice(datum.value, 1) : {marked}",
            "labelColor": {"condition": {"test": is_heading, "value": MUTED}, "value": INK},
            "labelFontStyle": {"condition": {"test": is_heading, "value": "italic"}, "value": ""},
            "labelLimit": 210,
            "grid": False,
        },
    }


def _data(row: DotRow) -> list[Spec]:
    by_size: dict[int, dict[Role, Dot]] = {}
    for dot in row.dots:
        by_size.setdefault(dot.size_bytes, {})[dot.role] = dot
    return [
        {
            "name": row.name,
            "group": row.group,
            "emphasis": row.emphasis,
            "size": size,
            "size_text": format_size(size) if size else MISSING,
            **{str(role): dot.value for role, dot in dots.items()},
            "low": dots["main"].low,
            "high": dots["main"].high,
            **tip_fields(dots["main"].tip),
        }
        for size, dots in by_size.items()
    ]


def _references(figure: DotFigure, x: Spec) -> list[Spec]:
    """A rule across the rows for each limit, named below them, one line each."""
    layers = []
    for index, reference in enumerate(figure.references):
        # Only the drawing knows where its scale, which follows the size shown, puts the rule.
        beyond = f"scale('x', {reference.value!r}) > width - {LABEL_ROOM}"
        data = {"values": [{"value": reference.value, "label": reference.label}]}
        place = {"x": {"field": "value", **x}, "color": {"value": MUTED}}
        layers += [
            {
                "data": data,
                "mark": {"type": "rule", "strokeDash": [4, 3]},
                "encoding": place,
            },
            {
                "data": data,
                "mark": {
                    "type": "text",
                    "align": {"expr": f"{beyond} ? 'right' : 'left'"},
                    "baseline": "top",
                    "dy": 4 + index * REFERENCE_ROOM,
                    "fontSize": 11,
                },
                "encoding": {**place, "y": {"value": "height"}, "text": {"field": "label"}},
            },
        ]
    return layers
