"""Figures of calls on an accelerator: how long the host waits, what hides behind a kernel."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from harness.analysis.wording import percent
from harness.cases.summary import CaseSummary
from harness.charts.axes import linear_axis
from harness.charts.chart import Role, Tip
from harness.report.figures.dots import THROUGHPUT
from harness.report.figures.spec import (
    BarSpec,
    DotSpec,
    FigureSpec,
    Values,
    exactly,
    of,
)
from harness.report.words.text import seconds_text
from harness.units import MISSING, format_seconds


def _known(seconds: float) -> str:
    return MISSING if math.isnan(seconds) else format_seconds(seconds)


def _blocked(row: CaseSummary) -> tuple[float, ...]:
    if not (row.timed and row.device):
        return ()
    blocked_s = min(row.device.blocked_s, row.steady.median)
    return blocked_s, row.steady.median - blocked_s


def _blocked_tip(row: CaseSummary) -> Tip:
    assert row.device is not None
    return (
        ("host blocked", _known(row.device.blocked_s)),
        ("data there", seconds_text(row.steady)),
        ("by events", _known(row.device.event_s)),
        ("of a call that does nothing", _known(row.device.empty_s)),
    )


def _overlap(row: CaseSummary) -> Mapping[Role, Values]:
    known = row.ok and row.device is not None and not math.isnan(row.device.overlap)
    return {"main": exactly(row.device.overlap)} if row.device and known else {}


def _overlap_tip(row: CaseSummary) -> Tip:
    assert row.device is not None
    return (
        ("hidden", percent(row.device.overlap)),
        ("kernel alone", _known(row.device.kernel_s)),
        ("both", _known(row.device.both_s)),
    )


FIGURES: tuple[FigureSpec, ...] = (
    BarSpec(
        of("transfers"),
        "blocked",
        "How long the host is blocked, and how long until the data is there",
        "Steady state; a whole bar is the time until the device has nothing left to do. The host "
        "can use the part in which it is not blocked.{at}{beside}",
        ("time", "seconds"),
        ("host blocked", "then on its way"),
        _blocked,
        _blocked_tip,
    ),
    replace(
        THROUGHPUT,
        when=of("transfers"),
        subtitle="Bytes between host and device per second; further right is better. The tick "
        "marks the best rate for one pinned block of the same size. Strategies whose data stays on "
        "one side are not shown.{beside}",
        least=2,
    ),
    DotSpec(
        of("transfers"),
        "overlap",
        "What hides behind a kernel",
        "A kernel of about the same length is queued first, on the current stream; then the call "
        "is made. 0%: they run one after the other. 100%: the shorter one costs nothing.",
        linear_axis("share of the shorter one that is hidden", "share", 1.0),
        {"main": "hidden"},
        _overlap,
        _overlap_tip,
    ),
)
