"""Figures of calls on an accelerator: how long the host waits, what hides behind a kernel."""

from __future__ import annotations

import math
from collections.abc import Mapping

from harness.analysis.wording import percent
from harness.cases.rows import CaseRow
from harness.charts.axes import linear_axis
from harness.charts.chart import Axis, ReferenceLine, Role, Tip
from harness.report.figures.spec import (
    BarSpec,
    DotSpec,
    FigureSpec,
    Subject,
    Values,
    exactly,
    of,
    rate_within,
    rules_of,
)
from harness.report.words.text import DEVICE_TEXTS, seconds_text, throughput_tip
from harness.schema.records import BY_DIRECTION, DEVICE_BOTH
from harness.units import MISSING, format_seconds


def _known(seconds: float) -> str:
    return MISSING if math.isnan(seconds) else format_seconds(seconds)


def _blocked(row: CaseRow) -> tuple[float, ...]:
    if not (row.timed and row.device):
        return ()
    blocked_s = min(row.device.blocked_s, row.steady.median)
    return blocked_s, row.steady.median - blocked_s


def _blocked_tip(row: CaseRow) -> Tip:
    assert row.device is not None
    return (
        ("host blocked", _known(row.device.blocked_s)),
        ("data there", seconds_text(row.steady)),
        ("by events", _known(row.device.event_s)),
        ("of a call that does nothing", _known(row.device.empty_s)),
    )


def _rate(row: CaseRow) -> Mapping[Role, Values]:
    rate = row.rate_bytes_per_s
    return {"main": rate_within(row, rate)} if rate > 0 else {}


def _link(subject: Subject) -> tuple[ReferenceLine, ...]:
    shown = (BY_DIRECTION[subject.sweep.info.transfers], DEVICE_BOTH)
    return rules_of(subject.ceilings, {name: DEVICE_TEXTS[name] for name in shown})


def _overlap(row: CaseRow) -> Mapping[Role, Values]:
    known = row.ok and row.device is not None and not math.isnan(row.device.overlap)
    return {"main": exactly(row.device.overlap)} if row.device and known else {}


def _overlap_tip(row: CaseRow) -> Tip:
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
        "Steady state; a whole bar is the time until the device has nothing left to do. What the "
        "host is not blocked for, it may use.{at}{beside}",
        ("time", "seconds"),
        ("host blocked", "then on its way"),
        _blocked,
        _blocked_tip,
    ),
    DotSpec(
        of("transfers"),
        "throughput",
        "Throughput against the ceiling",
        "Bytes between host and device a second; further right is better. {rules}What stays on one "
        "side is not shown.{beside}",
        Axis("GB/s", "rate", False),
        {"main": "steady state"},
        _rate,
        throughput_tip,
        references=_link,
        rules="Upright rules: the best of whole blocks of pinned memory, in the same run. ",
    ),
    DotSpec(
        of("transfers"),
        "overlap",
        "What hides behind a kernel",
        "A kernel of about the same length is queued first, on the current stream; then the call "
        "is made. 0%: one after the other. 100%: the shorter one costs nothing.",
        linear_axis("share of the shorter one that is hidden", "share", 1.0),
        {"main": "hidden"},
        _overlap,
        _overlap_tip,
    ),
)
