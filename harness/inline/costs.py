"""What one measured function turned out to cost, as data."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from harness.cases.copies import copied_bytes, copies_of
from harness.inline.threads_and_children import Holdings
from harness.schema.records import Faults, Ledger, Outcome, Trial
from harness.stats.intervals import Interval, median_interval

UNVERIFIED = "not verified"
"""How :attr:`Costs.verified` begins where results, or a part of them, could not be compared."""
UNVERIFIED_AS_ASKED = f"{UNVERIFIED}, as requested"
STRAY_BYTES = 128 * 1024
"""Never held against a function: pages of the interpreter's own, and of the kernel's counting."""


@dataclass(frozen=True)
class Repeats:
    """What calls in the steady state added, in the process in which it was most."""

    calls: int
    descriptors: int | None  # None where the system does not say
    processes: int | None
    anon_bytes: int  # anonymous memory that is not free, at the least


@dataclass(frozen=True)
class Costs:
    """One function, measured in processes of its own; see :class:`harness.Measurement`.

    Sizes are bytes, times seconds. Unknown values are None, an empty tuple or NaN.
    """

    name: str
    outcome: Outcome
    traceback: str = ""  # of what the function raised
    verified: str = ""  # how its results were checked
    payload_bytes: int = 0  # also where they are not known: see payload_unknown
    payload_source: str = ""  # whose: arguments, object, closure, globals, or given
    payload_unknown: str = ""  # why its bytes are not known; empty where they are
    result: str = ""  # dtype, shape and layout of what came back
    result_bytes: int = 0
    shares_memory: bool | None = None  # by addresses: does the result lie in the payload's memory
    sharing_unknown: str = ""  # why that is not known
    ledger: Ledger | None = None  # of the second call in its process; of the first if not warm
    first_ledger: Ledger | None = None  # of the first call: with imports, and caches it fills
    faults_first: Faults | None = None  # of the first call, the median over processes
    faults_steady: Faults | None = None  # per call, the median over processes
    first_calls_s: tuple[float, ...] = ()  # one for each process that measured time
    samples_s: tuple[tuple[float, ...], ...] = ()  # steady state, by process
    threads: int = 0  # that torch would use; 0 without torch
    warnings: tuple[str, ...] = ()  # that the function gave
    remarks: tuple[str, ...] = ()  # what to know of these figures
    leftovers: Holdings | None = None  # of the first call, once its result was dropped
    repeats: Repeats | None = None  # None where time was not measured
    other_threads: tuple[str, ...] = ()  # of the calling process, which a fork does not take along
    wall_s: float = 0.0  # all of it took
    trials: tuple[Trial, ...] = ()  # process by process, as a journal holds them

    @property
    def ok(self) -> bool:
        return self.outcome.ok

    @property
    def known_ledger(self) -> Ledger | None:
        """The ledger, if its figures are known; where they may be too low, it says why."""
        return self.ledger if self.ledger and not self.ledger.doubt else None

    @property
    def is_verified(self) -> bool | None:
        """Whether results were compared or checked; None where nobody asked for that."""
        if not self.verified or self.verified == UNVERIFIED_AS_ASKED:
            return None
        return not self.verified.startswith(UNVERIFIED)

    @property
    def copies(self) -> float:
        """Anonymous and shared memory at the peak, in multiples of the payload; else NaN."""
        return copies_of(self.ledger, self.payload_bytes)

    @property
    def peak_extra_bytes(self) -> float:
        """Memory of all kinds at the peak of the call, above what was there before."""
        return self.known_ledger.peak_extra_bytes if self.known_ledger else float("nan")

    @property
    def copied_bytes(self) -> float:
        """Anonymous and shared memory at the peak: without mapped files."""
        return copied_bytes(self.known_ledger.peak) if self.known_ledger else float("nan")

    @property
    def retained_bytes(self) -> float:
        """Anonymous and shared memory kept while the result was alive."""
        return copied_bytes(self.known_ledger.retained) if self.known_ledger else float("nan")

    @property
    def left_bytes(self) -> float:
        """Anonymous and shared memory left after the result was dropped."""
        return copied_bytes(self.known_ledger.left) if self.known_ledger else float("nan")

    @property
    def first_call(self) -> Interval:
        """Seconds of the first call in a process, over processes."""
        return median_interval(self.first_calls_s)

    @property
    def first_call_s(self) -> float:
        return self.first_call.median

    @property
    def steady(self) -> Interval:
        """Seconds per call in the steady state, over the medians of processes."""
        return median_interval([statistics.median(own) for own in self.samples_s if own])

    @property
    def steady_median_s(self) -> float:
        return self.steady.median

    @property
    def minor_faults_first(self) -> float:
        return self.faults_first.minor if self.faults_first else float("nan")

    @property
    def minor_faults_steady(self) -> float:
        return self.faults_steady.minor if self.faults_steady else float("nan")
