"""How far the instrument can be trusted here: planted work of known cost, measured by a host.

The truths are declared in :mod:`harness.trial.truths`. Nothing in this module imports torch.
"""

from __future__ import annotations

import math
import mmap
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from harness.host import Host
from harness.model import Effort, TrialKind, Value
from harness.scenario import TINY_BYTES
from harness.units import format_size

TRUTHS_FILE = Path(__file__).resolve().parent / "trial" / "truths.py"
MIB = 1024**2
SIZES = (1 * MIB, 8 * MIB, 64 * MIB, 512 * MIB)
QUICK_SIZES = (1 * MIB, 64 * MIB)
MEMORY_SHARE, MEMORY_BYTES = 0.01, MIB // 2
TIME_SHARE, TIME_NS, SHORT_NS = 0.02, 30.0, 10_000
_FAULTS = 16  # of the interpreter's own
_TIMEOUT_S = 60.0
_IN_MEMORY = ("tmpfs", "ramfs", "devtmpfs")


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

    @property
    def ok(self) -> bool:
        return abs(self.error) <= self.tolerance  # never true of a missing measurement

    @property
    def severity(self) -> float:
        """The error as a multiple of what is tolerated."""
        return math.inf if math.isnan(self.error) else abs(self.error) / self.tolerance


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


class Planted:
    """Runs trials of the planted scenarios on one host."""

    def __init__(self, host: Host, folder: Path) -> None:
        self.host = host
        self.folder = folder

    def trial(
        self,
        scenario: str,
        strategy: str,
        parameters: dict[str, Value],
        *,
        kind: TrialKind = "memory",
        steady_s: float = 0.0,
    ) -> tuple[dict[str, Any], float, str]:
        """The trial's record, the seconds it took, and the reason when it failed."""
        name, value = next(iter(parameters.items()))
        tiny = self._inputs(scenario, name, TINY_BYTES if name == "size" else value)
        request = {
            "path": str(TRUTHS_FILE),
            "scenario": scenario,
            "strategy": strategy,
            "parameters": parameters,
            "threads": 1,
            "effort": asdict(Effort(trials=1, steady_s=steady_s, timeout_s=_TIMEOUT_S)),
            "kind": kind,
            "fixture": self._inputs(scenario, name, value),
            "tiny_fixture": tiny,
        }
        report = self.host.call("measure", request, _TIMEOUT_S, observe=kind == "memory")
        if report.answer is None:
            return {}, report.wall_s, report.failure(_TIMEOUT_S).reason
        return report.answer, report.wall_s, report.answer["outcome"]["reason"]

    def _inputs(self, scenario: str, name: str, value: Value) -> str:
        file = self.folder / f"{scenario}-{value}.bin"
        if not file.exists():
            request = {
                "path": str(TRUTHS_FILE),
                "scenario": scenario,
                "parameters": {name: value},
                "seed": 0,
                "file": str(file),
            }
            self.host.ask("make", request)
        return str(file)


@contextmanager
def planted(host: Host) -> Iterator[Planted]:
    """The planted scenarios, with a folder on a real disk for as long as they are measured."""
    with tempfile.TemporaryDirectory(prefix="ferrybench-truths-", dir=_folder_on_disk()) as folder:
        yield Planted(host, Path(folder))


def _folder_on_disk() -> str:
    """A folder for temporary files whose mapped pages count as file pages: not in memory."""
    mounts = {mount.mountpoint: mount.fstype for mount in psutil.disk_partitions(all=True)}
    for folder in (Path(tempfile.gettempdir()), Path("/var/tmp"), Path.cwd()):  # noqa: S108
        path = folder.resolve()
        mounted = next((str(p) for p in (path, *path.parents) if str(p) in mounts), "")
        if path.is_dir() and mounts.get(mounted) not in _IN_MEMORY:
            return str(path)
    return tempfile.gettempdir()


def memory_checks(
    host: Host,
    *,
    sizes: Sequence[int] = SIZES,
    truths: Sequence[str] = tuple(MEMORY_TRUTHS),
) -> list[AccuracyCheck]:
    """Peak, copies and kept memory of every truth at every size; the worst of the three each.

    Copies are anonymous and shared memory at the peak: for file pages alone they must be none.
    """
    checks = []
    with planted(host) as planting:
        for size in sizes:
            file = planting.folder / "mapped"
            _write(file, size)
            parameters: dict[str, Value] = {"size": size, "file": str(file)}
            for name in truths:
                record, _, problem = planting.trial("memory_truths", name, parameters)
                checks.append(_memory_check(MEMORY_TRUTHS[name], size, record, problem))
    return checks


def _write(file: Path, size: int) -> None:
    with file.open("wb") as stream:
        for _ in range(size // MIB):
            stream.write(b"\1" * MIB)


def _memory_check(
    truth: MemoryTruth, size: int, record: dict[str, Any], problem: str
) -> AccuracyCheck:
    name = f"{truth.label}, {format_size(size)}"
    tolerance = max(MEMORY_SHARE * size, MEMORY_BYTES)
    if problem or not record:
        return _missing(name, tolerance, "bytes", problem)
    ledger = record["ledger"]
    readings = {
        "peak": (ledger["peak_extra_bytes"], truth.anon + truth.file + truth.shmem),
        "copied": (
            ledger["peak"]["anon_bytes"] + ledger["peak"]["shmem_bytes"],
            truth.anon + truth.shmem,
        ),
        "kept": (sum(ledger["retained"].values()), truth.kept),
    }
    return max(
        (
            _compared(f"{name}: {reading}", measured, multiple * size, tolerance, "bytes")
            for reading, (measured, multiple) in readings.items()
        ),
        key=lambda check: check.severity,
    )


def fault_checks(host: Host, *, sizes: Sequence[int] = (8 * MIB, 64 * MIB)) -> list[AccuracyCheck]:
    """Page faults of touching fresh small pages, of which each costs exactly one."""
    checks = []
    with planted(host) as planting:
        for size in sizes:
            pages = size // mmap.PAGESIZE
            name, tolerance = f"{pages} fresh pages touched", max(0.01 * pages, _FAULTS)
            record, _, problem = planting.trial("memory_truths", "small_pages", {"size": size})
            if problem or not record:
                checks.append(_missing(name, tolerance, "faults", problem))
            else:
                faults = record["faults_first"]["minor"]
                checks.append(_compared(name, faults, pages, tolerance, "faults"))
    return checks


OPERATIONS = (("count", 400), ("count", 20_000), ("wait", 20_000), ("wait", 1_000_000))
"""Strategies of the clock truths, with about how many nanoseconds a call should take."""


def time_checks(host: Host, *, total_s: float = 1.0) -> list[AccuracyCheck]:
    """The stopwatch against a loop written by hand, in turns in one process, in nanoseconds.

    A bias of the stopwatch moves both the median difference of neighbouring rounds, each at its
    fastest, and the difference of the fastest samples of all; noise of the machine seldom moves
    both. The smaller of the two is therefore the error.

    Args:
        host: where to measure.
        total_s: how long each operation is measured.
    """
    checks = []
    for strategy, target_ns in OPERATIONS:
        request = {"strategy": strategy, "target_ns": target_ns, "total_s": total_s}
        rounds = host.ask("time_both_ways", request)["rounds"]
        watch = [min(each["stopwatch_ns"]) for each in rounds]
        hand = [min(each["by_hand_ns"]) for each in rounds]
        name = f"{strategy} {target_ns / 1000:g} µs"
        checks.append(_time_check(f"{name}, by hand", watch, hand))
        if strategy == "wait" and target_ns >= 100 * SHORT_NS:  # one reading of the clock is 0.01%
            tolerance = TIME_SHARE * target_ns
            checks.append(_compared(f"{name}, as asked", min(watch), target_ns, tolerance, "ns"))
    return checks


def _time_check(name: str, watch: Sequence[float], hand: Sequence[float]) -> AccuracyCheck:
    of_rounds = statistics.median(w - h for w, h in zip(watch, hand, strict=True))
    of_fastest = min(watch) - min(hand)
    truth = statistics.median(hand)
    error = min(of_rounds, of_fastest, key=abs)
    tolerance = TIME_NS if truth < SHORT_NS else TIME_SHARE * truth
    return AccuracyCheck(name, truth + error, truth, error, tolerance, "ns")


def _compared(
    name: str, measured: float, truth: float, tolerance: float, unit: str
) -> AccuracyCheck:
    return AccuracyCheck(name, measured, truth, measured - truth, tolerance, unit)


def _missing(name: str, tolerance: float, unit: str, problem: str) -> AccuracyCheck:
    note = problem or "no measurement"
    return AccuracyCheck(name, math.nan, math.nan, math.nan, tolerance, unit, note)


def check_all(host: Host, *, quick: bool = True) -> list[AccuracyCheck]:
    """Every check; the quick ones take about five seconds and no more than 130 MiB."""
    sizes = QUICK_SIZES if quick else SIZES
    return [
        *memory_checks(host, sizes=sizes),
        *fault_checks(host),
        *time_checks(host, total_s=0.4 if quick else 1.0),
    ]
