"""Why memory_profiler shows something else for a line: what the figures bear out, and no more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.profiling.figures import accurate_to, kept_bytes, peak_bytes
from harness.profiling.tables import FunctionTable, LineView
from harness.schema.profile import LineRow
from harness.units import format_size

HOW = (
    "after each line, in a process of its own, memory_profiler reads resident memory: it sees "
    "neither what came and went within a line nor which pages belong to files"
)
_NOISE_BYTES = 1024**2
"""Two processes differ by this much: an arena of Python's, pages of libraries."""


def differences(tables: Iterable[FunctionTable]) -> list[str]:
    """A sentence for each line of which the two say something else; how it works comes first."""
    found = [text for table in tables for view in table.views for text in _of_line(view)]
    return [HOW, *found] if found else []


def _of_line(view: LineView) -> Iterator[str]:
    row, sampled = view.row, view.sampled
    if row is None or sampled is None or row.running or row.split_missed:
        return
    shown = sampled.increment_bytes
    peak, kept, files = peak_bytes(row), kept_bytes(row), row.kept.file_bytes
    gone = peak - max(0, kept)
    if row.visits == 1 and gone > _tolerance(peak) and peak - max(0.0, shown) > _tolerance(peak):
        yield (
            f"line {view.number}: {format_size(gone)} of its peak of {format_size(peak)} were gone "
            f"when it ended; memory_profiler shows {format_size(shown)}"
        )
    yield from _of_kept(view.number, row, shown, kept, files)


def _of_kept(line: int, row: LineRow, shown: float, kept: int, files: int) -> Iterator[str]:
    """On what is left at the end of a line, which is all that memory_profiler can see."""
    off = shown - kept
    if abs(off) <= _tolerance(kept):
        return
    if abs(off - files) <= _tolerance(files) and abs(files) > _NOISE_BYTES:
        verb = "are" if files > 0 else "were"
        yield (
            f"line {line}: {format_size(abs(files))} of what memory_profiler shows "
            f"({format_size(shown)}) {verb} pages of mapped files, which the system can take back"
        )
    elif row.heap_bytes and abs(off + row.heap_bytes) <= _tolerance(row.heap_bytes):
        yield (
            f"line {line}: {format_size(abs(row.heap_bytes))} came from, or went to, memory that "
            f"the heap keeps: resident memory does not show it ({format_size(shown)})"
        )
    else:
        yield (
            f"line {line}: keeps {format_size(kept)} here and {format_size(shown)} there: not "
            "explained; the other process has its allocator and huge pages as they usually are"
        )


def _tolerance(size_bytes: float) -> float:
    return max(_NOISE_BYTES, accurate_to(size_bytes))
