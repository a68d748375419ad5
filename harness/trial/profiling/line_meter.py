"""What is read between two lines: pages, the high-water mark, page faults, malloc's account.

Free blocks are given back to the system before pages are counted (malloc_trim(3)): what a line has
freed is then no memory any more, and what the next one takes needs pages. What cannot be given
back, parts of pages between blocks in use, malloc reports: mallinfo2(3), since glibc 2.33.
"""

from __future__ import annotations

import ctypes
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.trial.meters.allocated import ACCURATE_BYTES
from harness.trial.meters.malloc_heaps import Heaps, allocator, is_accounted, libc
from harness.trial.meters.process_memory import Meter, Status, open_meter

_EDGES_BYTES = 8192  # what malloc_trim(3) leaves of a free block at the most
_PAD_BYTES = 64 * 1024
"""What it leaves at the end of the heap: without that, reading alone would cost page faults."""


class _Mallinfo2(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        )
    )


@dataclass(slots=True)
class Reading:
    """One moment between two lines."""

    at_ns: int
    status: Status
    minor: int
    major: int
    handed_out_bytes: int | None  # by malloc, and not freed; None where it does not report that
    room_bytes: int | None  # of its free memory, what is resident: at the most


class LineMeter:
    """Reads this process. It has allocated what it needs before the first line."""

    def __init__(self) -> None:
        self.meter: Meter = open_meter()
        self.accounted = is_accounted() and hasattr(libc(), "mallinfo2")
        self.allocator = "" if self.accounted else allocator()
        self._ask: Callable[[], Any] = _nothing
        self._trim: Callable[[int], int] = _no_trim
        if self.accounted:
            self._ask = libc().mallinfo2
            libc().mallinfo2.restype = _Mallinfo2
            self._trim = libc().malloc_trim
            libc().malloc_trim.argtypes = [ctypes.c_size_t]

    def read(self) -> Reading:
        """Everything at once; what it takes is no part of any line."""
        at_ns = time.perf_counter_ns()
        minor, major = faults()
        self._trim(_PAD_BYTES)
        if not self.accounted:
            return Reading(at_ns, self.meter.read(), minor, major, None, None)
        heap = self._ask()
        room = min(heap.fordblks, heap.ordblks * _EDGES_BYTES + heap.fsmblks)
        if room > ACCURATE_BYTES:  # what follows takes longer, and knows it better
            self._trim(0)
            heap = self._ask()
            room = min(heap.fordblks, Heaps.now().room_bytes)
        handed_out = heap.uordblks + heap.hblkhd
        return Reading(at_ns, self.meter.read(), minor, major, handed_out, room)


def faults() -> tuple[int, int]:
    """Page faults of this process until now, minor and major."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_minflt, usage.ru_majflt


def _nothing() -> None:
    return None


def _no_trim(pad: int) -> int:
    return pad


def heap_bytes(first: Reading, last: Reading) -> int:
    """What malloc handed out of memory that it had free already, or took back and keeps (below 0).

    What it handed out more must lie somewhere: in new pages, or in memory that was taken from the
    system and not yet touched. What it took back should be pages less.
    """
    if first.handed_out_bytes is None or last.handed_out_bytes is None:
        return 0
    handed = last.handed_out_bytes - first.handed_out_bytes
    pages = last.status.rss.anon_bytes - first.status.rss.anon_bytes
    data = last.status.data_bytes - first.status.data_bytes
    if handed >= 0:
        return max(0, handed - max(0, pages, data))
    return min(0, handed + max(0, -pages, -data))
