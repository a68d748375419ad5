"""Figures of process trees: how their memory grew over time, and what they cost at the peak."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from harness.analysis.parameter_values import is_number, number_of
from harness.analysis.sweep import Sweep
from harness.analysis.verdict import Verdict
from harness.analysis.verdict_memory import PASSES, circumstances
from harness.analysis.workers import START_METHOD, WORKERS
from harness.cases.summary import CaseSummary
from harness.charts.chart import (
    Axis,
    ChartLine,
    ChartPoint,
    Dot,
    DotFigure,
    DotRow,
    LineFigure,
    Tip,
)
from harness.charts.ticks import byte_ticks, linear_label, linear_ticks, second_ticks
from harness.report.figures.dot_rows import CasesOf, dot, dot_rows, first_size, many, sizes_of
from harness.report.words.order import own_styles
from harness.report.words.settings import with_workers
from harness.report.words.text import capital, tree_text
from harness.schema.records import DEFAULT_HOST, Tree, TreeSample
from harness.units import MISSING, format_multiple, format_seconds, format_size

MOST_POINTS = 120
"""A course with more samples is thinned out: what cannot be told apart only makes the page big."""


def course_figures(sweep: Sweep) -> Iterator[LineFigure | None]:
    """Summed PSS over time, one figure for every way of starting workers."""
    rows = [
        row
        for row in (*sweep.main, *sweep.others)
        if row.host == DEFAULT_HOST
        and row.size_bytes == sweep.reference
        and row.ok
        and row.tree is not None
        and row.payload_bytes > 0
    ]
    by_method: dict[object, list[CaseSummary]] = {}
    for row in rows:
        by_method.setdefault(row.parameters.get(START_METHOD), []).append(row)
    for method, own in by_method.items():
        yield _course_figure(sweep, "" if method is None else str(method), _hardest(own))


def _hardest(rows: Sequence[CaseSummary]) -> list[CaseSummary]:
    """The cases of most workers and passes that at least two strategies went through."""
    points: dict[tuple[float, ...], list[CaseSummary]] = {}
    for row in rows:
        known = [row.parameters.get(name, 0) for name in (WORKERS, PASSES)]
        key = tuple(number_of(value) if is_number(value) else 0.0 for value in known)
        own = points.setdefault(key, [])
        if row.strategy not in {one.strategy for one in own}:
            own.append(row)
    shared = [key for key, own in points.items() if len(own) > 1]
    return points[max(shared)] if shared else []


def _course_figure(sweep: Sweep, method: str, rows: Sequence[CaseSummary]) -> LineFigure | None:
    if len(rows) < 2:
        return None
    order = [one.name for one in sweep.info.strategies]
    ordered = sorted(rows, key=lambda row: order.index(row.strategy))
    lines = tuple(
        ChartLine(
            row.strategy,
            row.group,
            "baseline" if row.strategy == sweep.info.baseline else "named",
            _course(row.tree, row.payload_bytes),
        )
        for row in ordered
        if row.tree is not None
    )
    points = [point for line in lines for point in line.points]
    last, most = max(point.x for point in points), max(point.y for point in points)
    high, low = most * 1.06 or 1.0, min(0.0, *(point.y for point in points))
    size = sweep.reference
    where = capital(circumstances(rows[0]))
    over = f" over {format_size(size)}" if size is not None else ""
    return LineFigure(
        sweep.info.name,
        f"course-{method}" if method else "course",
        f"Memory of the process tree over time{f', {method}' if method else ''}",
        f"{where}{over}, from before the strategy is called to the end of the last pass: growth of "
        "summed PSS, which counts every shared page once, without file pages. Lower is better.",
        Axis("time", "seconds", False, 0.0, last or 1.0, second_ticks(last or 1.0)),
        Axis(
            "growth ÷ data",
            "multiple",
            False,
            low,
            high,
            linear_ticks(low, high, lambda value: linear_label("multiple", value)),
        ),
        lines,
        across="after",
        names=own_styles(sweep, [line.name for line in lines]),
        dotted=False,
        wide=True,
    )


def _course(tree: Tree, payload_bytes: float) -> tuple[ChartPoint, ...]:
    """The samples up to the end of the last pass, thinned out, but with the peak."""
    samples = [sample for sample in tree.course if sample.at_s <= tree.idle.at_s]
    step = math.ceil(len(samples) / MOST_POINTS) or 1
    kept = {sample.at_s: sample for sample in samples[::step]}
    kept |= {sample.at_s: sample for sample in (tree.peak, tree.idle)}
    return tuple(
        ChartPoint(
            at_s,
            format_seconds(at_s),
            sample.own_bytes / payload_bytes,
            sample.own_bytes / payload_bytes,
            sample.own_bytes / payload_bytes,
            _course_tip(tree, sample),
        )
        for at_s, sample in sorted(kept.items())
        if at_s <= tree.idle.at_s
    )


def _course_tip(tree: Tree, sample: TreeSample) -> Tip:
    begun = [name for name, at_s in tree.marks if at_s <= sample.at_s]
    return (
        ("during", begun[-1] if begun else MISSING),
        ("grown by", format_size(sample.own_bytes)),
        ("of it shared memory", format_size(sample.pss.shmem_bytes)),
        ("beside it file pages", format_size(sample.pss.file_bytes)),
        ("processes", str(sample.processes)),
        ("RSS added up", format_size(sample.rss_bytes)),
    )


def tree_figure(sweep: Sweep, verdict: Verdict) -> DotFigure | None:
    """What strategies cost their process tree, and what adding up RSS would have said.

    In multiples of the data where that is the question; else in bytes, for what workers need of
    their own does not depend on the data.
    """
    if sweep.by_memory:
        return _tree_figure(sweep, verdict, sweep.of, [row for row in sweep.main if row.tree])
    chosen = with_workers(sweep, lambda row: row.tree is not None)

    def cases_of(strategy: str) -> list[CaseSummary]:
        return [replace(row, size_bytes=None) for row in chosen if row.strategy == strategy]

    return _tree_figure(sweep, verdict, cases_of, chosen)


def _tree_figure(
    sweep: Sweep, verdict: Verdict, cases_of: CasesOf, shown: Sequence[CaseSummary]
) -> DotFigure | None:
    multiples = sweep.by_memory

    def dots(row: CaseSummary) -> list[Dot]:
        if row.tree is None or not row.ok or (multiples and math.isnan(row.tree_multiple)):
            return []
        grown, added = row.tree_bytes, row.tree_rss_bytes
        by = row.payload_bytes if multiples else 1
        tip = (
            ("grown", f"{format_multiple(row.tree_multiple)} the data"),
            ("in bytes", tree_text(row)),
            ("RSS added up", format_size(added)),
            ("after the last pass", format_size(row.tree.idle.own_bytes)),
            ("pickled to start", _bytes(row.tree.started_bytes)),
        )
        found = [dot(row, "main", grown / by, grown / by, grown / by, tip)]
        if not math.isnan(added):
            found.append(dot(row, "second", added / by, added / by, added / by, tip))
        return found

    rows = dot_rows(sweep, verdict, dots, cases_of)
    if not many(rows):
        return None
    where = circumstances(shown[0])
    if not multiples and shown[0].size_bytes is not None:
        where = f"{where}, over {format_size(shown[0].size_bytes)}"
    return DotFigure(
        sweep.info.name,
        "tree",
        "What the whole process tree costs",
        f"{capital(where)}: growth at the peak; further left is better. PSS, here without file "
        "pages, counts a page that processes share once; adding up RSS counts it for each.",
        Axis("growth ÷ data", "multiple", False) if multiples else _size_axis(rows),
        rows,
        sizes_of(rows),
        first_size(sweep, rows),
        (("main", "summed PSS"), ("second", "RSS added up")),
        joined=True,
    )


def _size_axis(rows: Sequence[DotRow]) -> Axis:
    most = max(one.value for row in rows for one in row.dots) * 1.05 or 1.0
    return Axis("growth", "bytes", False, 0.0, most, byte_ticks(most))


def _bytes(size: int | None) -> str:
    return MISSING if size is None else format_size(size)
