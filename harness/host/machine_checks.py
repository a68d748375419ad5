"""Is this machine fit to measure on: what would distort measurements, and what to do about it."""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.host.environment import FREE, Environment, python_text
from harness.units import format_seconds, format_size

State = Literal["good", "note", "bad"]

BUSY_LOAD = 0.5  # runnable processes per processor, from which timing shares its processor
LOW_MEMORY_BYTES = 2 * 1024**3
LOW_DISK_BYTES = 2 * 1024**3
COARSE_CLOCK_S = 1e-6
UNSTEADY = 1.2  # slow tenth over median of a fixed piece of work
STOLEN = 0.02  # share of processor time that the hypervisor gave to others
COUNT_BATCH_PAGES = 32  # the kernel folds a process's page counts in batches of at least this


@dataclass(frozen=True)
class MachineCheck:
    """One thing looked at."""

    name: str
    state: State
    text: str
    advice: str = ""


def examine(environment: Environment) -> list[MachineCheck]:
    """Check everything that is known to distort measurements.

    Takes about a second, most of it for watching how steadily the processor works.
    """
    checks: tuple[Callable[[Environment], Iterator[MachineCheck]], ...] = (
        _start_method,
        _interpreters,
        _peak_memory,
        _huge_pages,
        _load,
        _governor,
        _processors,
        _memory,
        _disk,
        _clock,
        _steadiness,
    )
    return [finding for check in checks for finding in check(environment)]


def _start_method(environment: Environment) -> Iterator[MachineCheck]:
    if hasattr(os, "fork"):
        yield MachineCheck("fresh processes", "good", "fork: a trial starts in milliseconds")
    else:
        yield MachineCheck(
            "fresh processes", "note", "no fork on this system: each trial imports torch again"
        )


def _interpreters(environment: Environment) -> Iterator[MachineCheck]:
    for host in environment.hosts.values():
        text = f"{python_text(host)}; workers start by {host['start_method']} by default"
        if host["gil"] in FREE:
            advice = "compare only with runs of such a build; the checks below show what holds"
            yield MachineCheck("Python", "note", text, advice)
        else:
            yield MachineCheck("Python", "good", text)


def _peak_memory(environment: Environment) -> Iterator[MachineCheck]:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError as error:
        yield MachineCheck(
            "peak memory",
            "bad",
            f"VmHWM cannot be reset ({error.strerror}): peaks are lower bounds",
            "run outside the sandbox, or on Linux with CONFIG_PROC_PAGE_MONITOR",
        )
        return
    page = os.sysconf("SC_PAGE_SIZE")
    slack = COUNT_BATCH_PAGES * page * environment.processors
    yield MachineCheck(
        "peak memory",
        "good",
        "VmHWM can be reset; a short peak that was not observed may read low by up to "
        f"{format_size(slack)} (counts are kept per processor)",
    )


def _huge_pages(environment: Environment) -> Iterator[MachineCheck]:
    mode, defrag = environment.thp_enabled, environment.thp_defrag
    if mode == "madvise":
        text = f"madvise, defrag {defrag}: NumPy asks for huge pages from 4 MiB on, torch does not"
        advice = "compare NumPy with torch by page faults, or use THP_MEM_ALLOC_ENABLE=1"
        yield MachineCheck("huge pages", "note", text, advice)
    elif mode:
        yield MachineCheck(
            "huge pages", "good", f"{mode}, defrag {defrag}: the same for NumPy and torch"
        )
    else:
        yield MachineCheck("huge pages", "note", "cannot read whether huge pages are enabled")


def _load(environment: Environment) -> Iterator[MachineCheck]:
    if environment.load_1m is None:
        yield MachineCheck("load", "note", "cannot read how busy the machine is")
        return
    busy = environment.load_1m > BUSY_LOAD * environment.processors
    yield MachineCheck(
        "load",
        "bad" if busy else "good",
        f"{environment.load_1m:.2f} over the last minute, on {environment.processors} processors",
        "stop other work, or trust only ratios taken in one run" if busy else "",
    )


def _governor(environment: Environment) -> Iterator[MachineCheck]:
    governor = environment.governor
    if not governor:
        where = " behind a hypervisor" if environment.hypervisor else ""
        yield MachineCheck("frequency", "note", f"cannot read the CPU frequency governor{where}")
    elif governor == "performance":
        yield MachineCheck("frequency", "good", "governor performance")
    else:
        advice = "cpupower frequency-set -g performance"
        yield MachineCheck(
            "frequency", "note", f"governor {governor}: clocks follow the load", advice
        )


def _processors(environment: Environment) -> Iterator[MachineCheck]:
    usable, installed = environment.processors, environment.processors_installed
    if usable == 1:
        text = "one processor: the observer of memory trials and the trial take turns"
        yield MachineCheck("processors", "note", text)
    else:
        yield MachineCheck("processors", "good", f"{usable} usable of {installed}")
    for name, value in os.environ.items():
        if name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TORCH_NUM_THREADS"):
            text = f"{name}={value} is set: hosts inherit it; each case sets torch's count itself"
            yield MachineCheck("threads", "note", text)


def _memory(environment: Environment) -> Iterator[MachineCheck]:
    free = environment.memory_available_bytes
    low = free < LOW_MEMORY_BYTES
    limit = environment.memory_limit_bytes
    within = f", limited to {format_size(limit)}" if limit else ""
    yield MachineCheck(
        "memory",
        "bad" if low else "good",
        f"{format_size(free)} free of {format_size(environment.memory_bytes)}{within}",
        "large cases will be skipped; free some memory" if low else "",
    )


def _disk(environment: Environment) -> Iterator[MachineCheck]:
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    low = free < LOW_DISK_BYTES
    yield MachineCheck(
        "disk",
        "bad" if low else "good",
        f"{format_size(free)} free in {folder}, where inputs are kept during a run",
        "set TMPDIR to a folder with more room" if low else "",
    )


def _clock(environment: Environment) -> Iterator[MachineCheck]:
    costs = []
    for _ in range(1001):
        start = time.perf_counter_ns()
        costs.append(time.perf_counter_ns() - start)
    cost_s = statistics.median(costs) / 1e9
    coarse = max(cost_s, environment.clock_resolution_s) > COARSE_CLOCK_S
    yield MachineCheck(
        "clock",
        "bad" if coarse else "good",
        f"resolution {format_seconds(environment.clock_resolution_s)}, "
        f"{format_seconds(cost_s)} to read, which is subtracted",
        "choose the tsc clock source" if coarse else "",
    )


def _stolen_s() -> tuple[float, float]:
    """Seconds of processor time given to other guests, and in all, since boot; proc_stat(5)."""
    try:
        fields = [float(text) for text in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    except OSError:
        return 0.0, 0.0
    return fields[7], sum(fields[:8])


def _steadiness(environment: Environment) -> Iterator[MachineCheck]:
    """Repeat one piece of work for a second and see how much its duration varies."""
    stolen, total = _stolen_s()
    times = []
    end = time.perf_counter() + 1.0
    while time.perf_counter() < end:
        start = time.perf_counter_ns()
        sum(range(20_000))
        times.append(time.perf_counter_ns() - start)
    stolen_after, total_after = _stolen_s()
    slow = statistics.quantiles(times, n=10)[-1] / statistics.median(times)
    share = (stolen_after - stolen) / max(total_after - total, 1e-9)
    unsteady = slow > UNSTEADY or share > STOLEN
    yield MachineCheck(
        "steadiness",
        "note" if unsteady else "good",
        f"the slowest tenth of equal pieces of work takes {slow:.2f}× the median; "
        f"{share:.1%} of processor time went to other guests",
        "trust ratios taken in one run more than times" if unsteady else "",
    )
