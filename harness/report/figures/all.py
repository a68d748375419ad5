"""The figures of a scenario, in the order in which a page shows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.analysis.sweep import Sweep
from harness.analysis.verdict import Verdict
from harness.charts.chart import Figure
from harness.report.figures.cache import cache_figure
from harness.report.figures.device import blocked_figure, overlap_figure, transfer_figure
from harness.report.figures.dots import (
    first_batch_figure,
    first_call_figure,
    memory_figure,
    throughput_figure,
)
from harness.report.figures.file_pages import mapped_figure, pages_figure
from harness.report.figures.limits import largest_figure, needs_figure
from harness.report.figures.lines import parameter_figures, time_figure
from harness.report.figures.memory_phases import phase_figure
from harness.report.figures.process_tree import course_figures, tree_figure
from harness.report.figures.stalls import stall_figure


def figures(
    sweep: Sweep, verdict: Verdict, ceilings: Mapping[tuple[str, int], float]
) -> tuple[Figure, ...]:
    """Every figure that a scenario's cases have something to show in."""
    return tuple(figure for figure in _made(sweep, verdict, ceilings) if figure is not None)


def _made(
    sweep: Sweep, verdict: Verdict, ceilings: Mapping[tuple[str, int], float]
) -> Iterator[Figure | None]:
    """By what decides between strategies, and by what a case is."""
    if sweep.by_memory:
        return _by_memory(sweep, verdict)
    if sweep.by_size:
        return _by_size(sweep, verdict)
    if sweep.info.transfers:
        return _of_transfers(sweep, verdict, ceilings)
    if sweep.info.trains:
        return _of_training(sweep, verdict, ceilings)
    return _by_time(sweep, verdict, ceilings)


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


def _of_training(
    sweep: Sweep, verdict: Verdict, ceilings: Mapping[tuple[str, int], float]
) -> Iterator[Figure | None]:
    yield time_figure(sweep, verdict)
    yield stall_figure(sweep, verdict)
    yield from parameter_figures(sweep, verdict)
    yield cache_figure(sweep, verdict, ceilings)
    yield mapped_figure(sweep)
    yield pages_figure(sweep, verdict)
    yield memory_figure(sweep, verdict)
    yield first_batch_figure(sweep, verdict)
    yield phase_figure(sweep, verdict)
    yield tree_figure(sweep, verdict)


def _of_transfers(
    sweep: Sweep, verdict: Verdict, ceilings: Mapping[tuple[str, int], float]
) -> Iterator[Figure | None]:
    yield time_figure(sweep, verdict)
    yield blocked_figure(sweep, verdict)
    yield transfer_figure(sweep, verdict, ceilings)
    yield overlap_figure(sweep, verdict)
    yield from parameter_figures(sweep, verdict)
    yield memory_figure(sweep, verdict)
    yield first_call_figure(sweep, verdict)


def _by_size(sweep: Sweep, verdict: Verdict) -> Iterator[Figure | None]:
    yield largest_figure(sweep, verdict)
    yield needs_figure(sweep, verdict)
    yield from parameter_figures(sweep, verdict)


def _by_memory(sweep: Sweep, verdict: Verdict) -> Iterator[Figure | None]:
    yield from course_figures(sweep)
    yield tree_figure(sweep, verdict)
    yield phase_figure(sweep, verdict)
    yield from parameter_figures(sweep, verdict)
    if sweep.info.epochs:
        yield first_batch_figure(sweep, verdict)
