"""Rows of stacked bars, one row per strategy, as Vega-Lite."""

from __future__ import annotations

from harness.charts.chart import Bar, BarFigure
from harness.charts.palette import part_styles
from harness.charts.vega_marks import (
    INK,
    Spec,
    hover,
    opacity,
    scale_and_axis,
    tip_fields,
    tooltip,
)

ROW_HEIGHT = 26
AXIS_ROOM = 46
"""What the axis above the rows and its title take, in pixels."""


def height(figure: BarFigure) -> int:
    """Pixels from the top of the drawing to its bottom."""
    return len(figure.bars) * ROW_HEIGHT + AXIS_ROOM


def drawing(figure: BarFigure) -> Spec:
    """Data and one layer of bars, each part of which begins where the one before it ends."""
    x = scale_and_axis(figure.x)
    x["axis"]["orient"] = "top"
    told = tooltip(figure.bars[0].tip, (("name", "strategy"), ("group", "group")))
    colours = [f"var({look.variable})" for look in part_styles(figure.parts).values()]
    return {
        "height": len(figure.bars) * ROW_HEIGHT,
        "padding": {"left": 4, "top": 4, "right": 14, "bottom": 6},
        "data": {"values": [datum for bar in figure.bars for datum in _data(figure, bar)]},
        "params": [{"name": "group", "value": ""}],
        "layer": [
            {
                "params": [hover()],
                "mark": {"type": "bar", "stroke": "var(--paper)", "strokeWidth": 1},
                "encoding": {
                    "y": _names(figure),
                    "x": {"field": "from", **x},
                    "x2": {"field": "to"},
                    "color": {
                        "field": "part",
                        "type": "nominal",
                        "scale": {"domain": list(figure.parts), "range": colours},
                        "legend": None,
                    },
                    "opacity": opacity(),
                    "tooltip": told,
                },
            }
        ],
    }


def _names(figure: BarFigure) -> Spec:
    baseline = next((bar.name for bar in figure.bars if bar.emphasis == "baseline"), "")
    return {
        "field": "name",
        "type": "nominal",
        "scale": {"domain": [bar.name for bar in figure.bars], "padding": 0.22},
        "axis": {
            "title": None,
            "labelExpr": f"datum.value == {baseline!r} ? datum.value + ' (baseline)' : datum.value",
            "labelColor": INK,
            "labelLimit": 210,
            "grid": False,
        },
    }


def _data(figure: BarFigure, bar: Bar) -> list[Spec]:
    data, start = [], 0.0
    for part, value in zip(figure.parts, bar.values, strict=True):
        own = {"name": bar.name, "group": bar.group, "emphasis": bar.emphasis, "part": part}
        data.append(own | {"from": start, "to": start + value} | tip_fields(bar.tip))
        start += value
    return data
