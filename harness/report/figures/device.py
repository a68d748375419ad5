"""Figures of calls on an accelerator: how long the host waits, what hides behind a kernel."""

from __future__ import annotations

import math
from collections.abc import Mapping

from harness.analysis.sweep import Sweep
from harness.analysis.verdict import Verdict
from harness.analysis.wording import percent
from harness.cases.parts.device import DeviceSummary
from harness.cases.summary import CaseSummary
from harness.charts.chart import Axis, Bar, BarFigure, Dot, DotFigure, ReferenceLine, Tip
from harness.charts.ticks import linear_label, linear_ticks, second_ticks
from harness.report.figures.dot_rows import dot, dot_rows, first_size, many, sizes_of
from harness.report.words.order import by_group, emphasis
from harness.report.words.text import (
    DEVICE_TEXTS,
    beside,
    ceiling_text,
    rate_text,
    seconds_text,
    share_text,
)
from harness.schema.records import BY_DIRECTION, DEVICE_BOTH
from harness.units import MISSING, format_rate, format_seconds, format_size

PARTS = ("host blocked", "then on its way")


def known_seconds(seconds: float) -> str:
    """A time as text, where there is one."""
    return MISSING if math.isnan(seconds) else format_seconds(seconds)


def blocked_figure(sweep: Sweep, verdict: Verdict) -> BarFigure | None:
    """How long a call blocks the host, and how much longer until its data is there."""
    size = sweep.reference
    by_name = {row.strategy: row for row in sweep.at(size) if row.timed and row.device}
    bars = []
    for group, names in by_group(sweep):
        for name in names:
            row = by_name.get(name)
            if row is not None and row.device is not None:
                blocked_s = min(row.device.blocked_s, row.steady.median)
                values = (blocked_s, row.steady.median - blocked_s)
                tip = _tip(row, row.device)
                bars.append(Bar(name, group, emphasis(sweep, verdict, name), values, tip))
    if len(bars) < 2:
        return None
    most = max(sum(bar.values) for bar in bars) * 1.02
    at = f" At {format_size(size)}." if size is not None else ""
    return BarFigure(
        sweep.info.name,
        "blocked",
        "How long the host is blocked, and how long until the data is there",
        "Steady state; a whole bar is the time until the device has nothing left to do. What the "
        f"host is not blocked for, it may use.{at}{beside(sweep)}",
        Axis("time", "seconds", False, 0.0, most, second_ticks(most)),
        PARTS,
        tuple(bars),
        wide=True,
    )


def _tip(row: CaseSummary, device: DeviceSummary) -> Tip:
    return (
        ("host blocked", known_seconds(device.blocked_s)),
        ("data there", seconds_text(row.steady)),
        ("by events", known_seconds(device.event_s)),
        ("of a call that does nothing", known_seconds(device.empty_s)),
    )


def overlap_figure(sweep: Sweep, verdict: Verdict) -> DotFigure | None:
    """How much of a transfer hides behind a kernel that the device computes meanwhile."""

    def dots(row: CaseSummary) -> list[Dot]:
        device = row.device
        if device is None or math.isnan(device.overlap) or not row.ok:
            return []
        tip = (
            ("hidden", percent(device.overlap)),
            ("kernel alone", known_seconds(device.kernel_s)),
            ("both", known_seconds(device.both_s)),
        )
        return [dot(row, "main", device.overlap, device.overlap, device.overlap, tip)]

    rows = dot_rows(sweep, verdict, dots)
    if not many(rows):
        return None
    ticks = linear_ticks(0, 1.0, lambda value: linear_label("share", value))
    return DotFigure(
        sweep.info.name,
        "overlap",
        "What hides behind a kernel",
        "A kernel of about the same length is queued first, on the current stream; then the call "
        "is made. 0%: one after the other. 100%: the shorter one costs nothing.",
        Axis("share of the shorter one that is hidden", "share", False, 0.0, 1.0, ticks),
        rows,
        sizes_of(rows),
        first_size(sweep, rows),
        (("main", "hidden"),),
        joined=False,
    )


def transfer_figure(
    sweep: Sweep, verdict: Verdict, ceilings: Mapping[tuple[str, int], float]
) -> DotFigure | None:
    """Bytes a second over the link, against what it gives at best."""

    def dots(row: CaseSummary) -> list[Dot]:
        if not row.rate_bytes_per_s > 0:
            return []
        moved = row.rate_bytes_per_s * row.steady.median
        slow, fast = (moved / time for time in (row.steady.high, row.steady.low))
        share = f"{share_text(row)} of {ceiling_text(row.ceiling)}" if row.ceiling else MISSING
        tip = (("throughput", rate_text(row)), ("share of ceiling", share))
        return [dot(row, "main", row.rate_bytes_per_s, slow, fast, tip)]

    rows = dot_rows(sweep, verdict, dots)
    if not many(rows):
        return None
    shown = (BY_DIRECTION[sweep.info.transfers], DEVICE_BOTH)
    references = tuple(
        ReferenceLine(rate, f"{DEVICE_TEXTS[name]}, {format_rate(rate)}")
        for (name, _), rate in sorted(ceilings.items(), key=lambda item: item[1])
        if name in shown
    )
    rules = "Upright rules: the best of whole blocks of pinned memory, in the same run. "
    return DotFigure(
        sweep.info.name,
        "throughput",
        "Throughput against the ceiling",
        f"Bytes between host and device a second; further right is better. "
        f"{rules if references else ''}What stays on one side is not shown.{beside(sweep)}",
        Axis("GB/s", "rate", False),
        rows,
        sizes_of(rows),
        first_size(sweep, rows),
        (("main", "steady state"),),
        joined=False,
        references=references,
    )
