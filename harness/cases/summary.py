"""One case and what its trials found out: the one form in which all that follows knows it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.cases.copies import copied_bytes, copies_of
from harness.cases.parts.device import DeviceSummary
from harness.cases.parts.limit import LimitSummary
from harness.cases.parts.loading import LoadingSummary
from harness.cases.parts.ranks import RanksSummary
from harness.cases.parts.training import CacheSummary, TrainingSummary
from harness.schema.records import (
    DEFAULT_HOST,
    TIMED,
    Ceiling,
    Ledger,
    PlannedCase,
    StatedTiming,
    Tree,
    Trial,
    Value,
)
from harness.stats.contest import ALONE, ContestRule
from harness.stats.intervals import NOTHING, Interval, known_median

NEGLIGIBLE_BYTES = 512 * 1024
"""Memory below this is within what the ledger itself is accurate to."""

ABOVE_CEILING = 1.05
"""The share of its ceiling above which a case is doubtful: less, measuring itself leaves open."""


@dataclass(frozen=True)
class CaseSummary:
    """One case and what its trials found out. Sizes are bytes, times seconds.

    An interval is over the processes that it was made of, with a coverage and a count of its own.
    What is not known is nan of a number, "" of a text, and None of everything else.
    """

    run_id: str
    planned: PlannedCase
    outcome: str
    size_bytes: int | None = None
    ours: bool = True  # planned by ferrybench; else its parameters mean whatever they mean
    reason: str = ""
    kind: str = ""  # what gave way, of a case that failed
    where: str = ""  # the line of the scenario's code: ``tensor_from_array.py:57: return …``
    group: str = ""
    trials: int = 0
    measured: tuple[Trial, ...] = ()  # the trials, without the attempts of a search
    observed: Trial | None = None  # the one of them whose memory is the case's
    first: Interval = NOTHING
    steady: Interval = NOTHING
    steady_min_s: float = math.nan
    samples: int | None = 0
    ratio: Interval = NOTHING  # paired with the baseline's, round by round
    rate_bytes_per_s: float = math.nan
    ceiling: Ceiling | None = None  # the best that the machine can do of the same work
    faults_steady: float = math.nan  # minor ones, per call
    two_modes: bool | None = False  # None where single samples are not known
    reaped: int = 0
    warnings: str = ""
    unverified: str = ""  # what the check could not judge
    loading: LoadingSummary | None = None
    tree: Tree | None = None
    epochs: TrainingSummary | None = None  # of every loader, even where no step is taken
    cache: CacheSummary | None = None
    limit: LimitSummary | None = None
    device: DeviceSummary | None = None
    rule: ContestRule = ALONE  # how sure its run has to be of a contest
    ranks: RanksSummary | None = None

    @property
    def scenario(self) -> str:
        return self.planned.case.scenario

    @property
    def strategy(self) -> str:
        return self.planned.case.strategy

    @property
    def host(self) -> str:
        return self.planned.case.host

    @property
    def baseline(self) -> bool:
        return self.planned.baseline

    @cached_property
    def parameters(self) -> Mapping[str, Value]:
        """As planned, without the size."""
        given = self.planned.case.parameters
        return {n: value for n, value in given.items() if not (self.ours and n == "size")}

    @property
    def expected_copies(self) -> float:
        known = self.planned.expected_copies
        return math.nan if known is None else known

    @property
    def training(self) -> TrainingSummary | None:
        """What came of a case whose batches a training step computed on; None of others."""
        return self.epochs if self.epochs and not math.isnan(self.epochs.stall.median) else None

    @property
    def threads(self) -> int:
        """In force, as torch reported; 0 when nothing ran."""
        return max((trial.threads for trial in self.measured), default=0)

    @cached_property
    def processes(self) -> tuple[Trial, ...]:
        """The trials that measured time, and ended well."""
        return tuple(
            trial
            for trial in self.measured
            if trial.kind in TIMED and trial.timing and trial.outcome.ok
        )

    @cached_property
    def stated(self) -> Mapping[str, Any]:
        """The statistics of another program that measured the case, by its names; else empty."""
        timings = (trial.timing for trial in self.processes)
        return next((one.stated for one in timings if isinstance(one, StatedTiming)), {})

    def middle(self, read: Callable[[Trial], float | None]) -> float:
        """The median over those processes of what is read off each; NaN where it is of none."""
        return known_median(map(read, self.processes))

    @property
    def ledger(self) -> Ledger | None:
        """What the first call did to its process's memory."""
        return self.observed.ledger if self.observed else None

    @property
    def known_ledger(self) -> Ledger | None:
        """The same, if its figures are known."""
        return self.ledger if self.ledger and not self.ledger.doubt else None

    @property
    def memory_unknown(self) -> str:
        """Why they are not, where they were measured."""
        return self.ledger.doubt if self.ledger else ""

    @property
    def ceiling_fraction(self) -> float:
        """Its throughput as a share of its ceiling's; NaN without a ceiling."""
        return self.rate_bytes_per_s / self.ceiling.bytes_per_s if self.ceiling else math.nan

    @property
    def above_ceiling(self) -> bool:
        """Faster than its ceiling by more than what measuring leaves open: a doubt about that."""
        return self.ceiling_fraction > ABOVE_CEILING

    @property
    def payload_bytes(self) -> float:
        if self.observed:
            return self.observed.payload_bytes
        known = max((trial.payload_bytes for trial in self.measured), default=0)
        return known or math.nan

    @property
    def peak_extra_bytes(self) -> float:
        return self.known_ledger.peak_extra_bytes if self.known_ledger else math.nan

    @property
    def peak_anon_bytes(self) -> float:
        return self.known_ledger.peak.anon_bytes if self.known_ledger else math.nan

    @property
    def peak_file_bytes(self) -> float:
        return self.known_ledger.peak.file_bytes if self.known_ledger else math.nan

    @property
    def peak_shmem_bytes(self) -> float:
        return self.known_ledger.peak.shmem_bytes if self.known_ledger else math.nan

    @property
    def left_bytes(self) -> float:
        return copied_bytes(self.known_ledger.left) if self.known_ledger else math.nan

    @property
    def copies(self) -> float:
        return copies_of(self.ledger, self.observed.payload_bytes) if self.observed else math.nan

    @property
    def shares_memory(self) -> bool | None:
        return self.observed.shares_memory if self.observed else None

    @property
    def result(self) -> str:
        return self.observed.result if self.observed else ""

    @property
    def faults_first(self) -> float:
        faults = self.observed.faults_first if self.observed else None
        return faults.minor if faults else math.nan

    @property
    def memory_source(self) -> str:
        return self.ledger.source if self.ledger else ""

    @property
    def ok(self) -> bool:
        return self.outcome == "ok"

    @property
    def timed(self) -> bool:
        """Whether there is a steady-state time that may be compared with others."""
        return self.ok and self.steady.median > 0

    @property
    def pace(self) -> Interval:
        """The steady state in what can be compared over a sweep: per sample of a loader, or call.

        An epoch's own time depends on how many samples it has.
        """
        return self.loading.sample if self.loading else self.steady

    @property
    def batch(self) -> Interval:
        """The steady state per batch of a loader; nothing for what is none."""
        return self.steady.divided(self.loading.batches if self.loading else 0)

    @property
    def extra_bytes(self) -> float:
        """Extra memory at the peak of the first call.

        Of what trains from files, without their pages: those are the data, and the system's.
        """
        if self.training is None or math.isnan(self.peak_file_bytes):
            return self.peak_extra_bytes
        return max(0.0, self.peak_extra_bytes - self.peak_file_bytes)

    @property
    def peak_multiple(self) -> float:
        """The same in multiples of the data."""
        return self.extra_bytes / self.payload_bytes if self.payload_bytes > 0 else math.nan

    @property
    def tree_bytes(self) -> float:
        """Most growth of the whole process tree: every shared page once, file pages not at all."""
        return self.tree.peak.own_bytes if self.tree else math.nan

    @property
    def tree_multiple(self) -> float:
        """The same in multiples of the data."""
        return self.tree_bytes / self.payload_bytes if self.payload_bytes > 0 else math.nan

    @property
    def tree_rss_bytes(self) -> float:
        """What adding up RSS would have made of that growth: shared pages many times."""
        if self.tree is None or not self.tree.course:
            return math.nan
        return self.tree.peak.rss_bytes - self.tree.course[0].rss_bytes

    @property
    def tree_rss_multiple(self) -> float:
        """The same in multiples of the data."""
        return self.tree_rss_bytes / self.payload_bytes if self.payload_bytes > 0 else math.nan

    @property
    def workers(self) -> int:
        """Worker processes that the case asks for."""
        asked = self.parameters.get("num_workers", 0)
        return asked if isinstance(asked, int) else 0

    @property
    def point(self) -> tuple[tuple[str, Value], ...]:
        """All parameters but the size: rows of equal size and point may be compared."""
        return tuple(self.parameters.items())

    @property
    def name(self) -> str:
        """The strategy, and the host where it is not the default one."""
        return self.strategy if self.host == DEFAULT_HOST else f"{self.strategy} @{self.host}"
