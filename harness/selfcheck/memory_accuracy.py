"""How far the instrument can be trusted here: planted work of known cost, measured by a host.

The truths are declared in :mod:`harness.trial.planted.memory`. Nothing in this module imports
torch.
"""

from __future__ import annotations

import math
import mmap
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.host.host import Host
from harness.schema.records import MISSED, Ledger, Value
from harness.schema.request import BothWaysRequest
from harness.selfcheck.planted import planted, write_file
from harness.units import MIB, MISSING, format_seconds, format_size

TRUTH_SIZES = (1 * MIB, 8 * MIB, 64 * MIB, 512 * MIB)
QUICK_SIZES = (1 * MIB, 64 * MIB)
MEMORY_SHARE, MEMORY_BYTES = 0.01, MIB // 2
TIME_SHARE, TIME_NS, SHORT_NS = 0.02, 30.0, 10_000
ATTEMPTS = 3  # at a time that comes out wrong, or a peak that the observer missed
_FAULTS = 16  # of the interpreter's own


@dataclass(frozen=True)
class AccuracyCheck:
    """One measurement beside its truth, both in ``unit``: bytes, ns or faults."""

    name: str
    measured: float
    truth: float
    error: float
    tolerance: float
    unit: str
    note: str = ""  # why there is no measurement
    refused: bool = False  # there is one, which is known to be no more than a lower bound

    @property
    def ok(self) -> bool:
        return abs(self.error) <= self.tolerance  # never true of a missing measurement

    def texts(self) -> tuple[str, str, str, str]:
        """Truth, measurement, error and tolerance, as people read them."""
        if math.isnan(self.error):
            return MISSING, self.note, MISSING, _text(self.tolerance, self.unit)
        truth, measured, error, tolerance = (
            _text(value, self.unit)
            for value in (self.truth, self.measured, self.error, self.tolerance)
        )
        return truth, measured, error, tolerance

    @property
    def severity(self) -> float:
        """The error as a multiple of what is tolerated."""
        return math.inf if math.isnan(self.error) else abs(self.error) / self.tolerance


def _text(value: float, unit: str) -> str:
    if unit == "bytes":
        return format_size(value)
    return format_seconds(value / 1e9) if unit == "ns" else f"{value:g}"


@dataclass(frozen=True)
class MemoryTruth:
    """What a strategy of the memory truths does, as multiples of its size."""

    label: str
    anon: int = 0  # at the peak
    file: int = 0
    shmem: int = 0
    kept: int = 0  # while the result is alive, of any kind


MEMORY_TRUTHS = {
    "numpy_kept": MemoryTruth("NumPy, kept", anon=1, kept=1),
    "numpy_dropped": MemoryTruth("NumPy, dropped after 1 ms", anon=1),
    "numpy_dropped_asleep": MemoryTruth("NumPy, dropped after 1 ms asleep", anon=1),
    "torch_kept": MemoryTruth("torch, kept", anon=1, kept=1),
    "torch_dropped": MemoryTruth("torch, dropped after 1 ms", anon=1),
    "file_kept": MemoryTruth("mapped file, kept", file=1, kept=1),
    "file_dropped": MemoryTruth("mapped file, unmapped after 1 ms", file=1),
    "file_copied": MemoryTruth("mapped file and a copy, copy kept", anon=1, file=1, kept=1),
    "shared_kept": MemoryTruth("shared memory, kept", shmem=1, kept=1),
    "shared_dropped": MemoryTruth("shared memory, dropped after 1 ms", shmem=1),
    "moved_to_shared": MemoryTruth("torch, moved to shared memory", anon=1, shmem=1, kept=1),
}


def memory_checks(host: Host, *, sizes: Sequence[int] = TRUTH_SIZES) -> list[AccuracyCheck]:
    """Every memory truth at every size: whichever of its readings is furthest off."""
    return [
        max(readings.values(), key=lambda check: check.severity)
        for readings in memory_readings(host, sizes=sizes)
    ]


def memory_readings(
    host: Host, *, sizes: Sequence[int] = TRUTH_SIZES, truths: Sequence[str] = tuple(MEMORY_TRUTHS)
) -> Iterator[dict[str, AccuracyCheck]]:
    """For every size and truth its readings: ``peak``, ``copied`` and ``kept``.

    Copied is anonymous and shared memory at the peak: for file pages alone there must be none.
    """
    with planted(host) as planting:
        for size in sizes:
            file = planting.folder / "mapped"
            write_file(file, size)
            parameters: dict[str, Value] = {"size": size, "file": str(file)}
            for name in truths:
                for _ in range(ATTEMPTS):
                    found, _, problem = planting.trial("memory_truths", name, parameters)
                    ledger = found.ledger if found is not None and not problem else None
                    if ledger is None or ledger.split_source != MISSED:
                        break
                yield _readings(MEMORY_TRUTHS[name], size, ledger, problem)


def _readings(
    truth: MemoryTruth, size: int, ledger: Ledger | None, problem: str
) -> dict[str, AccuracyCheck]:
    name = f"{truth.label}, {format_size(size)}"
    tolerance = max(MEMORY_SHARE * size, MEMORY_BYTES)
    if ledger is None:
        return {"peak": missing(name, tolerance, "bytes", problem)}
    peak = ledger.peak
    pairs = {
        "peak": (ledger.peak_extra_bytes, truth.anon + truth.file + truth.shmem),
        "copied": (peak.anon_bytes + peak.shmem_bytes, truth.anon + truth.shmem),
        "kept": (ledger.retained.total_bytes, truth.kept),
    }
    return {
        reading: compared(f"{name}: {reading}", measured, multiple * size, tolerance, "bytes")
        for reading, (measured, multiple) in pairs.items()
    }


def fault_checks(host: Host, *, sizes: Sequence[int] = (8 * MIB, 64 * MIB)) -> list[AccuracyCheck]:
    """Page faults of touching fresh small pages, of which each costs exactly one."""
    checks = []
    with planted(host) as planting:
        for size in sizes:
            pages = size // mmap.PAGESIZE
            name, tolerance = f"{pages} fresh pages touched", max(0.01 * pages, _FAULTS)
            found, _, problem = planting.trial("memory_truths", "small_pages", {"size": size})
            if problem or found is None or found.faults_first is None:
                checks.append(missing(name, tolerance, "faults", problem))
            else:
                faults = found.faults_first.minor
                checks.append(compared(name, faults, pages, tolerance, "faults"))
    return checks


OPERATIONS = (("count", 400), ("count", 20_000), ("wait", 20_000), ("wait", 1_000_000))
"""Strategies of the clock truths, with about how many nanoseconds a call should take."""


def time_checks(
    host: Host, *, total_s: float = 1.0, attempts: int = ATTEMPTS
) -> list[AccuracyCheck]:
    """The stopwatch against a loop written by hand, in turns in one process, in nanoseconds.

    A bias of the stopwatch moves both the median difference of neighbouring rounds, each at its
    fastest, and the difference of the fastest samples of all; noise of the machine seldom moves
    both. The smaller of the two is therefore the error. For the same reason what is off is
    measured again: a bias is still there.

    Args:
        host: where to measure.
        total_s: how long each operation is measured.
        attempts: how often what is off is measured; 1 where every reading is to be reported.
    """
    checks = []
    for strategy, target_ns in OPERATIONS:
        for _ in range(attempts):
            found = _time_operation(host, strategy, target_ns, total_s)
            if all(check.ok for check in found):
                break
        checks += found
    return checks


def _time_operation(
    host: Host, strategy: str, target_ns: int, total_s: float
) -> list[AccuracyCheck]:
    rounds = host.ask(BothWaysRequest(strategy, target_ns, total_s))["rounds"]
    watch = [min(each["stopwatch_ns"]) for each in rounds]
    hand = [min(each["by_hand_ns"]) for each in rounds]
    truth = statistics.median(hand)
    of_rounds = statistics.median(w - h for w, h in zip(watch, hand, strict=True))
    of_fastest = min(watch) - min(hand)
    error = min(of_rounds, of_fastest, key=abs)
    tolerance = TIME_NS if target_ns < SHORT_NS else TIME_SHARE * truth
    name = f"{strategy} {target_ns / 1000:g} µs"
    checks = [AccuracyCheck(f"{name}, by hand", truth + error, truth, error, tolerance, "ns")]
    if strategy == "wait" and target_ns >= 100 * SHORT_NS:  # one reading of the clock is 0.01%
        tolerance = TIME_SHARE * target_ns
        checks.append(compared(f"{name}, as asked", min(watch), target_ns, tolerance, "ns"))
    return checks


def compared(
    name: str, measured: float, truth: float, tolerance: float, unit: str
) -> AccuracyCheck:
    """A measurement beside its truth."""
    return AccuracyCheck(name, measured, truth, measured - truth, tolerance, unit)


def missing(name: str, tolerance: float, unit: str, problem: str) -> AccuracyCheck:
    """A measurement that could not be made."""
    note = problem or "no measurement"
    return AccuracyCheck(name, math.nan, math.nan, math.nan, tolerance, unit, note)


def check_all(host: Host, *, quick: bool = True) -> list[AccuracyCheck]:
    """Every check; the quick ones take about five seconds and no more than 130 MiB."""
    sizes = QUICK_SIZES if quick else TRUTH_SIZES
    return [
        *memory_checks(host, sizes=sizes),
        *fault_checks(host),
        *time_checks(host, total_s=0.4 if quick else 1.0),
    ]
