"""The calls on an accelerator as a table: time, overlap, and memory of both sides."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from harness.analysis.pinning import pinning_sentences
from harness.analysis.sweep import Sweep
from harness.analysis.wording import percent
from harness.cases.parts.device import DeviceSummary
from harness.cases.summary import CaseSummary
from harness.report.content.columns import Cell, Column, cells
from harness.report.words.order import by_group
from harness.report.words.text import share_text
from harness.units import MISSING, format_multiple, format_seconds, format_size


def _known(value: float, write: Callable[[float], str]) -> str:
    return MISSING if math.isnan(value) else write(value)


def _seconds(value: Callable[[CaseSummary], float]) -> Callable[[CaseSummary], Cell]:
    return lambda row: Cell(_known(value(row), format_seconds))


def _of_device(
    value: Callable[[DeviceSummary], float], write: Callable[[float], str]
) -> Callable[[CaseSummary], Cell]:
    return lambda row: Cell(_known(value(row.device), write) if row.device else MISSING)


def _taken(row: CaseSummary) -> Cell:
    """Pinned memory as torch took it, with how much more that is than was asked for."""
    assert row.device is not None
    rounded = row.device.rounding > 1
    return Cell(
        _known(row.device.pinned_taken_bytes, format_size),
        format_multiple(row.device.rounding) if rounded else "",
    )


DEVICE_COLUMNS = (
    Column("size", lambda row: Cell(_known(float(row.size_bytes or math.nan), format_size))),
    Column("host blocked", _of_device(lambda device: device.blocked_s, format_seconds)),
    Column("data there", _seconds(lambda row: row.steady.median)),
    Column("by events", _of_device(lambda device: device.event_s, format_seconds)),
    Column("first call", _seconds(lambda row: row.first.median)),
    Column("hidden", _of_device(lambda device: device.overlap, percent)),
    Column("of the ceiling", lambda row: Cell(share_text(row))),
    Column("on the device", _of_device(lambda device: device.peak_bytes, format_size)),
    Column("reserved", _of_device(lambda device: device.peak_reserved_bytes, format_size)),
    Column("still reserved", _of_device(lambda device: device.left_reserved_bytes, format_size)),
    Column("device-wide", _of_device(lambda device: device.used_bytes, format_size)),
    Column("pinned, requested", _of_device(lambda device: device.pinned_asked_bytes, format_size)),
    Column("taken", _taken),
)


@dataclass(frozen=True)
class DeviceTable:
    """One line for every strategy and size."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, tuple[tuple[Column, Cell], ...]], ...]
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
        DEVICE_COLUMNS,
        tuple((row.strategy, cells(DEVICE_COLUMNS, row)) for row in rows),
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
        yield "This device allocates memory of the host, whose figures therefore include it."
