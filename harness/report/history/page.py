"""The history as a page: one file with everything in it, which asks the network for nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness.charts.palette import STYLES
from harness.history.as_text import (
    ADVISORY,
    change_text,
    changes_in,
    ends_text,
    headline,
    line_of,
    note_of,
    outcome_text,
    period,
    remarks,
)
from harness.history.machines import Machine, changed_between, hardware_that_differs
from harness.history.series import CaseHistory, History, Series
from harness.report.history.chart import HEIGHT, specification
from harness.report.history.data import chart_data, labels_of, run_labels
from harness.report.pages.rendering import asset, environment, runtime
from harness.units import format_multiple
from harness.version import __version__

PACKAGE = "harness.report.history"
STATUSES = ("worse", "changed", "better", "uncertain", "advisory", "same")
"""Of cases, in the order in which they stand in the page."""


@dataclass(frozen=True)
class Event:
    """A change, as the page tells it."""

    when: str
    run: str
    text: str
    causes: tuple[str, ...]
    worse: bool


@dataclass(frozen=True)
class SeriesView:
    """One metric of a case."""

    label: str
    note: str
    line: str
    ends: str
    events: tuple[Event, ...]
    chart: dict[str, Any]


@dataclass(frozen=True)
class CaseView:
    """One row of the list, which opens."""

    key: str
    machine: str
    status: str  # one of STATUSES
    words: str  # what changed, and how much
    line: str  # of the first series that it shows; "" where there is none
    outcomes: tuple[Event, ...]
    comes_and_goes: str
    series: tuple[SeriesView, ...]


def history_page(history: History, *, everything: bool) -> str:
    """The page.

    Args:
        history: what was found.
        everything: also cases and metrics that did not change; they are left out otherwise.
    """
    cases = history.cases if everything else history.shown
    views = [case_view(case, everything=everything) for case in cases]
    views.sort(key=lambda view: STATUSES.index(view.status))
    return (
        environment(PACKAGE)
        .get_template("history.html.j2")
        .render(
            history=history,
            headline=headline(history),
            spans=[(machine, period(machine.runs)) for machine in history.machines],
            differing=hardware_that_differs(history.machines),
            remarks=list(remarks(history)),
            views=views,
            order=STATUSES,
            statuses=Counter(view.status for view in views),
            left_out=len(history.cases) - len(views),
            run_rows=[(machine, list(run_rows(history, machine))) for machine in history.machines],
            labels={run_labels(machine): labels_of(machine) for machine in history.machines},
            specification=specification(),
            chart_height=HEIGHT,
            advisory=ADVISORY,
            palette=STYLES,
            version=__version__,
            runtime=runtime() if any(view.series for view in views) else "",
            style=asset("page.css"),
            own_style=asset("history.css", PACKAGE),
            script=asset("history.js", PACKAGE),
        )
    )


def case_view(case: CaseHistory, *, everything: bool) -> CaseView:
    """A case as the page shows it."""
    outcomes = case.outcomes
    flaky = bool(outcomes and outcomes.comes_and_goes)
    told = () if outcomes is None or flaky else tuple(_outcome_events(case))
    series = [one for one in case.series if one.changes or everything] or list(case.series[:1])
    return CaseView(
        case.key,
        case.machine.name,
        _status(case),
        ", ".join(_words(case)),
        line_of(case, series[0]) if series else "",
        told,
        outcomes.counts if outcomes and flaky else "",
        tuple(_series_view(case, one) for one in series),
    )


def _words(case: CaseHistory) -> Iterator[str]:
    if case.outcomes and case.outcomes.changed:
        yield "outcome"
    for one in case.series:
        steps = ", then ".join(format_multiple(change.ratio) for change in one.changes)
        if steps:
            yield f"{one.metric.label} {steps}"


def _status(case: CaseHistory) -> str:
    """In one word, by the last change of everything that is not advisory."""
    if not case.changed:
        return "uncertain" if case.doubtful else "advisory" if case.drifted else "same"
    sure = (
        [change for change in one.changes if change.sure]
        for one in case.series
        if not one.metric.advisory
    )
    worse = [changes[-1].worse for changes in sure if changes]
    if case.outcomes and case.outcomes.changed:
        worse.append(not case.outcomes.outcomes[-1].ok or case.outcomes.comes_and_goes)
    return "worse" if all(worse) else "changed" if any(worse) else "better"


def _outcome_events(case: CaseHistory) -> Iterator[Event]:
    assert case.outcomes is not None
    for change in case.outcomes.changes:
        run = case.machine.runs[case.outcomes.runs[change.at]]
        yield Event(run.date, run.run_id, outcome_text(change), change.causes, change.worse)


def _series_view(case: CaseHistory, series: Series) -> SeriesView:
    note = note_of(series.metric)
    if series.too_few:
        note = f"too few runs ({len(series.runs)}; {series.too_few} needed)"
    events = []
    for change in series.changes:
        run = case.machine.runs[series.runs[change.at]]
        text = change_text(series, change)
        events.append(Event(run.date, run.run_id, text, change.causes, change.worse))
    return SeriesView(
        series.metric.label,
        note,
        line_of(case, series),
        ends_text(series),
        tuple(events),
        chart_data(case, series),
    )


def run_rows(
    history: History, machine: Machine
) -> Iterator[tuple[str, str, str, int, Sequence[str]]]:
    """Every run: date, name, sweep, cases that changed in it, and what else did."""
    before = None
    for index, run in enumerate(machine.runs):
        causes = changed_between(before, run) if before else ()
        yield run.date, run.run_id, run.sweep, changes_in(history, machine, index), causes
        before = run
