"""Figures of memory over time: how process trees grew, and what a growing RSS is made of."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

from harness.analysis.parameter_values import is_number, number_of
from harness.analysis.sweep import Sweep
from harness.analysis.verdict_memory import PASSES, circumstances
from harness.analysis.workers import START_METHOD, WORKERS
from harness.cases.summary import CaseSummary
from harness.charts.axes import linear_axis
from harness.charts.chart import ChartLine, ChartPoint, LineFigure, Tip
from harness.charts.ticks import Unit
from harness.report.figures.spec import FigureSpec, OtherSpec, Subject, of
from harness.report.words.order import own_styles
from harness.report.words.text import capital
from harness.schema.records import DEFAULT_HOST, Tree, TreeSample
from harness.units import MISSING, format_seconds, format_size

MOST_POINTS = 120
"""A course with more samples is thinned out: what cannot be told apart only makes the page big."""
ROOM = 1.06


def thinned(samples: Sequence[TreeSample], notable: Iterable[TreeSample]) -> tuple[TreeSample, ...]:
    """Not many more samples than are worth drawing, but with the notable ones."""
    step = math.ceil(len(samples) / MOST_POINTS) or 1
    kept = {sample.at_s: sample for sample in (*samples[::step], *notable)}
    return tuple(sample for _, sample in sorted(kept.items()))


def course(
    samples: Iterable[TreeSample],
    value: Callable[[TreeSample], float],
    tip: Callable[[TreeSample], Tip],
) -> tuple[ChartPoint, ...]:
    """The points of a line over time."""
    return tuple(
        ChartPoint(
            sample.at_s, format_seconds(sample.at_s), (y := value(sample)), y, y, tip(sample)
        )
        for sample in samples
    )


def during(tree: Tree, sample: TreeSample) -> tuple[str, str]:
    """What a tree was doing, as far as its marks say."""
    begun = [name for name, at_s in tree.marks if at_s <= sample.at_s]
    return "during", begun[-1] if begun else MISSING


def figure_over_time(
    sweep: Sweep,
    key: str,
    title: str,
    subtitle: str,
    y: tuple[str, Unit],
    lines: tuple[ChartLine, ...],
    names: tuple[str, ...],
) -> LineFigure:
    """Lines over time, from nothing to a little above the highest."""
    points = [point for line in lines for point in line.points]
    heights = [point.y for point in points]
    return LineFigure(
        sweep.info.name,
        key,
        title,
        subtitle,
        linear_axis("time", "seconds", max(point.x for point in points)),
        linear_axis(*y, max(heights) * ROOM, min(0.0, *heights)),
        lines,
        across="after",
        names=names,
        dotted=False,
        wide=True,
    )


def _courses(subject: Subject) -> Iterator[LineFigure]:
    """Summed PSS over time, one figure for every way of starting workers."""
    sweep = subject.sweep
    by_method: dict[object, list[CaseSummary]] = {}
    for row in (*sweep.main, *sweep.others):
        here = row.host == DEFAULT_HOST and row.size_bytes == sweep.reference
        if here and row.ok and row.tree is not None and row.payload_bytes > 0:
            by_method.setdefault(row.parameters.get(START_METHOD), []).append(row)
    for method, own in by_method.items():
        rows = _hardest(own)
        if len(rows) > 1:
            yield _course_figure(sweep, "" if method is None else str(method), rows)


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


def _course_figure(sweep: Sweep, method: str, rows: Sequence[CaseSummary]) -> LineFigure:
    order = [one.name for one in sweep.info.strategies]
    lines = tuple(
        ChartLine(
            row.strategy,
            row.group,
            "baseline" if row.strategy == sweep.info.baseline else "named",
            _course(row.tree, row.payload_bytes),
        )
        for row in sorted(rows, key=lambda row: order.index(row.strategy))
        if row.tree is not None
    )
    size = sweep.reference
    over = f" over {format_size(size)}" if size is not None else ""
    return figure_over_time(
        sweep,
        f"course-{method}" if method else "course",
        f"Memory of the process tree over time{f', {method}' if method else ''}",
        f"{capital(circumstances(rows[0]))}{over}, from before the strategy is called to the end "
        "of the last pass: growth of summed PSS, which counts every shared page once, without "
        "file pages. Lower is better.",
        ("growth ÷ data", "multiple"),
        lines,
        own_styles(sweep, [line.name for line in lines]),
    )


def _course(tree: Tree, payload_bytes: float) -> tuple[ChartPoint, ...]:
    """Up to the end of the last pass."""

    def tip(sample: TreeSample) -> Tip:
        return (
            during(tree, sample),
            ("grown by", format_size(sample.own_bytes)),
            ("of it shared memory", format_size(sample.pss.shmem_bytes)),
            ("file pages in addition", format_size(sample.pss.file_bytes)),
            ("processes", str(sample.processes)),
            ("RSS added up", format_size(sample.rss_bytes)),
        )

    samples = [sample for sample in tree.course if sample.at_s <= tree.idle.at_s]
    kept = [one for one in thinned(samples, (tree.peak, tree.idle)) if one.at_s <= tree.idle.at_s]
    return course(kept, lambda sample: sample.own_bytes / payload_bytes, tip)


FIGURES: tuple[FigureSpec, ...] = (OtherSpec(of("memory"), _courses),)
