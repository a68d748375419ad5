"""What a reader has to know of a profile: how the call ended, what is not known, what it cost."""

from __future__ import annotations

from collections.abc import Iterator

from harness.profiling.collect import Collected
from harness.profiling.figures import accurate_to
from harness.profiling.tables import FunctionTable
from harness.schema.profile import LineRow, Lines
from harness.trial.meters.allocated import FOREIGN
from harness.trial.meters.process_memory import EXACT, REPLACED, SWAPPED
from harness.units import MIB, MISSING, format_seconds, format_size, plural

ARENA_BYTES = MIB
"""What Python takes from the system at once, for small objects."""


def headline(collected: Collected) -> str:
    """How the call ended, in one line."""
    outcome, lines = collected.call.outcome, collected.lines
    if outcome.ok:
        return "the call returned"
    where = f" ({outcome.where})" if outcome.where else ""
    said = f"{outcome.name}: {outcome.reason}{where}"
    running = [row for row in lines.rows if row.running and row.file >= 0] if lines else []
    if running:
        said += f"; it was in line {running[-1].line}, and this is what was seen until then"
    elif lines:
        said += "; this is what was seen until then"
    return said


def remarks(collected: Collected, tables: list[FunctionTable]) -> list[str]:
    """In the order in which they matter."""
    lines = collected.lines
    if lines is None:
        return ["nothing was seen: the call did not begin", *collected.missing.values()]
    room = collected.call.arenas_room_bytes
    return [
        *_of_device(collected.call.accelerator),
        *_doubts(lines),
        *(text for row in lines.rows[:1] for text in _why_at_least(row, "the call")),
        *(text for row in lines.rows[1:] for text in _of_row(row)),
        *(_no_source(table) for table in tables if not table.has_source),
        *_of_python(room),
        *collected.missing.values(),
    ]


def cost(lines: Lines | None) -> str:
    """What watching took; empty where nothing was seen."""
    if lines is None:
        return ""
    whole = lines.rows[0].time_s + lines.watching_s if lines.rows else lines.watching_s
    event = (
        f"; one more line costs {format_seconds(lines.boundary_s)} here, tried on a loop of two"
        if lines.boundary_s
        else ""
    )
    return (
        f"memory was read {plural(lines.boundaries, 'time')}, which took "
        f"{format_seconds(lines.watching_s)} of {format_seconds(whole)}{event}"
    )


def counts(collected: Collected) -> str:
    """What perf counted of another call; empty where it was not run."""
    if "perf" not in collected.found:
        return ""
    counted = collected.found["perf"].counted
    known = [f"{one.count:,} {one.name}" for one in counted if one.count is not None]
    unknown = [f"{one.name} are {one.why} here" for one in counted if one.count is None]
    said = f"perf counted {', '.join(known)} in another call" if known else "perf counted nothing"
    return "; ".join([said, *unknown])


def _of_device(accelerator: str) -> Iterator[str]:
    if accelerator:
        yield (
            f"the call uses {accelerator}: a line ends when its work is queued there, so that one "
            "that waits has the time of those before it; memory of the device is not shown"
        )


def _doubts(lines: Lines) -> Iterator[str]:
    if lines.lost_trace:
        yield "the function took sys.settrace for itself: lines after that were not seen"
    if lines.full:
        yield "there was no room for more lines: others count as part of those that called them"
    if lines.forks:
        yield (
            f"the call forked this process {plural(lines.forks, 'time')}: what the other processes "
            "use is not in here"
        )
    if lines.source != EXACT:
        yield f"peaks are {lines.source}"
    if lines.allocator:
        yield FOREIGN.format(lines.allocator)
        yield "what lines keep is counted by pages alone, those that malloc keeps free included"
    if lines.missed:
        yield (
            f"{plural(lines.missed, 'line')}: which kinds of pages they had at their peak was not "
            f"observed; ≤ is for all kinds together, {MISSING} where even that may be too low"
        )


def _of_row(row: LineRow) -> Iterator[str]:
    line = f"line {row.line}"
    heap_bytes = row.heap_bytes or 0  # where it is not known, that is said of all lines
    if heap_bytes > accurate_to(row.peak_bytes):
        yield (
            f"{line} took {format_size(heap_bytes)} from memory that the heap had free: no new "
            "pages, but it is counted"
        )
    elif -heap_bytes > accurate_to(row.peak_bytes):
        yield (
            f"{line} freed {format_size(-heap_bytes)} that the heap cannot give back to the "
            "system, since other blocks lie on the same pages"
        )
    yield from _why_at_least(row, line)


def _why_at_least(row: LineRow, what: str) -> Iterator[str]:
    if row.room_bytes is not None and row.room_bytes > accurate_to(row.peak_bytes):
        yield (
            f"{what}: ≥, because the heap had up to {format_size(row.room_bytes)} free when it "
            "began, which it may have used for a moment"
        )
    if row.swapped:
        yield f"{what}: ≥, because {SWAPPED}"
    if row.replaced:
        yield f"{what}: ≥, because {REPLACED}"


def _no_source(table: FunctionTable) -> str:
    return (
        f"{table.name} has no source that can be found ({table.file}): its lines have numbers only"
    )


def _of_python(room_bytes: int | None) -> Iterator[str]:
    if room_bytes is None:
        yield (
            "what Python's own allocator had free at the end is not known: a line that makes many "
            "small objects may have used some of it"
        )
    elif room_bytes > ARENA_BYTES:
        yield (
            f"Python's own allocator had {format_size(room_bytes)} free at the end: a line that "
            "makes many small objects may have used as much without a new page"
        )
