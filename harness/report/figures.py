"""The figures of a scenario, in the order in which a page shows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.analysis.sweep import Sweep
from harness.analysis.verdict import Verdict
from harness.report.chart import Figure
from harness.report.dot_figures import (
    first_batch_figure,
    first_call_figure,
    memory_figure,
    throughput_figure,
)
from harness.report.line_figures import parameter_figures, time_figure
from harness.report.phase_figure import phase_figure
from harness.report.tree_figures import course_figures, tree_figure


def figures(
    sweep: Sweep, verdict: Verdict, ceilings: Mapping[tuple[str, int], float]
) -> tuple[Figure, ...]:
    """Every figure that a scenario's cases have something to show in."""
    made = _by_memory(sweep, verdict) if sweep.by_memory else _by_time(sweep, verdict, ceilings)
    return tuple(figure for figure in made if figure is not None)


def _by_time(
    sweep: Sweep, verdict: Verdict, ceilings: Mapping[tuple[str, int], float]
) -> Iterator[Figure | None]:
    yield time_figure(sweep, verdict)
    yield from parameter_figures(sweep, verdict)
    yield throughput_figure(sweep, verdict, ceilings)
    yield memory_figure(sweep, verdict)
    yield (
        first_batch_figure(sweep, verdict)
        if sweep.info.epochs
        else first_call_figure(sweep, verdict)
    )
    yield phase_figure(sweep, verdict)
    yield tree_figure(sweep, verdict)


def _by_memory(sweep: Sweep, verdict: Verdict) -> Iterator[Figure | None]:
    yield from course_figures(sweep)
    yield tree_figure(sweep, verdict)
    yield phase_figure(sweep, verdict)
    yield from parameter_figures(sweep, verdict)
    if sweep.info.epochs:
        yield first_batch_figure(sweep, verdict)
