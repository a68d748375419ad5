"""Lines over sizes, as Vega-Lite."""

from __future__ import annotations

from collections.abc import Mapping

from harness.charts.chart import ChartLine, LineFigure
from harness.charts.labels import spread
from harness.charts.palette import Style, line_styles
from harness.charts.vega_marks import (
    IS_BASELINE,
    Spec,
    colour,
    hover,
    opacity,
    scale_and_axis,
    shape,
    tip_fields,
    tooltip,
)

PLOT_HEIGHT, WIDE_HEIGHT = 320, 440
AXIS_ROOM = 45
"""What the horizontal axis and its title take, in pixels."""
LABEL_HEIGHT = 15
LABEL_ROOM = 170
RESTING = 0.4
REACH = 400
"""The area around a point in which it answers to the pointer, in square pixels."""


def height(figure: LineFigure) -> int:
    """Pixels from the top of the drawing to its bottom."""
    return plot_height(figure) + AXIS_ROOM


def plot_height(figure: LineFigure) -> int:
    return WIDE_HEIGHT if figure.wide else PLOT_HEIGHT


def drawing(figure: LineFigure, groups: Mapping[str, Style]) -> Spec:
    """Data and layers: lines, intervals, points that answer to the pointer, and names."""
    y = scale_and_axis(figure.y)
    styles, field = line_styles(figure, groups)
    place = {
        "x": {"field": "x", **scale_and_axis(figure.x)},
        "y": {"field": "y", **y},
        "color": colour(styles, field),
        "opacity": opacity(rest=RESTING),
    }
    measured = [
        {
            "mark": {"type": "rule", "strokeWidth": 1.25},
            "encoding": {**place, "y": {"field": "low", **y}, "y2": {"field": "high"}},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 46},
            "encoding": {**place, "shape": shape(styles, field)},
        },
    ]
    return {
        "height": plot_height(figure),
        "padding": {"left": 4, "top": 8, "bottom": 4, "right": LABEL_ROOM},
        "data": {"values": [datum for line in figure.lines for datum in _data(line)]},
        "params": [{"name": "group", "value": ""}, {"name": "labels", "value": True}],
        "layer": [
            _strokes(place),
            *(measured if figure.dotted else ()),
            _names(figure, place),
            _targets(figure, place),
        ],
    }


def _strokes(place: Spec) -> Spec:
    thin = {"test": "datum.emphasis == 'rest'", "value": 1.25}
    dashed = {"test": IS_BASELINE, "value": [7, 3]}
    return {
        "mark": {"type": "line", "strokeJoin": "round"},
        "encoding": {
            **place,
            "detail": {"field": "name"},
            "strokeWidth": {"condition": thin, "value": 2.25},
            "strokeDash": {"condition": dashed, "value": [1, 0]},
        },
    }


def _targets(figure: LineFigure, place: Spec) -> Spec:
    """What answers to the pointer: unseen, and larger than what is seen."""
    first = (("name", "strategy"), ("group", "group"), ("where", figure.across))
    return {
        "params": [hover()],
        "mark": {"type": "point", "filled": True, "size": REACH},
        "encoding": {
            "x": place["x"],
            "y": place["y"],
            "opacity": {"value": 0},
            "tooltip": tooltip(figure.lines[0].points[0].tip, first),
        },
    }


def _data(line: ChartLine) -> list[Spec]:
    return [
        {
            "name": line.name,
            "group": line.group,
            "emphasis": line.emphasis,
            "x": point.x,
            "y": point.y,
            "low": point.low,
            "high": point.high,
            "where": point.where,
            **tip_fields(point.tip),
        }
        for point in line.points
    ]


def _names(figure: LineFigure, place: Spec) -> Spec:
    """The emphasised lines' names beside their last points, none upon another."""
    named = [line for line in figure.lines if line.emphasis != "rest"]
    height = plot_height(figure)
    heights = [height * (1 - figure.y.share(line.points[-1].y)) for line in named]
    moved = spread(heights, LABEL_HEIGHT, 0, height)
    values = [
        {"name": line.name, "group": line.group, "emphasis": line.emphasis, "pixel": pixel}
        for line, pixel in zip(named, moved, strict=True)
    ]
    return {
        "data": {"values": values},
        "transform": [{"filter": "labels"}],  # even unseen, text would take room from the plot
        "mark": {"type": "text", "align": "left", "fontSize": 12, "dx": 10, "limit": LABEL_ROOM},
        "encoding": {
            "text": {"field": "name"},
            "x": {"value": "width"},
            "y": {"field": "pixel", "type": "quantitative", "scale": None},
            "color": place["color"],
            "opacity": {
                "condition": {"test": "group != '' && datum.group != group", "value": 0.15},
                "value": 1,
            },
        },
    }
