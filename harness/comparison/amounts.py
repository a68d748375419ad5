"""What a trial counts rather than times: memory, page faults.

Most of it hardly varies from process to process, and then little is enough to call a change. Some
does, by the luck of where an allocator finds room: a loader's batches may take twice the memory in
every second process. So every trial's reading counts, and a change is called only where the two
sides lie apart by more than the tolerance and neither varies by more itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from harness.comparison.sides import MeasuredCase
from harness.comparison.tolerance import Tolerance
from harness.schema.records import MISSED, Trial
from harness.units import format_size

RUN_TO_RUN_BYTES = 100 * 1024
"""What two readings of the same memory may differ by: see ``python -m harness.bench``."""
RUN_TO_RUN_FAULTS = 64
PAGE_BYTES = 4096


@dataclass(frozen=True)
class Scale:
    """By what a case's amounts are judged, besides themselves.

    Args:
        payload_bytes: of its inputs.
        grain_bytes: what memory comes in where Python's small objects took any: an arena.
    """

    payload_bytes: int = 0
    grain_bytes: int = 0

    @classmethod
    def of(cls, cases: Iterable[MeasuredCase]) -> Scale:
        """The largest of them all."""
        trials = [trial for case in cases for trial in case.trials]
        return widest(
            cls(trial.payload_bytes, trial.ledger.arena_bytes if trial.ledger else 0)
            for trial in trials
        )


def widest(scales: Iterable[Scale]) -> Scale:
    """The largest of each."""
    known = [Scale(), *scales]
    return Scale(max(s.payload_bytes for s in known), max(s.grain_bytes for s in known))


@dataclass(frozen=True)
class Amount:
    """One thing that is counted.

    Args:
        name: as reports call it.
        unit: bytes or faults.
        read: the reading of a trial; None where it has none.
        tolerance: its share of a Tolerance.
        stray: a difference that is always none.
        trials: those of a case that can be read.
    """

    name: str
    unit: str
    read: Callable[[Trial], float | None]
    tolerance: Callable[[Tolerance], float]
    stray: float
    trials: Callable[[MeasuredCase], tuple[Trial, ...]] = lambda case: case.trials

    def of(self, case: MeasuredCase) -> tuple[float, ...]:
        """A case's readings, ascending."""
        readings = (self.read(trial) for trial in self.trials(case) if trial.outcome.ok)
        return tuple(sorted(value for value in readings if value is not None))

    def differences(self, base: MeasuredCase, candidate: MeasuredCase) -> list[float]:
        """What the candidate has more than the base, in trials of one kind and round."""
        then, now = (
            {(t.kind, t.round): self.read(t) for t in self.trials(case) if t.outcome.ok}
            for case in (base, candidate)
        )
        return [
            mine - theirs
            for key in then.keys() & now.keys()
            if (mine := now[key]) is not None and (theirs := then[key]) is not None
        ]

    def text(self, value: float) -> str:
        """A reading, or a difference, as people write it."""
        return format_size(value) if self.unit == "bytes" else f"{value:,.0f} {self.unit}"

    def allowed(self, base: float, scale: Scale, tolerance: Tolerance) -> float:
        """How far the candidate may be from the base."""
        share = self.tolerance(tolerance)
        if self.unit == "bytes":
            return scale.grain_bytes + max(self.stray, share * max(base, scale.payload_bytes))
        return scale.grain_bytes / PAGE_BYTES + max(self.stray, share * base)


def _peak(trial: Trial) -> float | None:
    """Anonymous and shared memory at the peak; not of a trial whose observer missed it."""
    ledger = trial.ledger
    if ledger is None or ledger.split_source == MISSED:
        return None
    return ledger.peak.anon_bytes + ledger.peak.shmem_bytes


def _told_apart(case: MeasuredCase) -> tuple[Trial, ...]:
    """Trials whose peak is known without the pages of files: all where there are none to speak of.

    Only an observer tells file pages from others while they last.
    """
    observed = [t for t in case.trials if t.ledger and t.kind == "memory"]
    mapped = max((t.ledger.peak.file_bytes for t in observed if t.ledger), default=0)
    return case.trials if mapped <= RUN_TO_RUN_BYTES else tuple(observed)


def _retained(trial: Trial) -> float | None:
    if trial.ledger is None:
        return None
    return max(0, trial.ledger.retained.anon_bytes + trial.ledger.retained.shmem_bytes)


def _left(trial: Trial) -> float | None:
    if trial.ledger is None:
        return None
    return max(0, trial.ledger.left.anon_bytes + trial.ledger.left.shmem_bytes)


def _tree(trial: Trial) -> float | None:
    return trial.tree.peak.own_bytes if trial.tree else None


def _faults_first(trial: Trial) -> float | None:
    return trial.faults_first.minor if trial.faults_first else None


def _faults_steady(trial: Trial) -> float | None:
    return trial.faults_steady.minor if trial.faults_steady else None


def _of_memory(tolerance: Tolerance) -> float:
    return tolerance.memory


def _of_faults(tolerance: Tolerance) -> float:
    return tolerance.faults


AMOUNTS = (
    Amount("memory at the peak", "bytes", _peak, _of_memory, RUN_TO_RUN_BYTES, _told_apart),
    Amount("memory kept with the result", "bytes", _retained, _of_memory, RUN_TO_RUN_BYTES),
    Amount("memory left after it was dropped", "bytes", _left, _of_memory, RUN_TO_RUN_BYTES),
    Amount("memory of the process tree", "bytes", _tree, _of_memory, 4 * 1024**2),
    Amount("page faults of the first call", "faults", _faults_first, _of_faults, RUN_TO_RUN_FAULTS),
    Amount("page faults a steady call", "faults", _faults_steady, _of_faults, RUN_TO_RUN_FAULTS),
)
