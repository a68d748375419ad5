"""What a row says, as text: memory of the process itself, mapped files apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.profiling.tables import LineView
from harness.schema.profile import LineRow
from harness.trial.meters.allocated import ACCURATE_BYTES, ACCURATE_SHARE
from harness.units import MISSING, format_multiple, format_seconds, format_size

LITTLE = "·"
"""What stands for less than figures are accurate to."""


def accurate_to(size_bytes: float) -> float:
    """How far off a figure may be, in bytes."""
    return max(ACCURATE_BYTES, ACCURATE_SHARE * abs(size_bytes))


def peak_bytes(row: LineRow) -> int:
    """The highest within a visit, without pages of mapped files."""
    if row.split_missed:
        return row.peak_bytes
    return max(row.peak.anon_bytes + row.peak.shmem_bytes, row.heap_bytes or 0)


def kept_bytes(row: LineRow) -> int:
    """What it kept, without pages of mapped files; negative where it freed. By pages alone where
    malloc reports nothing.
    """
    return row.kept.anon_bytes + row.kept.shmem_bytes + (row.heap_bytes or 0)


def peak_too_low(row: LineRow) -> bool:
    """Whether more may have been needed than pages tell."""
    room = row.room_bytes is None or row.room_bytes > accurate_to(row.peak_bytes)
    return room or row.swapped or row.replaced or row.running


def size_text(size_bytes: float, payload_bytes: int = 0) -> str:
    """``64 MiB (2.00×)``; what is too little to be known is a dot."""
    if abs(size_bytes) < ACCURATE_BYTES:
        return LITTLE
    text = format_size(size_bytes)
    if payload_bytes < ACCURATE_BYTES:
        return text
    return f"{text} ({format_multiple(size_bytes / payload_bytes)})"


@dataclass(frozen=True)
class Column:
    """A column of the table of lines.

    Args:
        name: on top of it.
        doc: what it says, in one sentence.
        text: of a line; the payload's bytes come along.
        always: shown even if no line has anything in it.
    """

    name: str
    doc: str
    text: Callable[[LineView, int], str]
    always: bool = True


def _of_row(text: Callable[[LineRow, int], str]) -> Callable[[LineView, int], str]:
    return lambda view, payload_bytes: "" if view.row is None else text(view.row, payload_bytes)


def peak_text(row: LineRow, payload_bytes: int) -> str:
    """Its peak, with ≥ where it may have been more, ≤ where mapped files may be in it; of what may
    be either, there is no figure.
    """
    at_least, at_most = peak_too_low(row), row.split_missed
    if at_least and at_most:
        return MISSING
    text = size_text(peak_bytes(row), payload_bytes)
    if at_least:
        return f"≥ {text}"
    return f"≤ {text}" if at_most and text != LITTLE else text


def _kept_text(row: LineRow, payload_bytes: int) -> str:
    return MISSING if row.running else size_text(kept_bytes(row), payload_bytes)


def _shared_text(row: LineRow, _: int) -> str:
    if row.split_missed:
        return MISSING
    return _so_far(row, size_text(max(row.peak.shmem_bytes, row.kept.shmem_bytes)))


def _files_text(row: LineRow, _: int) -> str:
    if row.split_missed:
        return MISSING
    return _so_far(row, size_text(row.peak.file_bytes))


def _so_far(row: LineRow, text: str) -> str:
    return f"≥ {text}" if row.running and text != LITTLE else text


def _faults_text(row: LineRow, _: int) -> str:
    if row.running:
        return MISSING
    disk = f", {row.faults_major} from disk" if row.faults_major else ""
    return f"{row.faults_minor + row.faults_major}{disk}"


def _sampled_text(view: LineView, _: int) -> str:
    return "" if view.sampled is None else size_text(view.sampled.increment_bytes)


COLUMNS = (
    Column("visits", "How often the line was entered.", _of_row(lambda row, _: f"{row.visits}")),
    Column(
        "time",
        "In all visits, functions that it calls included, without what watching took. It is longer "
        "than unwatched: free memory goes back to the system after each line.",
        _of_row(lambda row, _: format_seconds(row.time_s)),
    ),
    Column(
        "peak",
        "The highest within one visit above its beginning: anonymous and shared pages.",
        _of_row(peak_text),
    ),
    Column("keeps", "What it took and did not free, or freed, in all visits.", _of_row(_kept_text)),
    Column("shared", "Of the peak, shared memory.", _of_row(_shared_text), always=False),
    Column(
        "mapped files",
        "Pages of mapped files, at most within one visit: no memory of the process's own.",
        _of_row(_files_text),
        always=False,
    ),
    Column("faults", "Page faults in all visits.", _of_row(_faults_text)),
    Column(
        "memory_profiler",
        "Its increment, from another process: resident memory after the line, less before.",
        _sampled_text,
        always=False,
    ),
)


def shown_columns(views: Sequence[LineView]) -> list[Column]:
    """Those that have something to say."""
    return [
        column
        for column in COLUMNS
        if column.always or any(column.text(view, 0) not in ("", LITTLE) for view in views)
    ]
