"""What a profile is asked for and what it finds out; none of it is ever part of a journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.schema.records import Outcome, Rss
from harness.schema.request import Observed, TaskRequest, TrialRequest

Tool = Literal["lines", "memory_profiler", "memray", "viztracer", "perf"]
"""What watches the call: each in a fresh process of its own."""
TIMELINE_EVENTS = 200_000
"""How many calls of functions a process keeps for its timeline, the last ones."""


@dataclass(frozen=True)
class Watching:
    """How a call is watched.

    Args:
        tool: what watches it.
        output: the file that the tool writes, if it writes one.
        files: Python files whose functions are watched besides those of the function's own.
        warm: call it once, unwatched, before.
    """

    tool: Tool
    output: str = ""
    files: tuple[str, ...] = ()
    warm: bool = False

    @property
    def observe(self) -> Observed:
        """What the host has observe the process; empty where nothing does."""
        return "lines" if self.tool == "lines" else ""


@dataclass(frozen=True)
class CaseProfileRequest(TaskRequest):
    """Watch one call of a strategy; where it makes a loader, one epoch of it as well."""

    task: ClassVar[str] = "profile_case"
    trial: TrialRequest
    watching: Watching

    def scenario_file(self) -> str:
        return self.trial.path


@dataclass(frozen=True)
class FileProfileRequest(TaskRequest):
    """Watch one call of a function of a user's file.

    Args:
        path: of the file.
        function: its name there; ``Class.method`` for a static or class method.
        arrays: ``.npy`` files, each loaded as one argument.
        watching: how.
    """

    task: ClassVar[str] = "profile_file"
    path: str
    function: str
    arrays: tuple[str, ...]
    watching: Watching

    def scenario_file(self) -> str:
        return self.path


@dataclass(frozen=True)
class CallProfileRequest(TaskRequest):
    """Watch one call of a function that the host was forked with."""

    task: ClassVar[str] = "profile_call"
    watching: Watching


@dataclass(frozen=True)
class Function:
    """A function that was watched, or a lambda or comprehension."""

    name: str
    file: int  # index into the files
    first_line: int


@dataclass(frozen=True)
class LineRow:
    """What was seen of one statement, or of the whole call. A statement over several lines counts
    as its first line, and what functions do that it calls is part of it.

    Args:
        file: index into the files; -1 for the whole call.
        line: its first one.
        function: index into the functions; -1 for the whole call.
        visits: how often it was entered.
        time_s: in all visits, without what watching took.
        peak_bytes: the highest within any one visit, above the beginning of that visit.
        peak: by kind of page: anonymous and shared ones in the visit with the most of both, pages
            of mapped files in that with the most of them. Kinds need not peak at one instant.
        kept: pages more at the end than at the beginning, over all visits; negative where it freed.
        heap_bytes: of malloc's blocks, what it took from memory that the heap had free, or (below
            0) freed into memory that the heap keeps: the pages do not show it. None where malloc
            does not report it.
        faults_minor: page faults without disk.
        faults_major: with it.
        level_bytes: the highest above the beginning of the whole call, without mapped files.
        room_bytes: memory that malloc had free when a visit began, at most: temporaries may have
            used it without a page. None where malloc does not report it.
        split_missed: of the peak, the kinds were not observed completely.
        swapped: pages were swapped out, which the peak does not count.
        replaced: pages of files were dropped; what replaced them was not observed completely.
        running: it had not ended when watching did. Its peak and level are lower bounds then.
    """

    file: int
    line: int
    function: int
    visits: int
    time_s: float
    peak_bytes: int
    peak: Rss
    kept: Rss
    heap_bytes: int | None
    faults_minor: int
    faults_major: int
    level_bytes: int
    room_bytes: int | None
    split_missed: bool = False
    swapped: bool = False
    replaced: bool = False
    running: bool = False


@dataclass(frozen=True)
class Lines:
    """What was seen of a call line by line, until it ended or could not be watched any longer.

    Args:
        files: the Python files of the lines, as tracebacks name them.
        functions: which were watched, in the order in which they were called.
        rows: the whole call first, then statements in the order in which they were reached.
        boundaries: how often memory was read.
        watching_s: what reading it took.
        boundary_s: what one reading costs here, with the line event: tried on a loop of two lines;
            None where the process did not get to that.
        source: where peaks come from.
        allocator: whose malloc it is; empty where that is glibc's, which reports what it has free.
        missed: rows of which the kinds of pages were not observed.
        full: there was no more room for further lines.
        forks: how often the call forked this process: the others' memory is not in here.
        lost_trace: something else took the place of what reports lines.
    """

    files: tuple[str, ...]
    functions: tuple[Function, ...]
    rows: tuple[LineRow, ...]
    boundaries: int
    watching_s: float
    boundary_s: float | None
    source: str
    allocator: str
    missed: int
    full: bool
    forks: int
    lost_trace: bool


@dataclass(frozen=True)
class SampledLine:
    """A line as memory_profiler shows it, in bytes of resident memory after the line."""

    file: str
    line: int
    increment_bytes: float
    occurrences: int


@dataclass(frozen=True)
class Counted:
    """What perf counted of one event; None where it did not, and what it says of that."""

    name: str
    count: int | None
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Profiled:
    """What a process that was watched answers.

    Args:
        outcome: of the call.
        label: what people call the function.
        file: it stands in, as tracebacks name it.
        payload_bytes: of its inputs.
        refused: why the tool could not watch it; empty where it did.
        sampled: memory_profiler's table.
        counted: by perf.
        arenas_room_bytes: what Python's own allocator had free at the end; None where unknown.
        lines: what was seen line by line, where no other process keeps it.
        accelerator: which one the process used by the end; empty for none.
    """

    outcome: Outcome
    label: str = ""
    file: str = ""
    payload_bytes: int = 0
    refused: str = ""
    sampled: tuple[SampledLine, ...] = ()
    counted: tuple[Counted, ...] = ()
    arenas_room_bytes: int | None = None
    lines: Lines | None = None
    accelerator: str = ""
