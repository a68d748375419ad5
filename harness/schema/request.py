"""What a host can be asked for: a task by its name, and what the task is given.

Both sides of the process boundary use these classes. A request travels as its fields and is made
anew on the other side, where an unknown key or a missing one is an error; see
:mod:`harness.schema.strict`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.schema.records import Effort, TrialKind, Value, Work

SCENARIO_FILE = "FERRYBENCH_SCENARIO_FILE"
"""Environment variable in which a trial tells its workers what it measures."""
Observed = Literal["", "peak", "tree", "limit", "lines"]
"""What can be told of a task from outside: the peak of its memory, that of its process tree, how
far it came under a limit, or what was seen of it line by line."""


class TaskRequest:
    """Has a subclass for each task, by whose name a host is asked for it."""

    task: ClassVar[str]

    def scenario_file(self) -> str:
        """Where the scenario is declared that the task is about; empty if it is about none."""
        return ""


@dataclass(frozen=True)
class OfScenario:
    """What is asked at one point of a scenario's grid."""

    path: str  # of the scenario's module
    scenario: str
    parameters: Mapping[str, Value]

    def scenario_file(self) -> str:
        return self.path


@dataclass(frozen=True)
class LimitRequest:
    """What a trial is asked to run under."""

    limit: str
    budget_bytes: int
    size_bytes: int  # of the data


@dataclass(frozen=True)
class DuetRequest:
    """Where two processes meet that are timed in turn.

    Args:
        folder: of the socket, with a short path, as sockets want it. Who still waits for the
            other when it is gone waits no longer.
        leads: whether this one takes the first turn.
        patience_s: how long the other may take to come, and over one turn.
        processor: on which both are to run, if they have a single thread. Halves on processors of
            their own are not disturbed alike: whatever else is running runs beside one of them.
            Under a load of twice the processors there were, this alone brought the scatter of
            duets from 30% to 6%.
    """

    folder: str
    leads: bool
    patience_s: float
    processor: int | None = None


@dataclass(frozen=True)
class TrialRequest(OfScenario, TaskRequest):
    """One trial."""

    task: ClassVar[str] = "measure"
    strategy: str
    kind: TrialKind
    effort: Effort
    threads: int  # that torch may use; 0 leaves that to the environment
    fixture: str  # file with the inputs
    tiny_fixture: str  # the same at the smallest size
    folder: str = ""  # where the strategy gets an empty folder, if it names one
    bound: LimitRequest | None = None
    duet: DuetRequest | None = None
    layout_seed: int | None = None  # see harness.trial.timing.heap_layout; as it is, if not given


@dataclass(frozen=True)
class InputsRequest(OfScenario, TaskRequest):
    """Make the inputs of a point and keep them in a file."""

    task: ClassVar[str] = "make"
    seed: int
    file: str


@dataclass(frozen=True)
class DescribeRequest(TaskRequest):
    """Say what is in some scenario modules."""

    task: ClassVar[str] = "describe"
    paths: tuple[str, ...]


@dataclass(frozen=True)
class UnderLimit:
    """What is asked of a case that will be tried under a limit."""

    limit: str
    free_bytes: int  # of the budget, before any data
    step_bytes: int  # to which the search goes


@dataclass(frozen=True)
class CaseQuestion(OfScenario):
    """A case of which the scenario's code is asked."""

    strategy: str
    within: UnderLimit | None = None


@dataclass(frozen=True)
class EvaluateRequest(TaskRequest):
    """Ask the scenarios' code about some cases; the answer has Facts for each."""

    task: ClassVar[str] = "evaluate"
    cases: tuple[CaseQuestion, ...]


@dataclass(frozen=True)
class Facts:
    """What a host said of a case: its scenario's code decides, not the plan."""

    skip: str  # why it cannot be run, or makes no sense; empty when it can
    copies: float | None = None
    tree: bool = False
    size_dependent: bool = False
    on_device: bool = False
    refuses: tuple[str, ...] = ()


TOO_LATE = "the share of the budget for ceilings was used up"
"""Why a ceiling was not measured, where time was short."""


@dataclass(frozen=True)
class CeilingsRequest(TaskRequest):
    """Measure how fast this machine does some work at best.

    Args:
        works: what to do; the answer has a ceiling for each.
        folder: for files, on the disk that counts.
        allowed_s: how long all of them may take.
        passes: how often to go through all of them, since others may disturb one moment.
    """

    task: ClassVar[str] = "ceilings"
    works: tuple[Work, ...]
    folder: str = ""
    allowed_s: float = 60.0
    passes: int = 2


@dataclass(frozen=True)
class VersionsRequest(TaskRequest):
    """Say what the interpreter is, and how its torch runs."""

    task: ClassVar[str] = "versions"


@dataclass(frozen=True)
class BothWaysRequest(TaskRequest):
    """Time a planted operation by the stopwatch and by a plain loop, in turns."""

    task: ClassVar[str] = "time_both_ways"
    strategy: str
    target_ns: int  # about how long a call is to take
    total_s: float  # how long both ways together go on


@dataclass(frozen=True)
class PreloadRequest(TaskRequest):
    """Import modules and scenarios in the host itself, for trials to find them ready."""

    task: ClassVar[str] = "preload"
    modules: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    many_trials: bool = False  # are to come: what makes each of them shorter pays
