"""Rows of stacked bars, one row per strategy, by matplotlib."""

from __future__ import annotations

from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Patch

from harness.charts.chart import BarFigure
from harness.charts.palette import INK, MUTED, part_styles
from harness.charts.png_canvas import FOOT_IN, HEAD_IN, new_canvas, set_scale, write_head

ROW_IN = 0.3
LEFT_IN, RIGHT_IN = 2.3, 0.4


def canvas(figure: BarFigure) -> Canvas:
    """The whole picture."""
    height_in = HEAD_IN + ROW_IN * len(figure.bars) + FOOT_IN
    styles = list(part_styles(figure.parts).values())
    picture, axes = new_canvas(height_in, LEFT_IN, RIGHT_IN, FOOT_IN)
    write_head(picture, figure, figure.title)
    set_scale(figure.x, axes, "x")
    axes.set_ylim(len(figure.bars) - 0.5, -0.5)
    names = [
        f"{bar.name} (baseline)" if bar.emphasis == "baseline" else bar.name for bar in figure.bars
    ]
    axes.set_yticks(range(len(figure.bars)), names)
    for label in axes.get_yticklabels():
        label.set_color(INK)
    for place, bar in enumerate(figure.bars):
        start = 0.0
        for value, look in zip(bar.values, styles, strict=True):
            axes.barh(place, value, 0.64, start, color=look.light, edgecolor="white", linewidth=0.8)
            start += value
    axes.legend(
        handles=[
            Patch(color=look.light, label=part)
            for part, look in zip(figure.parts, styles, strict=True)
        ],
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=len(figure.parts),
        frameon=False,
        fontsize=9,
        labelcolor=MUTED,
        handlelength=1.0,
    )
    return picture
