"""The calls on an accelerator as rows of text: time, overlap, and memory of both sides."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from harness.analysis.pinning import pinning_sentences
from harness.analysis.sweep import Sweep
from harness.analysis.wording import percent
from harness.cases.summary import CaseSummary
from harness.report.words.order import by_group
from harness.report.words.text import share_text
from harness.units import MISSING, format_multiple, format_seconds, format_size

DEVICE_HEADS = (
    "size", "host blocked", "data there", "by events", "first call", "hidden", "of the ceiling",
    "on the device", "reserved", "still there", "device-wide", "pinned asked", "taken",
)  # fmt: skip


@dataclass(frozen=True)
class DeviceTable:
    """One line for every strategy and size."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    sentences: tuple[str, ...]  # about pinning
    remarks: tuple[str, ...]  # what the figures do not hold, and why


def device_table(sweep: Sweep) -> DeviceTable | None:
    """None where no case was called on a device."""
    order = [name for _, names in by_group(sweep) for name in names]
    rows = [row for row in sweep.main if row.ok and row.device]
    rows.sort(key=lambda row: (order.index(row.strategy), row.size_bytes or 0))
    if not rows:
        return None
    return DeviceTable(
        DEVICE_HEADS,
        tuple((row.strategy, _cells(row)) for row in rows),
        pinning_sentences(sweep),
        tuple(_remarks(rows)),
    )


def _remarks(rows: Sequence[CaseSummary]) -> Iterator[str]:
    """What the backend lacks and what could not be found out, each once."""
    noted: dict[str, list[str]] = {}
    for row in rows:
        if row.device is not None and row.device.note:
            noted.setdefault(row.device.note, []).append(row.strategy)
    for note, names in noted.items():
        yield f"{', '.join(f'`{name}`' for name in dict.fromkeys(names))}: {note}."
    if any(row.device is not None and row.device.in_host_memory for row in rows):
        yield "What this device allocates is memory of the host, whose figures hold it, too."


def _cells(row: CaseSummary) -> tuple[str, ...]:
    device = row.device
    assert device is not None
    size = MISSING if row.size_bytes is None else format_size(row.size_bytes)
    seconds = (device.blocked_s, row.steady.median, device.event_s, row.first.median)
    pinned_taken = _known(device.pinned_taken_bytes, format_size)
    if device.rounding > 1:
        pinned_taken = f"{pinned_taken} ({format_multiple(device.rounding)})"
    return (
        size,
        *(_known(one, format_seconds) for one in seconds),
        _known(device.overlap, percent),
        share_text(row),
        _known(device.peak_bytes, format_size),
        _known(device.peak_reserved_bytes, format_size),
        _known(device.left_reserved_bytes, format_size),
        _known(device.used_bytes, format_size),
        _known(device.pinned_asked_bytes, format_size),
        pinned_taken,
    )


def _known(value: float, write: Callable[[float], str]) -> str:
    return MISSING if math.isnan(value) else write(value)
