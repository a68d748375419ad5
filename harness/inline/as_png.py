"""A comparison as a picture: time on the left, memory at the peak on the right."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from harness.charts.palette import INK, MUTED, RULE, STYLES
from harness.charts.ticks import byte_ticks, time_ticks, widen
from harness.inline.costs import UNVERIFIED, Costs
from harness.units import format_size

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH_IN, _HEAD_IN, _ROW_IN = 9.0, 1.1, 0.34


class Picture(Figure):
    """A figure that notebooks show whether or not pyplot has been imported."""

    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        self.savefig(stream, format="png", dpi=110)
        return stream.getvalue()


def draw(measurements: Mapping[str, Costs], baseline: str) -> Picture:
    """Every way that did not fail, in the order it was given."""
    ways = {name: found for name, found in measurements.items() if found.ok}
    height = _HEAD_IN + _ROW_IN * max(1, len(ways))
    picture = Picture(figsize=(_WIDTH_IN, height), facecolor="white", layout="constrained")
    times, memory = picture.subplots(1, 2, sharey=True)
    for axes in (times, memory):
        _plain(axes, len(ways))
    times.set_yticks(
        range(len(ways)), [_label(name, found, baseline) for name, found in ways.items()]
    )
    for label in times.get_yticklabels():
        label.set_color(INK)
    times.set_title("steady state, per call", **_TITLE)
    memory.set_title("memory at the peak", **_TITLE)
    timed = {place: one.steady for place, one in enumerate(ways.values()) if one.samples_s}
    for place, interval in timed.items():
        colour = INK if list(ways)[place] == baseline else STYLES[0].light
        times.hlines(place, interval.low, interval.high, color=colour, linewidth=5, alpha=0.3)
        times.plot(interval.median, place, marker="o", color=colour, clip_on=False)
    if timed:
        low, high = widen([value for one in timed.values() for value in (one.low, one.high)])
        times.set_xscale("log")
        times.set_xlim(low, high)
        _set_ticks(times, time_ticks(low, high))
    peaks = [found.copied_bytes for found in ways.values()]
    known = [0.0 if math.isnan(peak) else peak for peak in peaks]
    memory.barh(range(len(ways)), known, height=0.5, color=STYLES[0].light)
    most = max([*known, 1.0])
    for place, (peak, length) in enumerate(zip(peaks, known, strict=True)):
        text = "not known" if math.isnan(peak) else format_size(peak)
        memory.text(length + most / 80, place, text, va="center", **_SMALL)
    memory.set_xlim(0, most * 1.2)
    _set_ticks(memory, byte_ticks(most))
    return picture


_SMALL: dict[str, Any] = {"size": 9.5, "color": MUTED}
_TITLE: dict[str, Any] = {"loc": "left", "size": 10.5, "color": INK}


def _label(name: str, found: Costs, baseline: str) -> str:
    notes = ["baseline"] if name == baseline else []
    notes += [UNVERIFIED] if found.is_verified is False else []
    return f"{name} ({', '.join(notes)})" if notes else name


def _plain(axes: Axes, rows: int) -> None:
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0, labelsize=9.5, labelcolor=MUTED)
    axes.grid(visible=True, axis="x", color=RULE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.set_ylim(max(1, rows) - 0.5, -0.5)


def _set_ticks(axes: Axes, ticks: tuple[tuple[float, str], ...]) -> None:
    axes.xaxis.set_major_locator(FixedLocator([value for value, _ in ticks]))
    axes.xaxis.set_major_formatter(FixedFormatter([name for _, name in ticks]))
    axes.xaxis.set_minor_locator(NullLocator())
