"""The figures of a scenario, described from its cases."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from harness.analysis.rows import CaseRow
from harness.analysis.sweep import Sweep
from harness.analysis.verdict import Verdict
from harness.report.chart import (
    Axis,
    Dot,
    DotFigure,
    DotRow,
    Figure,
    Line,
    LineFigure,
    Point,
    Reference,
    Role,
    Tip,
)
from harness.report.order import by_group, emphasis
from harness.report.text import (
    ceiling_text,
    plural,
    rate_text,
    ratio_text,
    seconds_text,
    share_text,
)
from harness.report.ticks import size_ticks, time_ticks, widen
from harness.units import format_multiple, format_rate, format_size

Dots = Callable[[CaseRow], list[Dot]]


def figures(
    sweep: Sweep, verdict: Verdict, ceilings: Mapping[tuple[str, int], float]
) -> tuple[Figure, ...]:
    """Every figure that a scenario's cases have something to show in."""
    made = (
        time_figure(sweep, verdict),
        throughput_figure(sweep, verdict, ceilings),
        memory_figure(sweep, verdict),
        first_call_figure(sweep, verdict),
    )
    return tuple(figure for figure in made if figure is not None)


def time_figure(sweep: Sweep, verdict: Verdict) -> LineFigure | None:
    """Steady-state time against size; None unless two sizes were timed."""
    lines = []
    for strategy in sweep.info.strategies:
        rows = [row for row in sweep.of(strategy.name) if row.timed and row.size_bytes]
        if rows:
            points = tuple(
                Point(
                    row.size_bytes or 0,
                    row.steady.median,
                    row.steady.low,
                    row.steady.high,
                    (
                        ("steady state", seconds_text(row.steady)),
                        ("against the baseline", ratio_text(row.ratio)),
                    ),
                )
                for row in rows
            )
            weight = emphasis(sweep, verdict, strategy.name)
            lines.append(Line(strategy.name, strategy.group, weight, points))
    sizes = sorted({point.x for line in lines for point in line.points})
    if len(sizes) < 2:
        return None
    low, high = widen([point.y for line in lines for point in line.points], by=1.5)
    many = len({line.group for line in lines}) > 1
    return LineFigure(
        sweep.info.name,
        "time",
        "Time against size",
        "Steady state; lower is better. A level line costs the same whatever the size. Named: the "
        f"baseline and the fastest{' of each group' if many else ''}.",
        Axis("size of the data", "bytes", True, *widen(sizes), size_ticks(sizes)),
        Axis("time per call", "seconds", True, low, high, time_ticks(low, high)),
        tuple(lines),
    )


def throughput_figure(
    sweep: Sweep, verdict: Verdict, ceilings: Mapping[tuple[str, int], float]
) -> DotFigure | None:
    """Bytes a second against what memcpy reaches on this machine."""

    def dots(row: CaseRow) -> list[Dot]:
        if not row.rate_bytes_per_s > 0:
            return []
        slow, fast = (row.payload_bytes / time for time in (row.steady.high, row.steady.low))
        share = f"{share_text(row)} of memcpy {ceiling_text(row.ceiling)}" if row.ceiling else ""
        tip = (("throughput", rate_text(row)), ("share of ceiling", share or "–"))
        return [_dot(row, "main", row.rate_bytes_per_s, slow, fast, tip)]

    rows = _rows(sweep, verdict, dots)
    if not rows:
        return None
    threads = Counter(row.threads for row in sweep.main if row.rate_bytes_per_s > 0)
    used = threads.most_common(1)[0][0]
    references = tuple(
        Reference(rate, f"{ceiling_text(name)}, {format_rate(rate)}")
        for (name, count), rate in sorted(ceilings.items(), key=lambda item: item[1])
        if count == used
    )
    limits = f"Upright rules: what memcpy reaches in {plural(used, 'thread')}. "
    limits = limits if references else ""
    return DotFigure(
        sweep.info.name,
        "throughput",
        "Throughput against the ceiling",
        f"Data moved a second; further right is better. {limits}Beyond its rule, data comes from "
        "a cache, or is only read. What shares memory moves nothing and is not shown.",
        Axis("GB/s", "rate", False),
        rows,
        _sizes(rows),
        _first_size(sweep, rows),
        (("main", "steady state"),),
        joined=False,
        references=references,
    )


def memory_figure(sweep: Sweep, verdict: Verdict) -> DotFigure | None:
    """Extra memory at the peak of the first call, as a multiple of the data."""

    def dots(row: CaseRow) -> list[Dot]:
        peak = row.peak_multiple
        if math.isnan(peak) or not row.ok:
            return []
        declared = row.expected_copies
        tip = (
            ("extra memory at the peak", f"{format_multiple(peak)} the data"),
            ("in bytes", format_size(row.peak_extra_bytes)),
            ("declared copies", format_multiple(declared)),
        )
        found = [_dot(row, "main", peak, peak, peak, tip)]
        if not math.isnan(declared):
            found.append(_dot(row, "declared", declared, declared, declared, tip))
        return found

    rows = _rows(sweep, verdict, dots)
    if not rows:
        return None
    return DotFigure(
        sweep.info.name,
        "memory",
        "Extra memory at the peak",
        "In multiples of the data; further left is better. Zero is no copy at all. Where a mark "
        "misses its tick by more than half a mebibyte, the declared cost model is wrong.",
        Axis("extra memory ÷ data", "multiple", False),
        rows,
        _sizes(rows),
        _first_size(sweep, rows),
        (("main", "measured, first call"), ("declared", "declared copies")),
        joined=False,
    )


def first_call_figure(sweep: Sweep, verdict: Verdict) -> DotFigure | None:
    """The first call in a fresh process beside the steady state."""

    def dots(row: CaseRow) -> list[Dot]:
        if not (row.timed and row.first.median > 0):
            return []
        more = format_multiple(row.first.median / row.steady.median)
        tip = (
            ("first call", seconds_text(row.first)),
            ("steady state", seconds_text(row.steady)),
            ("first ÷ steady", more),
        )
        steady, first = row.steady, row.first
        return [
            _dot(row, "main", steady.median, steady.low, steady.high, tip),
            _dot(row, "second", first.median, first.low, first.high, tip),
        ]

    rows = _rows(sweep, verdict, dots)
    if not rows:
        return None
    low, high = widen([dot.value for row in rows for dot in row.dots])
    return DotFigure(
        sweep.info.name,
        "first-call",
        "First call against steady state",
        "Left is better. A long line is a price paid once per process, such as page faults where "
        "memory is touched for the first time.",
        Axis("time per call", "seconds", True, low, high, time_ticks(low, high)),
        rows,
        _sizes(rows),
        _first_size(sweep, rows),
        (("main", "steady state"), ("second", "first call")),
        joined=True,
    )


def _rows(sweep: Sweep, verdict: Verdict, dots: Dots) -> tuple[DotRow, ...]:
    """A heading for every group that has something to show, then its strategies."""
    rows = []
    groups = by_group(sweep)
    for group, names in groups:
        found = []
        for name in names:
            own = tuple(dot for row in sweep.of(name) for dot in dots(row))
            if own:
                found.append(DotRow(name, group, emphasis(sweep, verdict, name), own))
        if found and len(groups) > 1:
            rows.append(DotRow(group or "no group", group, "rest", ()))
        rows += found
    return tuple(rows)


def _dot(row: CaseRow, role: Role, value: float, low: float, high: float, tip: Tip) -> Dot:
    return Dot(row.size_bytes or 0, role, value, low, high, tip)


def _sizes(rows: Sequence[DotRow]) -> tuple[int, ...]:
    return tuple(sorted({dot.size_bytes for row in rows for dot in row.dots}))


def _first_size(sweep: Sweep, rows: Sequence[DotRow]) -> int:
    """The reference size, or the largest there is something to show of."""
    sizes = _sizes(rows)
    return sweep.reference if sweep.reference in sizes else sizes[-1]
