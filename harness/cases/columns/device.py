"""Columns of a case frame that tell of an accelerator: its time, its memory, its ceilings."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.schema.records import BY_DIRECTION, DeviceMemory, DeviceTiming, Trial

TIMING_COLUMNS = (
    "device", "blocked_s", "event_s", "first_blocked_s", "first_event_s", "context_s", "empty_s",
    "overlap_fraction", "overlap_kernel_s", "overlap_both_s", "device_note",
)  # fmt: skip
MEMORY_COLUMNS = (
    "device_setup_bytes", "device_peak_bytes", "device_peak_reserved_bytes",
    "device_retained_bytes", "device_left_bytes", "device_left_reserved_bytes",
    "device_emptied_reserved_bytes", "device_used_bytes", "device_context_bytes",
    "pinned_asked_bytes", "pinned_taken_bytes", "device_in_host_memory",
)  # fmt: skip
DEVICE_COLUMNS = (*TIMING_COLUMNS, *MEMORY_COLUMNS)


def device_columns(trials: Iterable[Trial]) -> dict[str, Any]:
    """What is known of a case's calls on the device: medians of its processes."""
    done = list(trials)
    timings = [trial.device_timing for trial in done if trial.device_timing]
    memory = next((trial.device_memory for trial in done if trial.device_memory), None)
    return (_timing(timings) if timings else {}) | (_memory(memory) if memory else {})


def _timing(timings: Sequence[DeviceTiming]) -> dict[str, Any]:
    steady = [one for one in timings if one.blocked_s]
    overlaps = [overlap for one in timings for overlap in one.overlaps]
    return {
        "device": timings[0].device,
        "blocked_s": _median(_median(one.blocked_s) for one in steady),
        "event_s": _median(_median(one.events_s) for one in steady),
        "first_blocked_s": _median(one.first_blocked_s for one in timings),
        "first_event_s": _median(
            one.first_event_s for one in timings if one.first_event_s is not None
        ),
        "context_s": _median(one.context_s for one in timings),
        "empty_s": _median(one.empty_s for one in steady if one.empty_s is not None),
        "overlap_fraction": _median(overlap.fraction for overlap in overlaps),
        "overlap_kernel_s": _median(overlap.kernel_s for overlap in overlaps),
        "overlap_both_s": _median(overlap.both_s for overlap in overlaps),
        "device_note": "; ".join(dict.fromkeys(one.note for one in timings if one.note)) or None,
    }


def _memory(found: DeviceMemory) -> dict[str, Any]:
    return {
        "device_setup_bytes": found.setup_allocated_bytes,
        "device_peak_bytes": found.peak_allocated_bytes,
        "device_peak_reserved_bytes": found.peak_reserved_bytes,
        "device_retained_bytes": found.retained_allocated_bytes,
        "device_left_bytes": found.left_allocated_bytes,
        "device_left_reserved_bytes": found.left_reserved_bytes,
        "device_emptied_reserved_bytes": found.emptied_reserved_bytes,
        "device_used_bytes": found.retained_used_bytes,
        "device_context_bytes": found.context_bytes,
        "pinned_asked_bytes": found.pinned_asked_bytes,
        "pinned_taken_bytes": found.pinned_taken_bytes,
        "device_in_host_memory": found.lies_in_host_memory,
    }


def _median(values: Iterable[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return statistics.median(known) if known else math.nan


def device_share(
    row: Mapping[str, Any],
    transfers: str,
    crosses: float,
    limits: Mapping[tuple[str, int], float],
) -> dict[str, Any]:
    """Throughput of a transfer, and its share of what the machine transfers at best.

    Args:
        row: of a case frame.
        transfers: ``to`` or ``from`` the device; "" of a scenario that does other things too,
            and whose cases have no throughput here.
        crosses: how often the data crosses the link, as the strategy declares.
        limits: bytes a second, by ceiling and threads.
    """
    time_s, payload = row["steady_median_s"], row["payload_bytes"]
    if not transfers or not payload or not crosses or not time_s > 0:
        return {}
    rate = crosses * payload / time_s
    name = BY_DIRECTION[transfers]
    limit = limits.get((name, 1), 0.0)
    if not limit:
        return {"throughput_bytes_per_s": rate}
    return {
        "throughput_bytes_per_s": rate,
        "ceiling": name,
        "ceiling_fraction": rate / limit,
        "in_cache": False,
    }
