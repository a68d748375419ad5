"""From runs to their history: every case's series on each machine, and where those changed."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import replace

from harness.comparison.amounts import widest
from harness.comparison.tolerance import Tolerance
from harness.history.changes import cuts_of, runs_needed
from harness.history.machines import Machine, changed_between
from harness.history.metrics import METRIC_NAMES, METRICS, OUTCOME, Metric, MetricName
from harness.history.outcomes import outcomes_of
from harness.history.readings import PastRun
from harness.history.series import CaseHistory, ChangePoint, History, Series
from harness.history.significance import HISTORY_TOLERANCE
from harness.stats.change_points import around
from harness.units import format_seconds


def history(
    machines: Sequence[Machine],
    *,
    metrics: Sequence[MetricName] = METRIC_NAMES,
    tolerance: Tolerance = HISTORY_TOLERANCE,
    remarks: Sequence[str] = (),
) -> History:
    """Follow every case over the runs of each machine.

    Args:
        machines: with their runs, the earliest first.
        metrics: what to follow.
        tolerance: what is no difference.
        remarks: what a reader should know, of gathering the runs.
    """
    wanted = [metric for metric in METRICS if metric.name in metrics]
    keys = [
        (machine, key)
        for machine in machines
        for key in dict.fromkeys(key for run in machine.runs for key in run.cases)
    ]
    cases = tuple(
        CaseHistory(
            key,
            machine,
            tuple(one for metric in wanted for one in _series(machine, key, metric, tolerance)),
            outcomes_of(machine, key) if OUTCOME in metrics else None,
        )
        for machine, key in keys
    )
    return History(tuple(machines), cases, tolerance, tuple(metrics), tuple(remarks))


MOSTLY = 0.35
"""The share of a change that is left when its baseline's is taken off, if that explains it."""


def _series(machine: Machine, key: str, metric: Metric, tolerance: Tolerance) -> Iterator[Series]:
    """The series of a metric with its changes; nothing where no run has a value."""
    found = [
        (index, run.cases[key].values[metric.name])
        for index, run in enumerate(machine.runs)
        if key in run.cases and metric.name in run.cases[key].values
    ]
    if not found:
        return
    indices, readings = zip(*found, strict=True)
    scale = widest(machine.runs[index].cases[key].scale for index in indices)
    series = Series(metric, indices, readings, scale)
    needed = runs_needed(series)
    if metric.informs:
        yield series
    elif len(indices) < needed:
        yield replace(series, too_few=needed)
    else:
        changes = _change_points(machine, key, series, cuts_of(series, tolerance))
        yield replace(series, changes=tuple(changes))


def _change_points(
    machine: Machine, key: str, series: Series, cuts: Sequence[int]
) -> Iterator[ChangePoint]:
    values = series.values
    for place, at in enumerate(cuts):
        before, after = around(cuts, len(values), place)
        last, first = (machine.runs[series.runs[index]] for index in (at - 1, at))
        levels = [statistics.median(values[index] for index in part) for part in (before, after)]
        causes = changed_between(last, first, key)
        if series.metric.name == "ratio":
            sides = [[machine.runs[series.runs[i]] for i in part] for part in (before, after)]
            causes = (*_of_baseline(key, sides, levels[1] / levels[0]), *causes)
        yield ChangePoint(at, levels[0], levels[1], causes)


def _of_baseline(key: str, sides: Sequence[Sequence[PastRun]], changed_by: float) -> Iterator[str]:
    """Whether it was the baseline that changed, to which a case's time is compared."""
    times = []
    for runs in sides:
        found = [
            value
            for run in runs
            if run.cases[key].baseline in run.cases
            for value in run.cases[run.cases[key].baseline].values.get("time", ())
        ]
        if not found:
            return
        times.append(statistics.median(found))
    left = math.log(changed_by) + math.log(times[1] / times[0])
    if abs(left) < MOSTLY * abs(math.log(changed_by)):
        was, now = map(format_seconds, times)
        yield f"the baseline's own time: {was} → {now}"
