"""A history as text: cases that changed, in which run, and what else changed there."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from harness.history.machines import (
    Machine,
    changed_between,
    hardware_that_differs,
    partly_unknown,
)
from harness.history.metrics import METRICS, Metric
from harness.history.outcomes import OutcomeChange, Outcomes
from harness.history.readings import PastRun
from harness.history.series import CaseHistory, ChangePoint, History, Series
from harness.history.significance import FALSE_DISCOVERIES, LEAST_COUNTED, LEAST_TIMED
from harness.history.sparkline import sparkline
from harness.units import format_multiple, format_share

SHOWN = 50
"""Cases shown in a terminal, which also says how many more there are."""
TextLine = tuple[str, str]
"""A line and its style."""
ADVISORY = "advisory: the runs were not interleaved"
DOUBTFUL = "may be chance: more runs will show"
INFORMATION = "for information: not judged"


def case_lines(case: CaseHistory, *, everything: bool) -> Iterator[TextLine]:
    """A case: its name, then every series that changed, or every one.

    Args:
        case: on one machine.
        everything: also what did not change.
    """
    where = f"  on {case.machine.name}" if case.machine.name else ""
    yield f"{case.key}{where}", "bold"
    told: set[int] = set()  # runs whose causes stand above
    if case.outcomes and case.outcomes.changed:
        yield from _outcome_lines(case.machine, case.outcomes, told)
    for series in case.series:
        if series.changes or everything:
            yield from _series_lines(case, series, told)


def _series_lines(case: CaseHistory, series: Series, told: set[int]) -> Iterator[TextLine]:
    metric, runs = series.metric, case.machine.runs
    note = (
        f"  ({note_of(metric)})" if metric.informs or (series.changes and metric.advisory) else ""
    )
    few = f"  too few runs ({len(series.runs)}; {series.too_few} needed)" if series.too_few else ""
    yield (
        f"  {metric.label:<{_WIDEST}}  {line_of(case, series)}  {ends_text(series)}{few}{note}",
        "dim" if metric.advisory else "",
    )
    for change in series.changes:
        index = series.runs[change.at]
        style = "dim" if metric.advisory else "red" if change.worse else "green"
        yield f"    {_run_text(runs[index])}: {change_text(series, change)}", style
        yield from _cause_line(change.causes, index, told)


def note_of(metric: Metric) -> str:
    """Why changes of a metric do not count; "" where they do."""
    return INFORMATION if metric.informs else ADVISORY if metric.advisory else ""


_WIDEST = max(len(metric.label) for metric in METRICS)


def line_of(case: CaseHistory, series: Series) -> str:
    """The sparkline of a series, over the runs that planned its case."""
    outcomes = case.outcomes
    ended = zip(outcomes.runs, outcomes.outcomes, strict=True) if outcomes else ()
    failed = frozenset(run for run, outcome in ended if not outcome.ok)
    planned = [index for index, run in enumerate(case.machine.runs) if case.key in run.cases]
    values = dict(zip(series.runs, series.values, strict=True))
    stray = series.metric.amount.stray if series.metric.amount else 0.0
    return sparkline(values, planned, failed, stray)


def ends_text(series: Series) -> str:
    """The first value and the last."""
    write, values = series.metric.text, series.values
    return f"{write(values[0])} → {write(values[-1])}"


def change_text(series: Series, change: ChangePoint) -> str:
    """``16 MiB → 32 MiB, 2.00×, worse``; with a remark where chance may have done it."""
    write = series.metric.text
    times = "" if math.isnan(change.ratio) else f", {format_multiple(change.ratio)}"
    word = "worse" if change.worse else "better"
    doubt = "" if change.sure else f"; {DOUBTFUL}"
    return f"{write(change.before)} → {write(change.after)}{times}, {word}{doubt}"


def outcome_text(change: OutcomeChange) -> str:
    """``ok → oom: tried to allocate 8 GiB``."""
    reason = f": {change.after.reason}" if change.after.reason else ""
    return f"{change.before.name} → {change.after.name}{reason}"


def _outcome_lines(machine: Machine, outcomes: Outcomes, told: set[int]) -> Iterator[TextLine]:
    if outcomes.comes_and_goes:
        last = outcomes.outcomes[-1]
        yield f"  outcome comes and goes: {outcomes.counts}; last {last.name}", "red"
        return
    yield "  outcome", ""
    for change in outcomes.changes:
        index = outcomes.runs[change.at]
        style = "red" if change.worse else "green" if change.after.ok else "yellow"
        yield f"    {_run_text(machine.runs[index])}: {outcome_text(change)}", style
        yield from _cause_line(change.causes, index, told)


def _run_text(run: PastRun) -> str:
    return f"{run.date} {run.run_id}"


def _cause_line(causes: Sequence[str], run: int, told: set[int]) -> Iterator[TextLine]:
    if causes and run not in told:
        told.add(run)
        yield f"      in the same run: {'; '.join(causes)}", "yellow"


def machine_lines(history: History) -> Iterator[str]:
    """Which machines the runs were made on, where there is more than one."""
    if len(history.machines) > 1:
        yield f"{len(history.machines)} machines, whose runs are followed separately:"
        for machine in history.machines:
            yield f"  {machine.name}: {machine.text}, {_runs(len(machine.runs))}"
        yield from (f"  {text}" for text in hardware_that_differs(history.machines))


def run_lines(history: History) -> Iterator[str]:
    """In which runs cases changed, and what else changed there; those in time alone left out."""
    for machine in history.machines:
        for index, run in enumerate(machine.runs):
            count = changes_in(history, machine, index)
            if count and index:
                causes = "; ".join(changed_between(machine.runs[index - 1], run))
                told = f": {causes}" if causes else ": nothing else is known to have changed"
                on = f" on {machine.name}" if machine.name else ""
                yield f"{_run_text(run)}{on}: {_cases(count)} changed{told}"


def changes_in(history: History, machine: Machine, index: int) -> int:
    """Cases that changed in a run of a machine."""
    return sum(
        index in change_runs(case) for case in history.cases if case.machine.name == machine.name
    )


def change_runs(case: CaseHistory) -> set[int]:
    """The runs in which a case changed, in what can be trusted; none where it comes and goes."""
    found = {
        series.runs[change.at]
        for series in case.series
        if not series.metric.advisory
        for change in series.changes
        if change.sure
    }
    if case.outcomes and not case.outcomes.comes_and_goes:
        found |= {case.outcomes.runs[change.at] for change in case.outcomes.changes}
    return found


def remarks(history: History) -> Iterator[str]:
    """What a reader must know to believe it."""
    yield from history.remarks
    share = history.tolerance
    yield (
        f"a change counts if it exceeds the noise and {format_share(share.time)} of a time, "
        f"{format_share(share.memory)} of the data in memory, or {format_share(share.faults)} of "
        "page faults"
    )
    yield (
        f"of the changes that are counted, {format_share(FALSE_DISCOVERIES)} at most are expected "
        "to be chance; more where a level lasts for several runs, or runs have one of two speeds"
    )
    for machine in filter(partly_unknown, history.machines):
        on = f" of {machine.name}" if machine.name else ""
        yield f"it is not known whether all runs{on} were made on the same machine"
    few = {case.key for case in history.cases for series in case.series if series.too_few}
    if few:
        yield (
            f"{len(few)} of {history.case_count} cases have too few runs to find every change: on "
            f"one machine, time needs {2 * LEAST_TIMED}, memory and page faults "
            f"{2 * LEAST_COUNTED}"
        )


def headline(history: History) -> str:
    """``195 cases over 12 runs: 3 changed, 2 more possible (may be chance), 5 more in time …``."""
    doubtful, drifted = history.doubtful_count, history.drifted_count
    perhaps = f", {doubtful} more possible (may be chance)" if doubtful else ""
    more = f", {drifted} more in time alone (advisory)" if drifted else ""
    nothing = "" if history.judged else "nothing was judged: "
    return (
        f"{nothing}{_cases(history.case_count)} over {_runs(history.run_count)}: "
        f"{history.changed_count} changed{perhaps}{more}"
    )


def period(runs: Sequence[PastRun]) -> str:
    """``2026-01-01 to 2026-03-01``."""
    first, last = runs[0].date[:10], runs[-1].date[:10]
    return first if first == last else f"{first} to {last}"


def _runs(count: int) -> str:
    return f"{count} run{'' if count == 1 else 's'}"


def _cases(count: int) -> str:
    return f"{count} case{'' if count == 1 else 's'}"
