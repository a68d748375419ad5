"""Figures as PNG files, drawn by matplotlib on white."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.charts import png_bars, png_dots, png_lines
from harness.charts.chart import BarFigure, Figure, LineFigure
from harness.charts.palette import Style

DOTS_PER_IN = 150


def write_png(figure: Figure, styles: Mapping[str, Style], path: Path) -> None:
    """Draw a figure into a file."""
    if isinstance(figure, LineFigure):
        canvas = png_lines.canvas(figure, styles)
    elif isinstance(figure, BarFigure):
        canvas = png_bars.canvas(figure)
    else:
        canvas = png_dots.canvas(figure, styles)
    canvas.savefig(path, dpi=DOTS_PER_IN)
