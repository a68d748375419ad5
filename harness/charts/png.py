"""Figures as PNG and SVG files, drawn by matplotlib on white."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from typing import Any, Literal

from matplotlib import rc_context

from harness.charts import png_bars, png_dots, png_lines
from harness.charts.chart import BarFigure, Figure, LineFigure
from harness.charts.palette import Style
from harness.host.environment import usable_processors

DOTS_PER_IN = 150
Form = Literal["png", "svg"]
_SETTINGS: dict[Any, Any] = {
    "text.parse_math": False,  # a name with two dollars is no formula
    "svg.fonttype": "none",  # words stay words, which can be searched and read aloud
    "svg.hashsalt": "ferrybench",
}
Drawing = tuple[Figure, Mapping[str, Style]]
"""A figure and its styles."""


def png_bytes(figure: Figure, styles: Mapping[str, Style]) -> bytes:
    """A figure as it is to stand in a file."""
    return picture(figure, styles, "png")


def picture(figure: Figure, styles: Mapping[str, Style], form: Form) -> bytes:
    """The same in one of the forms; of a figure and a form, always the same bytes."""
    stream = BytesIO()
    with rc_context(_SETTINGS):
        if isinstance(figure, LineFigure):
            canvas = png_lines.canvas(figure, styles)
        elif isinstance(figure, BarFigure):
            canvas = png_bars.canvas(figure)
        else:
            canvas = png_dots.canvas(figure, styles)
        dated = {"Date": None} if form == "svg" else None
        canvas.savefig(stream, format=form, dpi=DOTS_PER_IN, metadata=dated)
    return stream.getvalue()


@contextmanager
def drawing(drawings: Sequence[Drawing], forms: Sequence[Form] = ("png",)) -> Iterator[list[bytes]]:
    """Draw figures in processes of their own, one for each processor, while something else is done.

    Yields:
        A list that holds the files in the same order, once that is done: each figure in all forms.
    """
    drawn: list[bytes] = []
    if not drawings:
        yield drawn
        return
    # Forked processes have matplotlib already; macOS's libraries do not survive a fork.
    method = "fork" if sys.platform.startswith("linux") else "spawn"
    with ProcessPoolExecutor(
        min(len(drawings), usable_processors()),
        mp_context=multiprocessing.get_context(method),
        initializer=_leave_stopping_to_others,
    ) as pool:
        try:
            running = [pool.submit(picture, *one, form) for one in drawings for form in forms]
            yield drawn
            drawn += [one.result() for one in running]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _leave_stopping_to_others() -> None:
    """The process that waits for the pictures is told to stop, and ends these."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
