"""From runs to their history: every case's series on each machine, and where those changed."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import replace

from harness.comparison.amounts import widest
from harness.comparison.tolerance import Tolerance
from harness.history.changes import cuts_of, doubts_of, runs_needed
from harness.history.machines import Machine, changed_between
from harness.history.metrics import METRIC_NAMES, METRICS, OUTCOME, Metric, MetricName
from harness.history.outcomes import outcomes_of
from harness.history.readings import PastRun
from harness.history.series import CaseHistory, ChangePoint, History, Series
from harness.history.significance import FALSE_DISCOVERIES, HISTORY_TOLERANCE
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
    return History(tuple(machines), _assured(cases), tolerance, tuple(metrics), tuple(remarks))


def _assured(cases: tuple[CaseHistory, ...]) -> tuple[CaseHistory, ...]:
    """With the changes marked that do not stand among all series, or all that are advisory."""
    most = {
        advisory: most_doubt(
            [
                min((change.doubt for change in one.changes), default=1.0)
                for case in cases
                for one in case.series
                if one.metric.advisory == advisory and not one.too_few and not one.metric.informs
            ]
        )
        for advisory in (False, True)
    }

    def assured(series: Series) -> Series:
        changes = (
            replace(change, sure=change.doubt <= most[series.metric.advisory])
            for change in series.changes
        )
        return replace(series, changes=tuple(changes))

    return tuple(replace(case, series=tuple(map(assured, case.series))) for case in cases)


def most_doubt(doubts: Sequence[float]) -> float:
    """Up to which doubt a change is sure; one of each series."""
    if min(doubts, default=1.0) > FALSE_DISCOVERIES:
        return -1.0
    from scipy.stats import false_discovery_control

    adjusted = false_discovery_control(doubts, method="by")
    sure = [own for own, all_ in zip(doubts, adjusted, strict=True) if all_ <= FALSE_DISCOVERIES]
    return max(sure, default=-1.0)


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
        cuts = cuts_of(series, tolerance)
        doubts = doubts_of(series, cuts, tolerance)
        changes = _change_points(machine, key, series, cuts, doubts)
        yield replace(series, changes=tuple(changes))


def _change_points(
    machine: Machine,
    key: str,
    series: Series,
    cuts: Sequence[int],
    doubts: Sequence[float],
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
        yield ChangePoint(at, levels[0], levels[1], causes, doubts[place])


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
