"""What working on an accelerator took: time, memory, and what hides behind a kernel."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from harness.schema.records import DeviceMemory, Trial
from harness.stats.intervals import known_median


@dataclass(frozen=True)
class DeviceSummary:
    """Seconds and bytes; nan where the backend does not tell, or nothing was measured."""

    device: str
    blocked_s: float  # until a call returns, in steady state
    event_s: float  # until its data is there, by events
    first_blocked_s: float
    first_event_s: float
    context_s: float
    empty_s: float
    overlap: float  # how much of the shorter of kernel and call hides behind the other
    kernel_s: float
    both_s: float
    setup_bytes: float
    peak_bytes: float  # in tensors, as setup
    peak_reserved_bytes: float
    retained_bytes: float
    left_bytes: float
    left_reserved_bytes: float
    emptied_reserved_bytes: float
    used_bytes: float  # device-wide, while the result is alive
    context_bytes: float
    pinned_asked_bytes: float
    pinned_taken_bytes: float
    in_host_memory: bool  # then the host's figures hold the device's, too; False if not known
    note: str  # what the backend lacks, or was not found out

    @property
    def rounding(self) -> float:
        """Pinned bytes taken for each that was asked for."""
        asked = self.pinned_asked_bytes
        return self.pinned_taken_bytes / asked if asked > 0 else math.nan


def device_memory(trials: Iterable[Trial]) -> DeviceMemory | None:
    """What the first trial that read it found of the device's memory."""
    return next((trial.device_memory for trial in trials if trial.device_memory), None)


def device_of(trials: Iterable[Trial]) -> DeviceSummary | None:
    """What is known of a case's calls on the device, as medians of its processes; None off it."""
    done = list(trials)
    timings = [trial.device_timing for trial in done if trial.device_timing]
    if not timings:
        return None
    steady = [one for one in timings if one.blocked_s]
    overlaps = [overlap for one in timings for overlap in one.overlaps]
    memory = device_memory(done)

    def read(name: str) -> float:
        value = getattr(memory, name) if memory else None
        return math.nan if value is None else value

    return DeviceSummary(
        device=timings[0].device,
        blocked_s=known_median(known_median(one.blocked_s) for one in steady),
        event_s=known_median(known_median(one.events_s) for one in steady),
        first_blocked_s=known_median(one.first_blocked_s for one in timings),
        first_event_s=known_median(one.first_event_s for one in timings),
        context_s=known_median(one.context_s for one in timings),
        empty_s=known_median(one.empty_s for one in steady),
        overlap=known_median(overlap.fraction for overlap in overlaps),
        kernel_s=known_median(overlap.kernel_s for overlap in overlaps),
        both_s=known_median(overlap.both_s for overlap in overlaps),
        setup_bytes=read("setup_allocated_bytes"),
        peak_bytes=read("peak_allocated_bytes"),
        peak_reserved_bytes=read("peak_reserved_bytes"),
        retained_bytes=read("retained_allocated_bytes"),
        left_bytes=read("left_allocated_bytes"),
        left_reserved_bytes=read("left_reserved_bytes"),
        emptied_reserved_bytes=read("emptied_reserved_bytes"),
        used_bytes=read("retained_used_bytes"),
        context_bytes=read("context_bytes"),
        pinned_asked_bytes=read("pinned_asked_bytes"),
        pinned_taken_bytes=read("pinned_taken_bytes"),
        in_host_memory=bool(memory and memory.lies_in_host_memory),
        note="; ".join(dict.fromkeys(one.note for one in timings if one.note)),
    )
