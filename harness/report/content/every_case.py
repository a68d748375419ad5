"""Every case of a run as one list, with how to measure each again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.sweep import setting
from harness.cases.summary import CaseSummary
from harness.codes.code import Code
from harness.codes.registry import code_for
from harness.journal.lines import Run
from harness.planning.command import command_for
from harness.report.words.text import format_ratio, interval_text
from harness.units import MISSING, format_multiple, format_seconds, format_size


@dataclass(frozen=True)
class CaseLine:
    """One case, in texts."""

    id: str  # of its line on the page
    scenario: str
    strategy: str  # with the host where it is not the default one
    source: str  # where its code stands on the page: ``scenario.strategy``
    size: str
    setting: str
    outcome: str
    code: Code | None  # of one that has no numbers
    reason: str
    time: str
    interval: str
    ratio: str
    memory: str
    command: str  # "" of another program's tests


def case_lines(run: Run, rows: Sequence[CaseSummary]) -> tuple[CaseLine, ...]:
    """In the order of the plan."""
    infos = {info.name: info for info in run.header.scenarios}
    hosts = {host.name: host for host in run.header.plan.hosts}
    lines = []
    for index, row in enumerate(rows):
        info = infos[row.scenario]
        case = row.planned.case
        home = info.strategy(row.strategy).borrowed_from or row.scenario
        level = run.header.plan.level
        lines.append(
            CaseLine(
                id=case_id(index),
                scenario=row.scenario,
                strategy=row.name,
                source=f"{home}.{row.strategy}",
                size=format_size(row.size_bytes) if row.size_bytes is not None else MISSING,
                setting=setting(row, info),
                outcome=row.outcome,
                code=None if row.ok else code_for("ending", row.outcome),
                reason=row.reason,
                time=format_seconds(row.pace.median) if row.timed else MISSING,
                interval=interval_text(row.pace, format_seconds) if row.timed else "",
                ratio=format_ratio(row.ratio.median) if row.timed else MISSING,
                memory=format_multiple(row.peak_multiple) if row.ok else MISSING,
                command=command_for(case, info, level, hosts.get(case.host))
                if run.header.ours
                else "",
            )
        )
    return tuple(lines)


def case_id(index: int) -> str:
    """Where a case stands on its page, by its place in the plan."""
    return f"page-case-{index + 1}"
