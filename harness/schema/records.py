"""The nouns of the harness, as dataclasses of plain data; all are frozen but what a trial fills.

Everything here can be written as JSON and is shared by both sides of the process boundary, so
this module imports only the standard library. All sizes are bytes, all times seconds.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from harness.schema.numbers import finite
from harness.schema.texts import visible

Value = str | int | float | bool
"""What a parameter may be: anything that survives JSON unchanged."""

OutcomeName = Literal["ok", "wrong", "error", "oom", "timeout", "crash", "skipped"]
TrialKind = Literal["time", "memory", "tree", "probe", "limit", "duet"]
TIMED: tuple[TrialKind, ...] = ("time", "duet")
"""Kinds of trials that sample the steady state."""

OUTCOMES: tuple[OutcomeName, ...] = ("ok", "wrong", "error", "oom", "timeout", "crash", "skipped")
DEFAULT_HOST = "default"
CONTRADICTS = "its peak is below what it says was kept: one of the two was misread"
CONTRADICTION_BYTES = 1024**2
"""Readings that were rounded, or taken moments apart, may differ by less without being wrong."""
MISSED = "observed from another process, which missed the peak: lower bounds"
"""The ``split_source`` of a ledger whose observer did not get a processor in time."""


@dataclass(frozen=True)
class Outcome:
    """How a trial ended. Every outcome but ``ok`` has a reason, in one line."""

    name: OutcomeName
    reason: str = ""
    kind: str = ""  # what gave way, such as "tensor memory"; see harness.trial.base.outcomes
    where: str = ""  # the line of the scenario's code: ``tensor_from_array.py:57: return …``

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", visible(self.reason))  # it quotes what was raised
        object.__setattr__(self, "where", visible(self.where))  # and this a line of code

    @property
    def ok(self) -> bool:
        return self.name == "ok"


@dataclass(frozen=True)
class Case:
    """One strategy at one point of the parameter grid, on one host."""

    scenario: str
    strategy: str
    parameters: Mapping[str, Value]
    host: str = DEFAULT_HOST

    @property
    def point(self) -> str:
        """The parameters alone: cases of equal point and host may be compared."""
        return " ".join(f"{name}={value}" for name, value in self.parameters.items())

    @property
    def values(self) -> str:
        """Those of the parameters as pytest joins them, and of the host if it is not the usual."""
        host = () if self.host == DEFAULT_HOST else (self.host,)
        return "-".join(map(str, (*self.parameters.values(), *host)))

    @property
    def label(self) -> str:
        """The strategy with its values, as pytest writes a test: ``strategy[1-f4]``."""
        return f"{self.strategy}[{self.values}]" if self.values else self.strategy

    @property
    def shared_key(self) -> str:
        """What the case has in common with the same one on another host."""
        return f"{self.scenario}/{self.strategy} {self.point}".rstrip()

    @property
    def key(self) -> str:
        """Unique within a run, stable across runs."""
        host = "" if self.host == DEFAULT_HOST else f"@{self.host}"
        return f"{self.scenario}/{self.strategy}{host} {self.point}".rstrip()


@dataclass(frozen=True)
class PlannedCase:
    """A case with what the plan knows of it before anything is measured."""

    case: Case
    baseline: bool = False
    forecast_bytes: int = 0  # memory the trial's process is expected to need at its peak
    expected_copies: float | None = None  # the strategy's cost model at this point
    skip: str = ""  # why it will not be run; empty when it will
    tree: bool = False  # starts processes, whose memory is watched in a trial of its own
    size_dependent: bool = False  # under a limit: the cost model is another at other sizes
    on_device: bool = False  # works on an accelerator
    refuses: tuple[str, ...] = ()  # words of the exceptions by which it may refuse this point

    def refuses_by(self, outcome: Outcome) -> bool:
        """Whether an outcome is the refusal that the strategy declares."""
        said = outcome.reason.lower()
        return outcome.name == "error" and any(words.lower() in said for words in self.refuses)


@dataclass(frozen=True)
class ContestEffort:
    """How trials are shared out among contests that their planned rounds leave open."""

    looks: tuple[int, ...]  # rounds after which a contest may end
    extra_share: float  # of the time of the planned rounds, for further ones beside what is saved
    margin: float = 0.05  # the share of time within which strategies are level


@dataclass(frozen=True)
class Effort:
    """How hard each case is measured."""

    trials: int  # fresh processes that measure time, per case
    steady_s: float  # time spent on steady-state samples, per trial
    min_samples: int = 5
    max_samples: int = 100
    timeout_s: float = 60.0
    # Leave Python's cyclic collector on, as users have it; None where a file does not say.
    collect_garbage: bool | None = False
    memory_trials: int = 1  # fresh processes that find out memory, per case
    contests: ContestEffort | None = None  # None: every case has just as many trials


@dataclass(frozen=True)
class HostSpec:
    """An interpreter and the environment variables it is started with."""

    name: str = DEFAULT_HOST
    python: str = ""  # empty: the interpreter that runs the harness
    env: Mapping[str, str] = field(default_factory=dict)
    revision: str = ""  # of the user's project, where that is what the host is there for


@dataclass(frozen=True)
class Rss:
    """Resident memory by kind, as in ``/proc/PID/status`` (RssAnon, RssFile, RssShmem)."""

    anon_bytes: int = 0
    file_bytes: int = 0
    shmem_bytes: int = 0

    @property
    def total_bytes(self) -> int:
        return self.anon_bytes + self.file_bytes + self.shmem_bytes

    def __sub__(self, other: Rss) -> Rss:
        return Rss(
            self.anon_bytes - other.anon_bytes,
            self.file_bytes - other.file_bytes,
            self.shmem_bytes - other.shmem_bytes,
        )


@dataclass(frozen=True)
class Ledger:
    """What the first call did to the memory of its process. All are growth over ``before``."""

    before: Rss
    peak_extra_bytes: int  # high-water mark, exact where ``source`` says so
    peak: Rss  # the same split by kind; its parts need not have peaked at one instant
    retained: Rss  # while the result is alive
    left: Rss  # after the result was dropped
    source: str  # where the peak came from
    split_source: str  # where its parts came from
    arena_bytes: int = 0  # size of the arenas that Python's small objects took; 0: they took none
    at_least: str = ""  # why all of these may be too low; empty where they are not

    @property
    def doubt(self) -> str:
        """Why these figures are not known, though there are some; empty where they are."""
        kept_bytes = self.retained.anon_bytes + self.retained.shmem_bytes
        peak_bytes = self.peak.anon_bytes + self.peak.shmem_bytes
        if not self.at_least and kept_bytes > peak_bytes + CONTRADICTION_BYTES:
            return CONTRADICTS
        return self.at_least


@dataclass(frozen=True)
class Faults:
    """Page faults of the measured process, from getrusage(2)."""

    minor: float
    major: float


@dataclass(frozen=True)
class Switches:
    """Context switches of the measured process, all of its threads together, from getrusage(2).

    Those of its workers are not among them.
    """

    voluntary: float  # it waited: for a lock, a pipe, a disk
    involuntary: float  # its time was up, or another process was to have the processor


@dataclass(frozen=True)
class Timing:
    """Times of one trial: the first call in a fresh process, then the steady state."""

    first_call_s: float
    samples_s: tuple[float, ...]  # each the mean time of one call
    calls_per_sample: int
    calls_timed_apart: bool  # True: the result is freed outside the timed region
    clock_cost_s: float  # what was subtracted from each reading

    @property
    def median_s(self) -> float:
        """Of the samples; NaN where there are none."""
        return statistics.median(self.samples_s) if self.samples_s else math.nan

    @property
    def fastest_s(self) -> float:
        return min(self.samples_s, default=math.nan)

    @property
    def samples(self) -> int | None:
        """How many there were; None where that is not known."""
        return len(self.samples_s)


@dataclass(frozen=True)
class StatedTiming(Timing):
    """Times that another program measured: without samples, its statistics are what is known."""

    stated: Mapping[str, Any] = field(default_factory=dict)  # by its own names, times in seconds

    def _number(self, name: str) -> float:
        value = finite(self.stated.get(name))
        return math.nan if value is None else value

    @property
    def median_s(self) -> float:
        return super().median_s if self.samples_s else self._number("median")

    @property
    def fastest_s(self) -> float:
        stated_s = self._number("min")
        return super().fastest_s if math.isnan(stated_s) else stated_s

    @property
    def samples(self) -> int | None:
        rounds = finite(self.stated.get("rounds"))
        return len(self.samples_s) or None if rounds is None else int(rounds)


@dataclass(frozen=True)
class Epoch:
    """One pass over a loader, in phases that follow each other.

    Where batches are trained on, every phase but ``step_s`` is a time of waiting. That includes
    reading what a batch maps of a file, which a step would otherwise wait for, page by page.
    """

    iter_s: float  # ``iter(loader)``: where workers are started
    first_batch_s: float  # waiting for the first batch
    batches_s: float  # from the first batch to the last, without the steps between
    teardown_s: float  # from asking for one more to the iterator's end: where workers are joined
    step_s: float = 0.0  # in the training steps, one for each batch

    @property
    def total_s(self) -> float:
        return self.waiting_s + self.step_s

    @property
    def waiting_s(self) -> float:
        """How long nothing could be computed, for want of data."""
        return self.iter_s + self.first_batch_s + self.batches_s + self.teardown_s

    @property
    def stall_fraction(self) -> float:
        """The share of the epoch that the training step stood still; 1 without one."""
        return self.waiting_s / self.total_s if self.total_s else 0.0


@dataclass(frozen=True)
class Loading:
    """What driving a loader took: the first epoch of a fresh process, then the steady state."""

    build_s: float  # calling the strategy, which makes the loader
    first: Epoch
    steady: tuple[Epoch, ...]
    batches: int  # per epoch
    samples: int
    data_bytes: int  # of an epoch's batches
    rebuilds_s: tuple[float, ...] = ()  # making the loader anew for each cold epoch of ``steady``


@dataclass(frozen=True)
class TreeSample:
    """A process tree at one instant, summed over its processes.

    PSS counts a page shared by n processes as 1/n in each, so that its sum counts every page
    once; the host is counted along, since forked processes share pages with it. It is given as
    growth over the first sample, like everything about a process's memory.
    """

    at_s: float  # since the first sample
    processes: int  # of the trial: itself and its descendants
    rss_bytes: int  # summed, absolute: shared pages count once for each process
    pss: Rss
    open_files: int  # of the process that has most
    shm_bytes: int  # growth of what the machine keeps in /dev/shm, whoever put it there

    @property
    def own_bytes(self) -> int:
        """Growth without file pages.

        Those belong to the page cache: the system can take them back, and their PSS changes
        whenever a process outside the tree begins or ends to use the same libraries.
        """
        return self.pss.anon_bytes + self.pss.shmem_bytes


@dataclass(frozen=True)
class Tree:
    """What a strategy did to the memory of its process tree, watched from outside."""

    peak: TreeSample  # where anonymous and shared PSS were largest
    idle: TreeSample  # after the last pass, before anything was torn down
    left: TreeSample  # after the loader, or the result, was dropped
    course: tuple[TreeSample, ...]
    marks: tuple[tuple[str, float], ...]  # what began when, in the time of the samples
    most_open_files: int
    most_shm_bytes: int
    started_bytes: int | None  # pickled to start workers; None where it cannot be counted
    sent_bytes: int | None  # through pipes and queues to workers, per pass
    received_bytes: int | None  # and from them; tensors travel as handles


@dataclass(frozen=True)
class Training:
    """What came of the steps that were taken on a loader's batches."""

    steps: int
    first_loss: float  # mean over the first steps, at most one epoch's
    last_loss: float  # mean over as many of the last ones


@dataclass(frozen=True)
class PageCache:
    """How much of the inputs' files lay in the page cache."""

    state: str  # cold or warm, as asked for
    file_bytes: int
    before_bytes: int  # resident before an epoch: the most of all epochs if cold, the least if warm
    after_bytes: int  # after the first epoch
    epochs: int  # that were prepared so
    source: str  # how pages were evicted or read in, and counted


@dataclass(frozen=True)
class Overlap:
    """A call beside a kernel that the device computes meanwhile: each alone, and both at once.

    The kernel is queued first, on the stream that the call finds current, as in a training loop.
    """

    kernel_s: float
    call_s: float
    both_s: float

    @property
    def fraction(self) -> float:
        """How much of the shorter one the longer one hides: 0 in turn, 1 entirely."""
        shorter = min(self.kernel_s, self.call_s)
        saved = self.kernel_s + self.call_s - self.both_s
        return min(1.0, max(0.0, saved / shorter)) if shorter > 0 else 0.0


@dataclass(frozen=True)
class DeviceTiming:
    """Calls that an accelerator may go on with after they have returned.

    A trial's ``Timing`` then holds the time until the device had nothing left to do, by the
    host's clock; here is what else is known of the same calls.
    """

    device: str  # type of the accelerator, such as cuda
    first_blocked_s: float  # until the first call had returned
    first_event_s: float | None  # by events on the current stream; None where there are none
    context_s: float  # making the context, before anything was timed
    empty_s: float | None  # what is measured of a call that does nothing; None where not timed
    blocked_s: tuple[float, ...] = ()  # one for each of the timing's samples
    events_s: tuple[float, ...] = ()
    overlaps: tuple[Overlap, ...] = ()
    note: str = ""  # what this backend lacks


@dataclass(frozen=True)
class DeviceMemory:
    """What a strategy did to the memory of an accelerator, and to pinned memory of the host.

    All are growth in bytes: of the setup over what was there before it, of the rest over the
    moment before the first call. None is what the backend does not tell. ``allocated`` lies in
    tensors, ``reserved`` is what torch's allocator has taken for them, ``used`` is device-wide,
    whoever took it.
    """

    setup_allocated_bytes: int | None
    peak_allocated_bytes: int | None
    peak_reserved_bytes: int | None
    retained_allocated_bytes: int | None  # while the result is alive
    retained_reserved_bytes: int | None
    left_allocated_bytes: int | None  # after it was dropped
    left_reserved_bytes: int | None
    emptied_reserved_bytes: int | None  # after the allocator's cache was emptied, too
    context_bytes: int | None  # device-wide, from before this process touched the device
    retained_used_bytes: int | None
    left_used_bytes: int | None
    emptied_used_bytes: int | None
    pinned_asked_bytes: int | None  # by the strategy's cost model, its setup included
    pinned_taken_bytes: int | None  # by torch's host allocator
    source: str
    used_source: str
    lies_in_host_memory: bool | None = None  # then the host's figures hold the device's, too


@dataclass(frozen=True)
class Limit:
    """One attempt of a search: a size, under a limit that the system enforces."""

    limit: str  # data, address_space (both setrlimit(2)) or cgroup
    budget_bytes: int  # what the process may have, Python itself included
    base_bytes: int  # of it, what Python, NumPy and torch had taken before any data
    size_bytes: int  # of the data that was tried
    stage: str  # what was being done when it failed: inputs or call; "" when it did not
    held_bytes: int | None = None  # of it, taken by inputs and setup; None if it failed before


@dataclass(frozen=True)
class Rank:
    """One of several training processes: its times, since all of them began to load."""

    built_s: float  # until its loader was made
    first_batch_s: float  # until its first batch had come
    waits_s: tuple[float, ...]  # of each epoch in the steady state, what it waited for batches
    epochs_s: tuple[float, ...]  # and what it took, from when all had met
    samples: int  # of an epoch


@dataclass(frozen=True)
class Ranks:
    """A launch of several ranks, each of which loaded its part of every epoch."""

    launcher: str
    backend: str  # of their process group
    launch_s: float  # until every rank could begin to load
    ranks: tuple[Rank, ...]
    rows: int = 0  # samples that there are
    missing: int | None = None  # of them, given to no rank in the epoch that was checked
    repeated: int | None = None  # given beyond once: padding, so that all have as many

    def covering(self, rows: int, missing: int, repeated: int) -> Ranks:
        """The same with what was found out about who was given what."""
        return replace(self, rows=rows, missing=missing, repeated=repeated)


UNFINISHED = Outcome("error", "the trial did not finish")


@dataclass(kw_only=True)
class Found:
    """What a trial finds out, noted as it goes on; what it does not get to keeps its default.

    These are the fields of a :class:`Trial` that only its own process can know. A quantity is
    added here, and nowhere else on the way to the journal.
    """

    outcome: Outcome
    payload_bytes: int = 0  # of the inputs, as the strategy sees them
    result_bytes: int = 0
    result: str = ""  # dtype, shape and layout of what came back
    shares_memory: bool | None = None  # by pointers: does the result overlap the inputs
    timing: Timing | None = None
    ledger: Ledger | None = None
    faults_first: Faults | None = None
    faults_steady: Faults | None = None  # per call
    threads: int = 0  # in force, as torch reports
    warnings: tuple[str, ...] = ()
    loading: Loading | None = None
    tree: Tree | None = None
    training: Training | None = None
    page_cache: PageCache | None = None
    limit: Limit | None = None
    device_timing: DeviceTiming | None = None
    device_memory: DeviceMemory | None = None
    unverified: str = ""  # what the check could not judge of a result that is ok
    switches_first: Switches | None = None  # None in journals from before they were counted
    switches_steady: Switches | None = None  # per call; in a duet with those of waiting for turns
    dtypes: tuple[str, str] = ("", "")  # of most of the inputs' bytes, and of the result's
    row_bytes: int = 0  # of the result: what one index of its first dimension holds
    ranks: Ranks | None = None

    def __post_init__(self) -> None:
        self.warnings = tuple(map(visible, self.warnings))


@dataclass(kw_only=True)
class Trial(Found):
    """What one fresh process found out about one case; the unit of the journal.

    It is what was found and what is known from outside. Nobody changes it once it is there.
    """

    case: int  # index into the plan
    kind: TrialKind
    round: int
    started_s: float = 0.0  # since the epoch
    wall_s: float = 0.0  # from asking the host to its answer
    reaped: int = 0  # processes the trial left behind, which were killed
    again: bool = False  # of an A/B run: measured anew, since earlier trials had flagged its case
    sitting: int = 0  # how often the run had been taken up again by then; read off the lines before
    # it, and never written


@dataclass(frozen=True)
class Work:
    """What a call or an epoch cannot do without, whichever way it goes about it.

    Its ceiling is measured by doing this and nothing else.
    """

    kind: str  # see harness.trial.ceilings; "": of a kind that is held against nothing
    read_bytes: int
    written_bytes: int = 0
    threads: int = 1
    block_bytes: int = 0  # written at a time, over and over, such as a batch; 0: all at once
    piece_bytes: int = 0  # that lie together, of what is read here and there
    workers: int = 0  # processes that write it
    dtypes: tuple[str, str] = ("", "")  # read and written, where they differ

    @property
    def moved_bytes(self) -> float:
        """What counts in a throughput: the mean of what is read and written.

        A plain copy counts once, as everywhere; what is only read counts in full.
        """
        return (self.read_bytes + (self.written_bytes or self.read_bytes)) / 2

    def rounded(self) -> Work:
        """As it is measured: work of about equal size has one ceiling."""
        read_bytes = _rounded(self.read_bytes)
        written_bytes = round(self.written_bytes * read_bytes / max(1, self.read_bytes))
        return replace(
            self,
            read_bytes=read_bytes,
            written_bytes=written_bytes,
            block_bytes=_rounded(self.block_bytes),
            piece_bytes=_rounded(self.piece_bytes),
        )


def _rounded(size_bytes: int) -> int:
    """To three binary digits: at most a ninth more or less."""
    step = 1 << max(0, size_bytes.bit_length() - 3)
    return (size_bytes + step // 2) // step * step


@dataclass(frozen=True)
class Ceiling:
    """What this machine can do at best, measured in the same run."""

    name: str  # the kind of its work; at first memcpy_touched, memcpy_fresh, memcpy_fresh_huge
    threads: int
    size_bytes: int
    bytes_per_s: float
    samples_s: tuple[float, ...] = ()
    note: str = ""
    text: str = ""  # what was done, as in "81% of copying"
    work: Work | None = None  # None where one size was measured for all cases, as at first


DISK_SEQUENTIAL, DISK_RANDOM = DISK_CEILINGS = ("disk_sequential", "disk_random")
DEVICE_TO, DEVICE_FROM, DEVICE_BOTH, DEVICE_COPY = DEVICE_CEILINGS = (
    "device_to", "device_from", "device_both", "device_copy",
)  # fmt: skip
BY_DIRECTION = {"to": DEVICE_TO, "from": DEVICE_FROM}
"""The ceiling of a transfer, by where it goes."""
