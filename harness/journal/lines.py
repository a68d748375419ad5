"""The lines of a journal, and what stands in them.

The first line is the header: format, schema version, the plan, the environment and the scenarios
as data, so that a journal can be analysed where neither torch nor the scenarios exist. Every
other line has a ``kind``.

Schema history: 1 — first version. 2 — loaders: phases of epochs, process trees. 3 — training
steps, page cache, limits; outcomes with kind and place. 4 — two sides that are compared within a
run, in duets; times and memory of accelerators; NaN and infinity, which had been written as null.
5 — runs that were merged: where their rounds came from; several machines, each with ceilings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.host.environment import Environment
from harness.schema.description import ScenarioInfo
from harness.schema.records import Ceiling, Effort, HostSpec, PlannedCase, Trial

FORMAT = "ferrybench-journal"
EXPORTED = "ferrybench, exported for pytest-benchmark"
"""The format of a run that is read from such an export."""
SCHEMA = 5


class JournalError(UsageError):
    """A journal that cannot be read; the message names the file, the line and the problem."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(f"{path}, line {line}: {problem}")


@dataclass(frozen=True)
class Sides:
    """The two hosts that a run compares, by name, and what the user called them.

    Args:
        base: the host.
        candidate: the same.
        base_label: what the user called it.
        candidate_label: the same.
        tolerance: what was asked to be no difference, such as ``time=5%``; the rest is usual.
    """

    base: str
    candidate: str
    base_label: str
    candidate_label: str
    tolerance: str = ""


@dataclass(frozen=True)
class Plan:
    """Everything that was decided before the first measurement."""

    level: str
    seed: int
    effort: Effort
    budget_s: float  # 0: no limit
    method: str  # fork or spawn
    hosts: tuple[HostSpec, ...]
    cases: tuple[PlannedCase, ...]
    sides: Sides | None = None
    calibration_runs: int = 0  # of identical code, into which its rounds are to be cut


@dataclass(frozen=True)
class Machine:
    """One of several machines that the parts of a merged run were measured on.

    Args:
        name: such as B.
        environment: of its first run, hosts by the names that they have there.
        hosts: those names, by the names of its hosts in the plan.
    """

    name: str
    environment: Environment
    hosts: Mapping[str, str]


@dataclass(frozen=True)
class Source:
    """A run that was merged into another one: its rounds were moved, to stay apart.

    Args:
        run_id: its own.
        created: when it began, ISO 8601.
        seed: of its data, its layouts and its order.
        machine: by name, where there are several; else "".
        first_round: where its rounds begin in the merged run.
        last_round: and where they end.
    """

    run_id: str
    created: str
    seed: int
    machine: str
    first_round: int
    last_round: int


@dataclass(frozen=True)
class Header:
    """The first line of a journal."""

    run_id: str
    created: str  # ISO 8601, with the offset from UTC; "" where an imported file does not say it
    plan: Plan
    environment: Environment
    scenarios: tuple[ScenarioInfo, ...]
    format: str = FORMAT
    schema: int = SCHEMA
    sources: tuple[Source, ...] = ()  # of a run that was merged of others
    machines: tuple[Machine, ...] = ()  # empty: one, of which ``environment`` tells

    @property
    def ours(self) -> bool:
        """Whether ferrybench planned the cases, and knows what their parameters mean."""
        return self.format in (FORMAT, EXPORTED)

    @property
    def imported(self) -> bool:
        """Whether it is read from a file that is no journal: little is known of how it was made."""
        return self.format != FORMAT


@dataclass(frozen=True)
class CeilingLine:
    """A machine limit, measured at the start of a round."""

    round: int
    ceiling: Ceiling
    machine: str = ""  # by name, where there are several


@dataclass(frozen=True)
class EndLine:
    """Why measuring stopped: complete, budget or interrupted."""

    reason: str


@dataclass(frozen=True)
class ResumeLine:
    """The run was taken up again, in this environment."""

    environment: Environment


JournalLine = Trial | CeilingLine | EndLine | ResumeLine
LINE_KINDS: dict[str, type[JournalLine]] = {
    "trial": Trial,
    "ceiling": CeilingLine,
    "end": EndLine,
    "resume": ResumeLine,
}
LINE_NAMES = {kind: name for name, kind in LINE_KINDS.items()}


@dataclass
class Run:
    """A journal, read."""

    path: Path
    header: Header
    trials: list[Trial] = field(default_factory=list)
    ceilings: list[CeilingLine] = field(default_factory=list)
    ended: str = ""  # the last reason to stop; empty when the run was cut off
    remarks: list[str] = field(default_factory=list)  # what a reader should be told
    good_bytes: int = 0  # length of the file up to its last complete line
    read_bytes: int = 0  # length of the file as it was read
    document: Mapping[str, Any] | None = None  # the file as it is, where another program wrote it
