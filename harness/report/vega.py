"""Figures as Vega-Lite specifications, for the page.

Colours are the page's CSS variables, so that one drawing serves light and dark. Parameters that
the page sets: ``group``, the one to bring out; ``size``, the one to show; ``labels``, whether
there is room beside the plot.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.report.chart import Axis, DotFigure, Figure, LineFigure, Reference
from harness.report.labels import spread
from harness.report.palette import Look
from harness.report.ticks import Tick
from harness.units import format_size

Spec = dict[str, Any]
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
LINES_HEIGHT = 440
ROW_HEIGHT = 19
LABEL_HEIGHT = 15
LABEL_ROOM = 170
AXIS_ROOM = 64
"""What a horizontal axis with its title adds to a plot's height, in pixels."""
HEADING = "\u2063"
"""Marks a row that is a heading: invisible, and in no strategy's name."""

INK, MUTED = "var(--ink)", "var(--muted)"
FADED, RESTING = 0.07, 0.38
CONFIG: Spec = {
    "background": None,
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "labelColor": MUTED,
        "titleColor": MUTED,
        "gridColor": "var(--rule)",
        "domain": False,
        "ticks": False,
        "labelPadding": 6,
    },
}


def height(figure: Figure) -> int:
    """Pixels the drawing will take, so that the page can keep the place free."""
    if isinstance(figure, LineFigure):
        return LINES_HEIGHT + AXIS_ROOM
    return len(figure.rows) * ROW_HEIGHT + AXIS_ROOM


def specification(figure: Figure, looks: Mapping[str, Look]) -> Spec:
    """A figure as Vega-Lite, as wide as its container."""
    drawn = _lines(figure) if isinstance(figure, LineFigure) else _dots(figure)
    return {
        "$schema": SCHEMA,
        "description": f"{figure.title}. {figure.subtitle}",
        "width": "container",
        "autosize": {"type": "fit-x", "contains": "padding"},
        "config": CONFIG,
        **drawn,
        "encoding": {**drawn.get("encoding", {}), "color": _colour(looks)},
    }


def _colour(looks: Mapping[str, Look]) -> Spec:
    return {
        "field": "group",
        "type": "nominal",
        "scale": _group_scale(looks, [f"var({look.variable})" for look in looks.values()]),
        "legend": None,
    }


def _group_scale(looks: Mapping[str, Look], values: Sequence[str]) -> Spec:
    return {"domain": list(looks), "range": list(values)}
