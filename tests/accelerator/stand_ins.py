"""A device that exists in tests alone: its time passes as told, its memory is what is said.

No figure of it ever stands for one that was measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.trial.device.accelerator import Mark
from harness.trial.device.allocator import NOTHING_TOLD, Allocated

MILLI = 1_000_000
"""Nanoseconds."""
MIB = 1024**2


class HostClock:
    """Time passes only when somebody says so."""

    def __init__(self) -> None:
        self.ns = 0

    def __call__(self) -> int:
        return self.ns

    def spend(self, milliseconds: float) -> None:
        self.ns += round(milliseconds * MILLI)


class RealClock(HostClock):
    """Time passes by itself; to be later than it is, one has to wait."""

    @property
    def ns(self) -> int:
        return time.perf_counter_ns()

    @ns.setter
    def ns(self, until: int) -> None:
        while time.perf_counter_ns() < until:
            pass


@dataclass
class At:
    """The moment at which a stream reaches a mark."""

    ns: int

    def seconds_until(self, later: Mark) -> float:
        assert isinstance(later, At)
        return (later.ns - self.ns) / 1e9


@dataclass
class Memory:
    """What a test's strategy does to the device."""

    allocated: int = 0
    reserved: int = 0
    peak_allocated: int = 0
    peak_reserved: int = 0
    pinned: int = 0
    others: int = 0  # device-wide, beside what torch has reserved

    def allocate(self, size_bytes: int) -> None:
        self.allocated += size_bytes
        self.reserved = max(self.reserved, self.allocated)
        self.peak_allocated = max(self.peak_allocated, self.allocated)
        self.peak_reserved = max(self.peak_reserved, self.reserved)

    def free(self, size_bytes: int) -> None:
        self.allocated -= size_bytes


@dataclass
class StandInDevice:
    """Streams that work one after the other, each for itself, and counters of memory."""

    now: HostClock = field(default_factory=HostClock)
    kind: str = "stand-in"
    has_events: bool = True
    used_source: str = "said by the test"
    tells_used: bool = True
    tells_memory: bool = True  # by torch's allocator, whose caches can then be emptied
    in_host_memory: bool | None = False
    context_ms: float = 0.0
    context_bytes: int = 0
    busy_until_ns: dict[str, int] = field(default_factory=lambda: {"current": 0})
    memory: Memory = field(default_factory=Memory)
    log: list[str] = field(default_factory=list)

    def queue(self, milliseconds: float, stream: str = "current") -> None:
        """Something to do for the device, that the host does not wait for."""
        begin = max(self.now.ns, self.busy_until_ns.get(stream, 0))
        self.busy_until_ns[stream] = begin + round(milliseconds * MILLI)

    def wait_for(self, stream: str) -> None:
        """Have the current stream wait for another one."""
        own = self.busy_until_ns["current"]
        self.busy_until_ns["current"] = max(own, self.busy_until_ns.get(stream, 0))

    def start(self) -> None:
        self.log.append("start")
        self.now.spend(self.context_ms)
        self.memory.others += self.context_bytes

    def synchronize(self) -> None:
        self.log.append("synchronize")
        self.now.ns = max(self.now.ns, *self.busy_until_ns.values())

    def mark(self) -> Mark | None:
        self.log.append("mark")
        return At(max(self.now.ns, self.busy_until_ns["current"])) if self.has_events else None

    def allocated(self) -> Allocated:
        if not self.tells_memory:
            return NOTHING_TOLD
        own = self.memory
        return Allocated(
            own.allocated, own.reserved, own.peak_allocated, own.peak_reserved, own.pinned
        )

    def used_bytes(self) -> int | None:
        return self.memory.reserved + self.memory.others if self.tells_used else None

    def reset_peaks(self) -> None:
        self.log.append("reset peaks")
        self.memory.peak_allocated = self.memory.allocated
        self.memory.peak_reserved = self.memory.reserved

    def empty_caches(self) -> bool:
        self.log.append("empty caches")
        if self.tells_memory:
            self.memory.reserved = self.memory.allocated
        return self.tells_memory

    def lies_in_host_memory(self) -> bool | None:
        return self.in_host_memory


@dataclass
class StandInKernel:
    """Computes for so long on the current stream."""

    device: StandInDevice
    milliseconds: float
    queued: list[int] = field(default_factory=list)

    def queue(self, times: int) -> None:
        self.queued.append(times)
        self.device.queue(times * self.milliseconds)


def transfer(
    device: StandInDevice, host_ms: float, device_ms: float, stream: str = "current"
) -> Callable[[], str]:
    """A call that keeps the host for a while and the device for longer."""

    def call() -> str:
        device.log.append("call")
        device.now.spend(host_ms)
        device.queue(device_ms, stream)
        return "result"

    return call
