"""Figures as Vega-Lite specifications, for the page.

Colours are the page's CSS variables, so that one drawing serves light and dark. Parameters that
the page sets: ``group``, the one to bring out; ``size``, the one to show; ``labels``, whether
there is room beside the plot.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.charts import vega_bars, vega_dots, vega_lines
from harness.charts.chart import BarFigure, Figure, LineFigure
from harness.charts.palette import Style
from harness.charts.vega_marks import MUTED, RULE, Spec

VEGA_LITE_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
CONFIG: Spec = {
    "background": None,
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelColor": MUTED,
        "titleColor": MUTED,
        "gridColor": RULE,
        "domain": False,
        "ticks": False,
        "labelPadding": 6,
    },
}


def height(figure: Figure) -> int:
    """Pixels the drawing will take, so that the page can keep the place free."""
    if isinstance(figure, LineFigure):
        return vega_lines.height(figure)
    if isinstance(figure, BarFigure):
        return vega_bars.height(figure)
    return vega_dots.height(figure)


def specification(figure: Figure, styles: Mapping[str, Style]) -> Spec:
    """A figure as Vega-Lite, as wide as its container."""
    if isinstance(figure, LineFigure):
        drawn = vega_lines.drawing(figure, styles)
    elif isinstance(figure, BarFigure):
        drawn = vega_bars.drawing(figure)
    else:
        drawn = vega_dots.drawing(figure, styles)
    return {
        "$schema": VEGA_LITE_SCHEMA,
        "description": f"{figure.title}. {figure.subtitle}",
        "width": "container",
        "autosize": {"type": "fit-x", "contains": "padding"},
        "config": CONFIG,
        **drawn,
    }
