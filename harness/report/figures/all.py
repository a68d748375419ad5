"""The figures of a scenario, in the order in which a page shows them."""

from __future__ import annotations

from harness.analysis.sweep import Sweep
from harness.analysis.verdict import Verdict
from harness.charts.chart import Figure
from harness.report.figures import (
    cache,
    courses,
    device,
    dots,
    file_pages,
    limits,
    lines,
    stalls,
    workers,
)
from harness.report.figures.spec import FigureSpec, Subject

FIGURES: tuple[FigureSpec, ...] = (
    *limits.FIGURES,
    *courses.FIGURES,
    *workers.OF_TREES,
    *lines.OVER_SIZE,
    *stalls.FIGURES,
    *device.FIGURES,
    *lines.FIGURES,
    *cache.FIGURES,
    *file_pages.FIGURES,
    *dots.FIGURES,
    *workers.FIGURES,
)


def figures(sweep: Sweep, verdict: Verdict) -> tuple[Figure, ...]:
    """Every figure that a scenario's cases have something to show in; none of what stands alone."""
    if not sweep.info.baseline:
        return ()
    subject = Subject(sweep, verdict)
    return tuple(figure for spec in FIGURES if spec.when(sweep) for figure in spec.figures(subject))
