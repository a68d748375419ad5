"""How an epoch is spent: training computes, or is stalled for want of data."""

from __future__ import annotations

from harness.analysis.stalls import stall_text
from harness.analysis.verdict_memory import workers_text
from harness.cases.summary import CaseSummary
from harness.charts.chart import Tip
from harness.report.figures.spec import BarSpec, FigureSpec, of
from harness.report.words.text import epoch_text, loss_text, samples_per_s_text
from harness.units import format_seconds


def _spent(row: CaseSummary) -> tuple[float, ...]:
    if not (row.timed and row.training and row.loading):
        return ()
    step_s = row.loading.steady.step_s
    return step_s, max(0.0, row.steady.median - step_s)


def _tip(row: CaseSummary) -> Tip:
    assert row.training is not None
    assert row.loading is not None
    return (
        ("stalled", stall_text(row.training.stall)),
        ("computing", format_seconds(row.loading.steady.step_s)),
        ("samples a second", samples_per_s_text(row)),
        ("loss", loss_text(row)),
        ("steady state", epoch_text(row)),
        ("workers", workers_text(row) or "none"),
    )


FIGURES: tuple[FigureSpec, ...] = (
    BarSpec(
        of("training"),
        "stalls",
        "How long training is stalled",
        "A steady epoch: the time in which the step computed, and that in which it waited for "
        "data; shorter is better.{at}{beside}",
        ("time", "seconds"),
        ("computing", "waiting"),
        _spent,
        _tip,
    ),
)
