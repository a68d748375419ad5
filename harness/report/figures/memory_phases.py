"""Where the time of an epoch with workers goes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.analysis.sweep import Sweep
from harness.analysis.verdict import Verdict
from harness.analysis.verdict_memory import workers_text
from harness.cases.summary import CaseSummary
from harness.charts.chart import Axis, Bar, BarFigure, Tip
from harness.charts.ticks import second_ticks
from harness.report.words.order import by_group, emphasis
from harness.report.words.settings import with_workers
from harness.report.words.text import capital
from harness.units import format_seconds, format_size

PARTS = ("build", "iter()", "first batch", "other batches", "teardown", "computing")
STEPS = " All training steps are put last, though they come between batches."


def phase_figure(sweep: Sweep, verdict: Verdict) -> BarFigure | None:
    """The phases of the first epoch of a fresh process, where workers make them differ."""
    rows = with_workers(sweep, lambda row: row.timed and row.loading is not None)
    if not rows:
        return None
    by_name = {row.strategy: row for row in rows}
    parts = PARTS if sweep.info.trains else PARTS[:-1]
    bars = []
    for group, names in by_group(sweep):
        for name in names:
            row = by_name.get(name)
            if row is not None and row.loading is not None:
                values = tuple(first for _, first, _ in row.loading.phases)[: len(parts)]
                bars.append(
                    Bar(name, group, emphasis(sweep, verdict, name), values, _tip(row, parts))
                )
    most = max(sum(bar.values) for bar in bars) * 1.02
    size = rows[0].size_bytes
    where = capital(workers_text(rows[0])) + (
        f", at {format_size(size)}" if size is not None else ""
    )
    return BarFigure(
        sweep.info.name,
        "phases",
        "Where the first epoch's time goes",
        f"{where}, in a fresh process; shorter is better. iter() starts the workers, the first "
        f"batch waits for them, the end joins them.{STEPS if sweep.info.trains else ''}",
        Axis("time", "seconds", False, 0.0, most, second_ticks(most)),
        parts,
        tuple(bars),
    )


def _tip(row: CaseSummary, parts: Sequence[str]) -> Tip:
    assert row.loading is not None
    told = []
    for part, (_, first, steady) in zip(parts, row.loading.phases, strict=False):
        later = f", later {format_seconds(steady)}" if not math.isnan(steady) else ""
        told.append((part, f"{format_seconds(first)}{later}"))
    return tuple(told)
