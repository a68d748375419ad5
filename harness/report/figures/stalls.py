"""How an epoch is spent: the training step computing, or standing still for want of data."""

from __future__ import annotations

from harness.analysis.stalls import stall_text
from harness.analysis.sweep import Sweep
from harness.analysis.verdict import Verdict
from harness.analysis.verdict_memory import workers_text
from harness.cases.summary import CaseSummary
from harness.charts.chart import Axis, Bar, BarFigure, Tip
from harness.charts.ticks import second_ticks
from harness.report.words.order import by_group, emphasis
from harness.report.words.text import beside, epoch_text, loss_text, samples_per_s_text
from harness.units import format_seconds, format_size

PARTS = ("computing", "waiting")


def stall_figure(sweep: Sweep, verdict: Verdict) -> BarFigure | None:
    """Computing and waiting in a steady epoch, of every strategy at the reference size."""
    size = sweep.reference
    by_name = {row.strategy: row for row in sweep.at(size) if row.timed and row.training}
    bars = []
    for group, names in by_group(sweep):
        for name in names:
            row = by_name.get(name)
            if row is not None and row.loading is not None:
                step_s = row.loading.steady.step_s
                values = (step_s, max(0.0, row.steady.median - step_s))
                bars.append(Bar(name, group, emphasis(sweep, verdict, name), values, _tip(row)))
    if len(bars) < 2:
        return None
    most = max(sum(bar.values) for bar in bars) * 1.02
    at = f" At {format_size(size)}." if size is not None else ""
    return BarFigure(
        sweep.info.name,
        "stalls",
        "How long the training step stands still",
        "A steady epoch: the time in which the step computed, and that in which it waited for "
        f"data; shorter is better.{at}{beside(sweep)}",
        Axis("time", "seconds", False, 0.0, most, second_ticks(most)),
        PARTS,
        tuple(bars),
        wide=True,
    )


def _tip(row: CaseSummary) -> Tip:
    assert row.training is not None
    assert row.loading is not None
    return (
        ("stands still", stall_text(row.training.stall)),
        ("computing", format_seconds(row.loading.steady.step_s)),
        ("samples a second", samples_per_s_text(row)),
        ("loss", loss_text(row)),
        ("steady state", epoch_text(row)),
        ("workers", workers_text(row) or "none"),
    )
