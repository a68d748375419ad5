"""Where glibc keeps the arenas of threads, and what of them is in memory: arena.c, malloc.c.

A thread that is alive keeps its arena for itself, so that nobody else can fill what is free there.
The drivers of accelerators have a dozen such threads. Most of what is free in their arenas is the
end that was never touched, which takes new pages when it is used.
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Iterator
from dataclasses import dataclass

from harness.trial.base.mapped import mappings

_HEAP_BYTES = 64 * 1024**2  # HEAP_MAX_SIZE: each heap begins at a multiple of it
_MOST_HEAD_BYTES = 256  # of heap_info, after which the first heap of an arena has its malloc_state
_TOP = 96  # in malloc_state, where the chunk at the end is named
_SIZE = 8  # in a chunk
_FLAGS = 0b111  # in the lowest bits of a size
_CHANGED_BYTES = 16 * 1024  # what other threads may have taken or freed since they were asked


@dataclass(frozen=True)
class Resident:
    """Bytes in memory of all heaps of threads, in use or free; and of their free ends alone."""

    all_bytes: int
    top_bytes: int | None


def resident(arenas: int, top_bytes: int) -> Resident | None:
    """What of the arenas of threads is in memory: mincore(2); None where that is not known.

    A mapping beside a heap may be counted with it, so that neither figure is too little. The ends
    are found by the layout that glibc 2.26 and later have; where they do not come to what
    malloc_info(3) says, they are not known.

    Args:
        arenas: how many there are. Where fewer heaps are found, they are of another size, as with
            the tunable glibc.malloc.hugetlb.
        top_bytes: what all their free ends come to.
    """
    found = _heaps()
    if found is None:
        return None
    pages = [_in_memory(low, high) for low, high in found]
    if len(found) < arenas or None in pages:
        return None
    tops = [top for low, _ in found for top in _top(low, found)]
    sizes_bytes = sum(high - low for low, high in tops)
    known = len(tops) == arenas and abs(sizes_bytes - top_bytes) <= _CHANGED_BYTES
    return Resident(
        _total(pages) or 0, _total([_in_memory(*top) for top in tops]) if known else None
    )


def _heaps() -> list[tuple[int, int]] | None:
    """Mappings that may be heaps: from a multiple of their largest size to their end."""
    mapped = mappings()
    if mapped is None:
        return None
    found = []
    for mapping in mapped:
        if mapping.permissions == "rw-p" and not mapping.name:
            first = -(-mapping.low // _HEAP_BYTES) * _HEAP_BYTES
            low_ends = range(first, mapping.high, _HEAP_BYTES)
            found += [(low, min(low + _HEAP_BYTES, mapping.high)) for low in low_ends]
    return found


def _top(low: int, heaps: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The free end of the arena that has its state at the beginning of this heap, if one has."""
    if not _in_memory(low, low + mmap.PAGESIZE):
        return
    state = _word(low)
    if not low < state <= low + _MOST_HEAD_BYTES:
        return
    top = _word(state + _TOP)
    if any(first < top < end - _SIZE for first, end in heaps):
        yield top, top + (_word(top + _SIZE) & ~_FLAGS)


def _word(address: int) -> int:
    return ctypes.c_size_t.from_address(address).value


def _in_memory(low: int, high: int) -> int | None:
    """Bytes in memory of the pages from one address to another."""
    first = low - low % mmap.PAGESIZE
    size_bytes = high - first
    pages = ctypes.create_string_buffer(-(-size_bytes // mmap.PAGESIZE))
    ask = ctypes.PyDLL(None).mincore
    ask.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
    if ask(first, size_bytes, pages) != 0:
        return None
    return sum(page & 1 for page in pages.raw) * mmap.PAGESIZE


def _total(parts: list[int | None]) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None
