"""Several machines of a merged run beside each other, case by case: each number is of one alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.cases.summaries import summaries
from harness.cases.summary import CaseSummary
from harness.journal.lines import Run
from harness.journal.machines import by_machine
from harness.report.content.machine import machine_line
from harness.report.words.place import PAGE
from harness.report.words.text import interval_text
from harness.schema.texts import apart, as_file_name
from harness.units import MISSING, format_seconds, format_size

CAPTION = (
    "Each column is one machine by itself: the median over its processes, and its interval. "
    "Machines did not take turns, so none is set in ratio to another."
)


@dataclass(frozen=True)
class MachineView:
    """One machine."""

    name: str
    text: str  # hardware and versions
    folder: str  # of its own report, in that of the whole
    page: str
    runs: int
    cases: int


@dataclass(frozen=True)
class MachineCell:
    """One case on one machine."""

    text: str  # its time, else its memory, else how it ended
    range: str = ""
    outcome: str = ""  # of one that did not end well
    reason: str = ""


@dataclass(frozen=True)
class MachineRow:
    """One case on every machine; what was not measured on one has an empty cell there."""

    case: str
    cells: tuple[MachineCell, ...]


@dataclass(frozen=True)
class Machines:
    """A run of several machines."""

    run_id: str
    remarks: tuple[str, ...]
    machines: tuple[MachineView, ...]
    scenarios: tuple[tuple[str, str, tuple[MachineRow, ...]], ...]  # name, question, its cases


def machines(run: Run) -> Machines:
    """All machines of a run side by side."""
    parts = by_machine(run)
    names = apart(as_file_name(name) for name, _ in parts)
    views = tuple(
        MachineView(
            name,
            machine_line(own),
            folder,
            f"{folder}/{PAGE}",
            len({source.run_id for source in own.header.sources}),
            len({trial.case for trial in own.trials}),
        )
        for (name, own), folder in zip(parts, names, strict=True)
    )
    found = [{row.planned.case.key: row for row in summaries(own)} for _, own in parts]
    scenarios = tuple(
        (info.name, info.question, tuple(_rows(info.name, found))) for info in run.header.scenarios
    )
    remarks = tuple(one.replace(str(run.path), run.path.name) for one in run.remarks)
    return Machines(run.header.run_id, remarks, views, scenarios)


def _rows(scenario: str, found: Sequence[Mapping[str, CaseSummary]]) -> list[MachineRow]:
    keys = dict.fromkeys(
        key for rows in found for key, row in rows.items() if row.scenario == scenario
    )
    return [
        MachineRow(key.removeprefix(f"{scenario}/"), tuple(_cell(rows.get(key)) for rows in found))
        for key in keys
    ]


def _cell(row: CaseSummary | None) -> MachineCell:
    """The time of a case; of one that is about memory, that of its processes."""
    if row is None:
        return MachineCell(MISSING)
    if not row.ok:
        return MachineCell(row.outcome, outcome=row.outcome, reason=row.reason)
    if row.limit is not None:
        return MachineCell(format_size(row.limit.survived_bytes), "largest that fits")
    if row.timed:
        pace = row.pace
        text = format_seconds(pace.median) + (" a sample" if row.loading else "")
        return MachineCell(text, interval_text(pace, format_seconds))
    if row.tree is not None:
        return MachineCell(format_size(row.tree_bytes), "memory of all processes")
    return MachineCell("ok")
