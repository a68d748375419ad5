"""Figures of one dot or two for every strategy, described from its main cases."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from harness.analysis.sweep import Sweep
from harness.analysis.verdict import Verdict
from harness.cases.summary import CaseSummary
from harness.charts.chart import Axis, Dot, DotFigure, DotRow, ReferenceLine, Tip
from harness.charts.ticks import time_ticks, widen
from harness.report.figures.dot_rows import dot, dot_rows, extent, first_size, many, sizes_of
from harness.report.words.text import (
    CEILING_TEXTS,
    beside,
    ceiling_text,
    epoch_text,
    peak_text,
    plural,
    rate_text,
    seconds_text,
    share_text,
)
from harness.stats.intervals import Interval
from harness.units import MISSING, format_multiple, format_rate

PAGES = " Pages of the file, which the system can take back, are left out."


def throughput_figure(
    sweep: Sweep, verdict: Verdict, ceilings: Mapping[tuple[str, int], float]
) -> DotFigure | None:
    """Bytes a second against what memcpy reaches on this machine."""

    def dots(row: CaseSummary) -> list[Dot]:
        if not row.rate_bytes_per_s > 0:
            return []
        moved = row.rate_bytes_per_s * row.steady.median
        slow, fast = (moved / time for time in (row.steady.high, row.steady.low))
        share = f"{share_text(row)} of {ceiling_text(row.ceiling)}" if row.ceiling else ""
        tip = (("throughput", rate_text(row)), ("share of ceiling", share or MISSING))
        return [dot(row, "main", row.rate_bytes_per_s, slow, fast, tip)]

    rows = dot_rows(sweep, verdict, dots)
    if not rows:
        return None
    threads = Counter(row.threads for row in sweep.main if row.rate_bytes_per_s > 0)
    used = threads.most_common(1)[0][0]
    references = tuple(
        ReferenceLine(rate, f"{CEILING_TEXTS[name]}, {format_rate(rate)}")
        for (name, count), rate in sorted(ceilings.items(), key=lambda item: item[1])
        if count == used and name in CEILING_TEXTS
    )
    limits = f"Upright rules: what memcpy reaches in {plural(used, 'thread')}. "
    limits = limits if references else ""
    return DotFigure(
        sweep.info.name,
        "throughput",
        "Throughput against the ceiling",
        f"Data moved a second; further right is better. {limits}Beyond its rule, data comes from "
        "a cache, or is only read. What shares memory moves nothing and is not shown."
        f"{beside(sweep)}",
        Axis("GB/s", "rate", False),
        rows,
        sizes_of(rows),
        first_size(sweep, rows),
        (("main", "steady state"),),
        joined=False,
        references=references,
    )


def memory_figure(sweep: Sweep, verdict: Verdict) -> DotFigure | None:
    """Extra memory at the peak of the first call, as a multiple of the data."""

    def dots(row: CaseSummary) -> list[Dot]:
        peak = row.peak_multiple
        if math.isnan(peak) or not row.ok:
            return []
        declared = row.expected_copies
        tip = (
            ("extra memory at the peak", f"{format_multiple(peak)} the data"),
            ("in bytes", peak_text(row)),
            ("declared copies", format_multiple(declared)),
        )
        found = [dot(row, "main", peak, peak, peak, tip)]
        if not math.isnan(declared):
            found.append(dot(row, "declared", declared, declared, declared, tip))
        return found

    rows = dot_rows(sweep, verdict, dots)
    if not rows:
        return None
    measured = f"measured, first {'epoch' if sweep.info.epochs else 'call'}"
    return DotFigure(
        sweep.info.name,
        "memory",
        "Extra memory at the peak",
        "In multiples of the data; further left is better. Zero is no copy at all. Where a mark "
        "misses its tick by more than half a mebibyte, the declared cost model is wrong."
        f"{PAGES if sweep.info.trains else ''}{beside(sweep)}",
        Axis("extra memory ÷ data", "multiple", False),
        rows,
        sizes_of(rows),
        first_size(sweep, rows),
        (("main", measured), ("declared", "declared copies")),
        joined=False,
    )


def first_call_figure(sweep: Sweep, verdict: Verdict) -> DotFigure | None:
    """The first call in a fresh process beside the steady state."""

    def dots(row: CaseSummary) -> list[Dot]:
        if not (row.timed and row.first.median > 0):
            return []
        more = format_multiple(row.first.median / row.steady.median)
        tip = (
            ("first call", seconds_text(row.first)),
            ("steady state", seconds_text(row.steady)),
            ("first ÷ steady", more),
        )
        return _pair(row, row.steady, row.first, tip)

    rows = dot_rows(sweep, verdict, dots)
    if not rows:
        return None
    return DotFigure(
        sweep.info.name,
        "first-call",
        "First call against steady state",
        "Left is better. A long line is a price paid once per process, such as page faults where "
        f"memory is touched for the first time.{beside(sweep)}",
        _time_axis("time per call", rows),
        rows,
        sizes_of(rows),
        first_size(sweep, rows),
        (("main", "steady state"), ("second", "first call")),
        joined=True,
        wide=True,
    )


def first_batch_figure(sweep: Sweep, verdict: Verdict) -> DotFigure | None:
    """How long a loader lets wait for its first batch, beside what each costs in an epoch."""

    def dots(row: CaseSummary) -> list[Dot]:
        if row.loading is None or not (row.timed and row.first.median > 0):
            return []
        tip = (
            ("first batch", seconds_text(row.first)),
            ("a batch in steady state", seconds_text(row.batch)),
            ("first ÷ steady", format_multiple(row.first.median / row.batch.median)),
            ("steady state", epoch_text(row)),
        )
        return _pair(row, row.batch, row.first, tip)

    rows = dot_rows(sweep, verdict, dots)
    if not many(rows):
        return None
    return DotFigure(
        sweep.info.name,
        "first-batch",
        "First batch against steady state",
        "Left is better. A fresh process builds the loader, starts its workers if it has any, and "
        "waits for a batch; in steady state an epoch's time is divided by its batches."
        f"{beside(sweep)}",
        _time_axis("time per batch", rows),
        rows,
        sizes_of(rows),
        first_size(sweep, rows),
        (("main", "a batch in steady state"), ("second", "the first batch")),
        joined=True,
        wide=True,
    )


def _pair(row: CaseSummary, main: Interval, second: Interval, tip: Tip) -> list[Dot]:
    """Two times of a case with their intervals, to be joined by a line."""
    return [
        dot(row, "main", main.median, main.low, main.high, tip),
        dot(row, "second", second.median, second.low, second.high, tip),
    ]


def _time_axis(title: str, rows: Sequence[DotRow]) -> Axis:
    low, high = widen(extent(rows))
    return Axis(title, "seconds", True, low, high, time_ticks(low, high))
