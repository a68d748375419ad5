"""What working on an accelerator adds to the record of a case."""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.cases.cells import Record, number, text


@dataclass(frozen=True)
class DeviceRow:
    """Seconds and bytes; nan where the backend does not tell, or nothing was measured."""

    device: str
    blocked_s: float  # until a call returns, in steady state
    event_s: float  # until its data is there, by events
    first_blocked_s: float
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


def device_row(record: Record) -> DeviceRow | None:
    """The device's columns of a case; None for a case that does not use one."""
    kind = text(record["device"])
    if not kind:
        return None
    return DeviceRow(
        device=kind,
        blocked_s=number(record["blocked_s"]),
        event_s=number(record["event_s"]),
        first_blocked_s=number(record["first_blocked_s"]),
        context_s=number(record["context_s"]),
        empty_s=number(record["empty_s"]),
        overlap=number(record["overlap_fraction"]),
        kernel_s=number(record["overlap_kernel_s"]),
        both_s=number(record["overlap_both_s"]),
        setup_bytes=number(record["device_setup_bytes"]),
        peak_bytes=number(record["device_peak_bytes"]),
        peak_reserved_bytes=number(record["device_peak_reserved_bytes"]),
        retained_bytes=number(record["device_retained_bytes"]),
        left_bytes=number(record["device_left_bytes"]),
        left_reserved_bytes=number(record["device_left_reserved_bytes"]),
        emptied_reserved_bytes=number(record["device_emptied_reserved_bytes"]),
        used_bytes=number(record["device_used_bytes"]),
        context_bytes=number(record["device_context_bytes"]),
        pinned_asked_bytes=number(record["pinned_asked_bytes"]),
        pinned_taken_bytes=number(record["pinned_taken_bytes"]),
        in_host_memory=number(record["device_in_host_memory"]) == 1,
        note=text(record["device_note"]),
    )
