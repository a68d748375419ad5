"""Runs made by hand, one journal each: cases of which some readings change at some run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from harness.history.detect import history
from harness.history.discover import discover
from harness.history.machines import by_machine
from harness.history.series import CaseHistory, History, Series
from harness.host.environment import Environment
from harness.journal.lines import EndLine
from harness.journal.write import Journal
from harness.schema.records import Faults, Outcome, PlannedCase, Rss, Switches, Trial
from tests.journals import ENVIRONMENT, MIB, header, planned, trial

PAYLOAD = 16 * MIB
PROCESSES = 3
BASE, OTHER = 0, 1
JITTER = (1.0, 1.012, 0.991, 1.004, 0.987, 1.009, 0.996, 1.015, 0.993, 1.001, 0.989, 1.006)
"""What the speed of runs differs by, in their order: one after the other, again and again."""


@dataclass(frozen=True)
class Shape:
    """What a case is like in one run."""

    seconds: float = 1e-3
    peak: int = PAYLOAD
    faults: float = 4096.0
    switches: float = 0.0
    outcome: Outcome = field(default_factory=lambda: Outcome("ok"))


Shapes = Mapping[str, Shape]
"""By strategy; a strategy that is not named has the usual one."""
CASES = (planned("base", baseline=True), planned("other"))


def created(number: int) -> str:
    return (datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=number)).isoformat()


def run_id(number: int) -> str:
    return f"2026-run-{number:02d}"


def trials_of(index: int, shape: Shape, speed: float) -> list[Trial]:
    if not shape.outcome.ok:
        return [trial(index, 0, payload=PAYLOAD, outcome=shape.outcome)]
    peak, faults = Rss(anon_bytes=shape.peak), Faults(shape.faults, 0.0)
    return [
        replace(
            trial(
                index,
                number,
                shape.seconds * speed * (1 + 0.002 * number * (index + 1)),
                payload=PAYLOAD,
                peak=peak,
            ),
            faults_first=faults,
            switches_steady=Switches(shape.switches, 0.0),
        )
        for number in range(PROCESSES + 1)
    ]


def write(
    folder: Path,
    number: int,
    shapes: Shapes | None = None,
    *,
    cases: Sequence[PlannedCase] = CASES,
    environment: Environment = ENVIRONMENT,
    name: str = "",
    at: str = "",
) -> Path:
    """The journal of one run; ``at``: when it was made, where not a day after the one before."""
    path = folder / f"{name or run_id(number)}.jsonl"
    head = replace(
        header(cases), run_id=run_id(number), created=at or created(number), environment=environment
    )
    own = JITTER[number * 5 % len(JITTER)]
    with Journal.create(path, head, force=True) as journal:
        for index, one in enumerate(cases):
            shape = (shapes or {}).get(one.case.strategy, Shape())
            # Of the ratio, too, something is left to vary.
            for made in trials_of(
                index, shape, JITTER[number % len(JITTER)] * (own if index else 1.0)
            ):
                journal.append(made)
        journal.append(EndLine("complete"))
    return path


def write_runs(
    folder: Path,
    count: int,
    shapes_of: Callable[[int], Shapes] = lambda number: {},
    environment_of: Callable[[int], Environment] = lambda number: ENVIRONMENT,
) -> Path:
    """Journals of so many runs; the folder they are in."""
    folder.mkdir(exist_ok=True)
    for number in range(count):
        write(folder, number, shapes_of(number), environment=environment_of(number))
    return folder


def from_run(first: int, strategy: str, shape: Shape) -> Callable[[int], Shapes]:
    """A strategy that is as usual before a run, and otherwise from it on."""
    return lambda number: {strategy: shape} if number >= first else {}


def history_of(folder: Path) -> History:
    gathered = discover([folder])
    return history(by_machine(gathered.runs), remarks=gathered.remarks)


def case_of(found: History, strategy: str, machine: str = "") -> CaseHistory:
    return next(
        case for case in found.cases if f"/{strategy} " in case.key and case.machine.name == machine
    )


def series_of(case: CaseHistory, name: str) -> Series:
    return next(one for one in case.series if one.metric.name == name)


def where(case: CaseHistory, name: str) -> list[str]:
    """The runs in which a metric of a case changed."""
    series = series_of(case, name)
    return [case.machine.runs[series.runs[change.at]].run_id for change in series.changes]
