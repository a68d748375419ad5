"""The quantities of cases that work on an accelerator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.cases.parts.device import DeviceSummary, device_memory
from harness.cases.quantities.quantity import Quantity, Unit, where


def _device(name: str, unit: Unit, doc: str, read: Callable[[DeviceSummary], Any]) -> Quantity:
    return Quantity(name, unit, doc, where(lambda case: case.device, read))


def _memory(name: str, doc: str, field: str, unit: Unit = "bytes") -> Quantity:
    """A field of what one trial read of the device's memory; None where that does not tell."""
    return Quantity(
        name,
        unit,
        doc,
        where(lambda case: device_memory(case.measured), lambda found: getattr(found, field)),
    )


DEVICES = (
    _device("device", "name", "the type of the accelerator", lambda found: found.device),
    _device(
        "blocked_s", "s", "steady state: until a call returns", lambda found: found.blocked_s
    ),
    _device(
        "event_s", "s", "steady state: until its data is there, by events of the device",
        lambda found: found.event_s,
    ),
    _device(
        "first_blocked_s", "s", "until the first call returns",
        lambda found: found.first_blocked_s,
    ),
    _device(
        "first_event_s", "s", "until its data is there, by events of the device",
        lambda found: found.first_event_s,
    ),
    _device(
        "context_s", "s", "making the device's context, before anything is timed",
        lambda found: found.context_s,
    ),
    _device(
        "empty_s", "s", "what is measured of a call that does nothing",
        lambda found: found.empty_s,
    ),
    _device(
        "overlap_fraction", "share",
        "how much of the shorter of call and kernel the longer one hides: 0 in turn, 1 entirely",
        lambda found: found.overlap,
    ),
    _device("overlap_kernel_s", "s", "that kernel alone", lambda found: found.kernel_s),
    _device("overlap_both_s", "s", "call and kernel at once", lambda found: found.both_s),
    _device(
        "device_note", "text", "what the backend lacks, or what was not found out",
        lambda found: found.note or None,
    ),
    _memory("device_setup_bytes", "in tensors on the device, by the setup",
            "setup_allocated_bytes"),
    _memory("device_peak_bytes", "in tensors on the device, at the peak of the first call",
            "peak_allocated_bytes"),
    _memory("device_peak_reserved_bytes", "taken by torch's allocator then",
            "peak_reserved_bytes"),
    _memory("device_retained_bytes", "in tensors on the device, while the result is alive",
            "retained_allocated_bytes"),
    _memory("device_left_bytes", "in tensors on the device, after the result was dropped",
            "left_allocated_bytes"),
    _memory("device_left_reserved_bytes", "taken by torch's allocator then",
            "left_reserved_bytes"),
    _memory("device_emptied_reserved_bytes", "still taken after its cache was emptied",
            "emptied_reserved_bytes"),
    _memory("device_used_bytes", "used device-wide, by whoever, while the result is alive",
            "retained_used_bytes"),
    _memory("device_context_bytes", "device-wide, taken by making the context", "context_bytes"),
    _memory("pinned_asked_bytes", "pinned host memory, by the strategy's cost model",
            "pinned_asked_bytes"),
    _memory("pinned_taken_bytes", "pinned host memory that torch's allocator took",
            "pinned_taken_bytes"),
    _memory("device_in_host_memory",
            "the device's memory is the host's, whose figures hold it too",
            "lies_in_host_memory", "yes/no"),
)  # fmt: skip
