"""The one drawing of the history page, as Vega-Lite: the page's script fills in a series.

Colours are the page's CSS variables, as in every other figure. The axis begins at zero.
"""

from __future__ import annotations

from harness.charts.palette import STYLES
from harness.charts.vega import CONFIG, VEGA_LITE_SCHEMA
from harness.charts.vega_marks import Spec

HEIGHT = 150
LINE = f"var({STYLES[0].variable})"
BAD, GOOD = "var(--bad)", "var(--good)"


def specification() -> Spec:
    """Layers without data; the script sets ``data.values``, the domains and the ticks.

    A datum's ``kind`` is point, level, change or failure, its ``run`` counts from 0.
    """
    return {
        "$schema": VEGA_LITE_SCHEMA,
        "width": "container",
        "height": HEIGHT,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "config": CONFIG,
        "layer": [_changes(), _levels(), _line(), _points(), _failures()],
    }


def _x(**more: object) -> Spec:
    return {"field": "run", "type": "quantitative", "title": None, **more}


def _y(field: str = "value") -> Spec:
    return {"field": field, "type": "quantitative", "title": None}


def _only(kind: str) -> list[Spec]:
    return [{"filter": f"datum.kind === '{kind}'"}]


def _tip(*fields: tuple[str, str]) -> list[Spec]:
    named = (("when", "measured"), ("name", "run"), *fields)
    return [{"field": field, "type": "nominal", "title": title} for field, title in named]


def _changes() -> Spec:
    """A line across the plot where another level begins, half a run before its first."""
    return {
        "transform": [*_only("change"), {"calculate": "datum.run - 0.5", "as": "edge"}],
        "mark": {"type": "rule", "strokeWidth": 2, "strokeDash": [4, 3]},
        "encoding": {
            "x": {"field": "edge", "type": "quantitative", "title": None},
            "color": {"condition": {"test": "datum.worse", "value": BAD}, "value": GOOD},
            "tooltip": _tip(("text", "change")),
        },
    }


def _levels() -> Spec:
    return {
        "transform": _only("level"),
        "mark": {"type": "rule", "strokeWidth": 6, "opacity": 0.25, "strokeCap": "round"},
        "encoding": {
            "x": _x(),
            "x2": {"field": "end"},
            "y": _y(),
            "color": {"value": LINE},
        },
    }


def _line() -> Spec:
    return {
        "transform": _only("point"),
        "mark": {"type": "line", "strokeWidth": 1.5, "strokeJoin": "round"},
        "encoding": {"x": _x(), "y": _y(), "color": {"value": LINE}},
    }


def _points() -> Spec:
    return {
        "transform": _only("point"),
        "mark": {"type": "point", "filled": True, "size": 42, "opacity": 1},
        "encoding": {
            "x": _x(),
            "y": _y(),
            "color": {"value": LINE},
            "tooltip": _tip(("text", "value")),
        },
    }


def _failures() -> Spec:
    """A cross at the bottom for a run in which the case failed: it has no value."""
    return {
        "transform": _only("failure"),
        "mark": {"type": "text", "text": "×", "fontSize": 20, "fontWeight": "bold", "dy": -8},
        "encoding": {
            "x": _x(),
            "y": {"datum": 0, "type": "quantitative"},
            "color": {"value": BAD},
            "tooltip": _tip(("text", "outcome")),
        },
    }
