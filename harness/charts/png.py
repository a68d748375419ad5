"""Figures as PNG files, drawn by matplotlib on white."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from harness.charts import png_bars, png_dots, png_lines
from harness.charts.chart import BarFigure, Figure, LineFigure
from harness.charts.palette import Style
from harness.host.environment import usable_processors

DOTS_PER_IN = 150
Drawing = tuple[Figure, Mapping[str, Style], Path]
"""A figure, its styles, and the file it is drawn into."""


def write_png(figure: Figure, styles: Mapping[str, Style], path: Path) -> None:
    """Draw a figure into a file."""
    if isinstance(figure, LineFigure):
        canvas = png_lines.canvas(figure, styles)
    elif isinstance(figure, BarFigure):
        canvas = png_bars.canvas(figure)
    else:
        canvas = png_dots.canvas(figure, styles)
    canvas.savefig(path, dpi=DOTS_PER_IN)


@contextmanager
def drawing(drawings: Sequence[Drawing]) -> Iterator[None]:
    """Draw figures in processes of their own, one for each processor, while something else is done.

    Raises:
        OSError: a file cannot be written.
    """
    if not drawings:
        yield
        return
    # Forked processes have matplotlib already; macOS's libraries do not survive a fork.
    method = "fork" if sys.platform.startswith("linux") else "spawn"
    with ProcessPoolExecutor(
        min(len(drawings), usable_processors()),
        mp_context=multiprocessing.get_context(method),
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
    ) as pool:
        try:
            running = [pool.submit(write_png, *one) for one in drawings]
            yield
            for one in running:
                one.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
