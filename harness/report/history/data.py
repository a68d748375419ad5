"""What the history's charts are drawn of: plain data, small, as thousands may be in one page."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from harness.charts.ticks import Tick, byte_ticks, linear_ticks, second_ticks
from harness.history.as_text import change_text
from harness.history.machines import Machine
from harness.history.metrics import Metric
from harness.history.series import CaseHistory, Series

HEADROOM = 1.08
"""How far above the largest value an axis that begins at zero ends."""


def chart_data(case: CaseHistory, series: Series) -> dict[str, Any]:
    """One chart: points, levels between changes, and the runs in which the case failed.

    Returns:
        ``points``: run, value, text; ``levels``: first run, last run, value; ``changes``: run,
        whether worse, text; ``failures``: run, outcome; ``ticks`` and ``top`` of the axis.
    """
    values, metric = series.values, series.metric
    top = max((*values, _least_top(metric))) * HEADROOM
    return {
        "title": metric.label,
        "runs": run_labels(case.machine),
        "points": [
            [run, _short(value), metric.text(value)]
            for run, value in zip(series.runs, values, strict=True)
        ],
        "levels": _levels(series),
        "changes": [
            [series.runs[change.at], change.worse, change_text(series, change)]
            for change in series.changes
        ],
        "failures": failures(case),
        "ticks": _TICKS.get(metric.unit, _count_ticks)(top),
        "top": _short(top),
    }


def run_labels(machine: Machine) -> str:
    """The key under which the page keeps the labels of a machine's runs."""
    return machine.name or "A"


def labels_of(machine: Machine) -> list[list[str]]:
    """Date and name of every run of a machine, in their order."""
    return [[run.date, run.run_id] for run in machine.runs]


def failures(case: CaseHistory) -> list[list[Any]]:
    """The runs in which a case did not end well, and how."""
    if case.outcomes is None:
        return []
    ended = zip(case.outcomes.runs, case.outcomes.outcomes, strict=True)
    return [[run, f"{one.name}: {one.reason}"] for run, one in ended if not one.ok]


def _levels(series: Series) -> list[list[Any]]:
    """Between two changes, the median of the runs there; none where nothing changed."""
    changes = series.changes
    if not changes:
        return []
    edges = [0, *(change.at for change in changes), len(series.runs)]
    heights = [changes[0].before, *(change.after for change in changes)]
    return [
        [series.runs[first], series.runs[end - 1], _short(height)]
        for first, end, height in zip(edges, edges[1:], heights, strict=False)
    ]


def _least_top(metric: Metric) -> float:
    """Of an axis on which everything is zero, or not far from it."""
    if metric.amount:
        return metric.amount.stray
    return 1e-9 if metric.unit == "seconds" else 1.0


def _multiple_ticks(top: float) -> tuple[Tick, ...]:
    return linear_ticks(0.0, top, lambda value: f"{value:g}×")


def _count_ticks(top: float) -> tuple[Tick, ...]:
    return linear_ticks(0.0, top, lambda value: f"{value:,.0f}")


_TICKS: Mapping[str, Callable[[float], tuple[Tick, ...]]] = {
    "seconds": second_ticks,
    "multiple": _multiple_ticks,
    "bytes": byte_ticks,
}


def _short(value: float) -> float:
    """Four significant digits: more cannot be seen, and the page is to stay small."""
    if value == 0 or not math.isfinite(value):
        return 0.0
    return float(f"{value:.4g}")
