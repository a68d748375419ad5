"""Figures of strategies with worker processes: where time goes, and what the whole tree costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from harness.analysis.sweep import Sweep
from harness.analysis.verdict_memory import circumstances, workers_text
from harness.cases.summary import CaseSummary
from harness.charts.axes import linear_axis
from harness.charts.chart import Axis, Role, Tip
from harness.report.figures.spec import BarSpec, DotSpec, FigureSpec, Values, exactly, of
from harness.report.words.kinds import Kind
from harness.report.words.settings import with_workers
from harness.report.words.text import capital, tree_text
from harness.units import MISSING, format_multiple, format_seconds, format_size

PARTS = ("build", "iter()", "first batch", "other batches", "teardown", "computing")


def _phases_subtitle(sweep: Sweep, rows: Sequence[CaseSummary]) -> str:
    size = rows[0].size_bytes
    at = f", at {format_size(size)}" if size is not None else ""
    steps = " All training steps are shown last, although they come between batches."
    return (
        f"{capital(workers_text(rows[0]))}{at}, in a fresh process; shorter is better. iter() "
        "starts the workers, the first batch waits for them, the end joins them."
        f"{steps if sweep.info.trains else ''}"
    )


def _phase_figure(when: Callable[[Sweep], bool], parts: Sequence[str]) -> BarSpec:
    def seconds(row: CaseSummary) -> tuple[float, ...]:
        phases = row.loading.phases if row.loading else ()
        return tuple(first for _, first, _ in phases[: len(parts)])

    def tip(row: CaseSummary) -> Tip:
        phases = row.loading.phases if row.loading else ()
        return tuple(
            (part, format_seconds(first) + _later(steady))
            for part, (_, first, steady) in zip(parts, phases, strict=False)
        )

    return BarSpec(
        when,
        "phases",
        "Where the first epoch's time goes",
        _phases_subtitle,
        ("time", "seconds"),
        tuple(parts),
        seconds,
        tip,
        among=lambda sweep: with_workers(sweep, lambda row: row.timed and row.loading is not None),
        wide=False,
    )


def _later(steady_s: float) -> str:
    return "" if math.isnan(steady_s) else f", later {format_seconds(steady_s)}"


def _phase_figures(*kinds: Kind) -> tuple[BarSpec, ...]:
    """With the steps of training, where there are any."""
    return (
        _phase_figure(lambda sweep: of(*kinds)(sweep) and not sweep.info.trains, PARTS[:-1]),
        _phase_figure(lambda sweep: of(*kinds)(sweep) and sweep.info.trains, PARTS),
    )


def _grown(row: CaseSummary, by: float) -> Mapping[Role, Values]:
    """What a tree grew by, and what adding up RSS would have said."""
    if row.tree is None or not row.ok or math.isnan(row.tree_bytes / by):
        return {}
    found: dict[Role, Values] = {"main": exactly(row.tree_bytes / by)}
    if not math.isnan(row.tree_rss_bytes):
        found["second"] = exactly(row.tree_rss_bytes / by)
    return found


def _tree_tip(row: CaseSummary) -> Tip:
    assert row.tree is not None
    started = row.tree.started_bytes
    return (
        ("grown", f"{format_multiple(row.tree_multiple)} the data"),
        ("in bytes", tree_text(row)),
        ("RSS added up", format_size(row.tree_rss_bytes)),
        ("after the last pass", format_size(row.tree.idle.own_bytes)),
        ("pickled to start", MISSING if started is None else format_size(started)),
    )


def _tree_subtitle(sweep: Sweep, rows: Sequence[CaseSummary]) -> str:
    first = next(row for row in rows if row.tree)
    where, size = circumstances(first), first.size_bytes
    over = f", over {format_size(size)}" if not sweep.by_memory and size is not None else ""
    return (
        f"{capital(where)}{over}: growth at the peak; further left is better. PSS, here without "
        "file pages, counts a shared page once; adding up RSS counts it once per process."
    )


TREE = DotSpec(
    of("memory"),
    "tree",
    "What the whole process tree costs",
    _tree_subtitle,
    Axis("growth ÷ data", "multiple", False),
    {"main": "summed PSS", "second": "RSS added up"},
    lambda row: _grown(row, row.payload_bytes or math.nan),
    _tree_tip,
    joined=True,
)
OF_TREES: tuple[FigureSpec, ...] = (TREE, *_phase_figures("memory"))
"""Where memory is what decides."""
FIGURES: tuple[FigureSpec, ...] = (
    *_phase_figures("time", "training"),
    # In bytes, since what workers need of their own does not depend on the data.
    replace(
        TREE,
        when=of("time", "training"),
        axis=lambda values: linear_axis("growth", "bytes", max(values) * 1.05),
        values=lambda row: _grown(row, 1),
        among=lambda sweep: with_workers(sweep, lambda row: row.tree is not None),
        sized=False,
    ),
)
