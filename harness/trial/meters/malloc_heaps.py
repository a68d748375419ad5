"""What glibc's malloc has in use and what it keeps free, arena by arena: malloc_info(3).

Other allocators (jemalloc, tcmalloc, mimalloc, musl's) keep freed memory too, and have no common
way to say how much. Where malloc does not come from glibc's own file, a block decides: what glibc
does not account for, it has not served.
"""

from __future__ import annotations

import ctypes
import functools
import mmap
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from harness.trial.meters.thread_heaps import Resident, resident

_HEAP = re.compile(rb"<heap nr=.*?</heap>", re.DOTALL)
_BLOCKS = re.compile(rb'<(?:size|unsorted) from="(\d+)" to="(\d+)" total="(\d+)" count="(\d+)"/>')
_FREE = re.compile(rb'<total type="(?:fast|rest)" count="\d+" size="(\d+)"/>')
_SYSTEM = re.compile(rb'<system type="current" size="(\d+)"/>')
_MAPPED = re.compile(rb'<total type="mmap" count="\d+" size="(\d+)"/>')
_END = b"</malloc>"
_UNREADABLE = "malloc_info(3) does not report what is known of it"
_LONGEST_BYTES = 4 * 1024**2
_BUFFER_BYTES = 64 * 1024
_FULLY_BUFFERED = 0  # _IOFBF of setvbuf(3)
Text = bytes | mmap.mmap
_FLAGS = 0b111  # in the lowest bits of a size
_EDGES_BYTES = 2 * mmap.PAGESIZE
"""What malloc_trim(3) leaves of a free block at the most: a part of a page at either end."""
PROBE_BYTES = 100_000  # more than what reading takes itself, less than what is mapped by itself


@dataclass(frozen=True)
class FreeBlocks:
    """Free blocks on one list of an arena, with malloc's own eight bytes each."""

    least_bytes: int
    total_bytes: int
    count: int

    @property
    def resident_bytes(self) -> int:
        """What may be in memory of them, once the heap was trimmed."""
        return min(self.total_bytes, self.count * _EDGES_BYTES)


@dataclass(frozen=True)
class Arena:
    """One arena: the main one, which comes first, or one that threads use."""

    system_bytes: int  # taken from the kernel
    free_bytes: int
    blocks: tuple[FreeBlocks, ...]
    main: bool

    @property
    def listed_bytes(self) -> int:
        """What is free between blocks in use."""
        return sum(blocks.total_bytes for blocks in self.blocks)

    @property
    def top_bytes(self) -> int:
        """The free part at the end, from which what fits nowhere else is cut."""
        return max(0, self.free_bytes - self.listed_bytes)

    @property
    def room_bytes(self) -> int:
        """How much a call may take here, at the most, without a new page.

        malloc_trim(3) cuts the top of the main arena, and of no other.
        """
        top = min(self.top_bytes, mmap.PAGESIZE) if self.main else self.top_bytes
        return top + sum(blocks.resident_bytes for blocks in self.blocks)


@dataclass(frozen=True)
class Heaps:
    """All arenas, and the blocks that were mapped one by one."""

    arenas: tuple[Arena, ...]
    mapped_bytes: int
    resident: Resident | None = None  # of arenas but the main one, if looked at

    @property
    def in_use_bytes(self) -> int:
        """Blocks that were handed out: uordblks and hblkhd of mallinfo(3)."""
        return self.mapped_bytes + sum(one.system_bytes - one.free_bytes for one in self.arenas)

    @property
    def room_bytes(self) -> int:
        """Of all arenas together. What is not in memory takes new pages when it is used."""
        main, others = self.arenas[:1], self.arenas[1:]
        room_bytes = sum(arena.room_bytes for arena in others)
        if self.resident is not None:
            if self.resident.top_bytes is not None:
                room_bytes -= max(0, self._top_bytes - self.resident.top_bytes)
            room_bytes = min(room_bytes, self.resident.all_bytes)
        return room_bytes + sum(arena.room_bytes for arena in main)

    @property
    def _top_bytes(self) -> int:
        return sum(arena.top_bytes for arena in self.arenas[1:])

    def looked_at(self) -> Heaps:
        """The same, knowing what of it is in memory; takes a millisecond or two."""
        return replace(self, resident=resident(len(self.arenas) - 1, self._top_bytes))

    @property
    def free_bytes(self) -> int:
        """What may be handed out without asking the system, whether it is in memory or not."""
        return sum(arena.free_bytes for arena in self.arenas)

    @classmethod
    def now(cls) -> Heaps:
        """Ask for it, which takes some 30 µs."""
        return cls.parse(_malloc_info())

    @classmethod
    def parse(cls, text: Text) -> Heaps:
        """Read what malloc_info(3) has written.

        Raises:
            ValueError: it is written in another way than this knows of.
        """
        ends = text.find(_END)
        places = [found.span() for found in _HEAP.finditer(text, 0, max(0, ends))]
        mapped = _MAPPED.search(text, places[-1][1], ends) if places else None
        if mapped is None:
            raise ValueError(_UNREADABLE)
        arenas = (_arena(text, *place, main=not number) for number, place in enumerate(places))
        return cls(tuple(arenas), int(mapped[1]))


def _arena(text: Text, begins: int, ends: int, *, main: bool) -> Arena:
    system = _SYSTEM.search(text, begins, ends)
    if system is None:
        raise ValueError(_UNREADABLE)
    free = (int(found[1]) for found in _FREE.finditer(text, begins, ends))
    blocks = (_blocks(*map(int, found.groups())) for found in _BLOCKS.finditer(text, begins, ends))
    return Arena(int(system[1]), sum(free), tuple(blocks), main)


def _blocks(least: int, _: int, total: int, count: int) -> FreeBlocks:
    return FreeBlocks(least & ~_FLAGS, total - count * (least & _FLAGS), count)


@functools.cache
def libc() -> ctypes.PyDLL:
    """The C library, called without giving up the interpreter's lock: that would take longer."""
    library = ctypes.PyDLL(None)
    library.malloc.argtypes = [ctypes.c_size_t]
    library.malloc.restype = ctypes.c_void_p
    library.free.argtypes = [ctypes.c_void_p]
    library.free.restype = None
    return library


def _malloc_info() -> Text:
    """Written into memory that is no allocator's: a buffer of its own would leave a hole."""
    calls = libc()
    calls.fmemopen.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]
    calls.fmemopen.restype = ctypes.c_void_p
    calls.setvbuf.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
    calls.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
    calls.fclose.argtypes = [ctypes.c_void_p]
    page = _page()
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    text_bytes = len(page) - _BUFFER_BYTES
    stream = calls.fmemopen(address, text_bytes, b"w")
    if not stream:
        raise MemoryError("no memory to write malloc_info into")
    calls.setvbuf(stream, address + text_bytes, _FULLY_BUFFERED, _BUFFER_BYTES)
    failed = calls.malloc_info(0, stream)
    calls.fclose(stream)
    if failed:
        raise ValueError(_UNREADABLE)
    return page


@functools.cache
def _page() -> mmap.mmap:
    """More than a report ever takes; what is not written to is no memory."""
    return mmap.mmap(-1, _LONGEST_BYTES, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


class _Place(ctypes.Structure):
    """What dladdr(3) says of an address."""

    _fields_ = (
        ("file", ctypes.c_char_p),
        ("base", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
    )


def _file_of(name: str) -> str:
    """The file that a function of the C library comes from; empty where there is none."""
    place = _Place()
    if not (hasattr(libc(), "dladdr") and hasattr(libc(), name)):
        return ""
    address = ctypes.cast(getattr(libc(), name), ctypes.c_void_p)
    found = libc().dladdr(address, ctypes.byref(place))
    return (place.file or b"").decode(errors="replace") if found else ""


def allocator() -> str:
    """The name of the file that malloc comes from, such as ``libjemalloc.so.2``."""
    return Path(_file_of("malloc")).name or "unknown"


@functools.cache
def is_accounted() -> bool:
    """Whether glibc's malloc serves this process, so that it knows what is free."""
    if not sys.platform.startswith("linux") or not hasattr(libc(), "malloc_info"):
        return False
    try:
        Heaps.now()
    except ValueError:
        return False
    own = {_file_of(name) for name in ("malloc", "malloc_info", "gnu_get_libc_version")}
    return (len(own) == 1 and own != {""}) or _serves_a_block()


def _serves_a_block() -> bool:
    """For programs that are linked in another way: is a block that is taken accounted for?"""
    before = Heaps.now().in_use_bytes
    block = libc().malloc(PROBE_BYTES)
    after = Heaps.now().in_use_bytes
    libc().free(block)
    return after - before > PROBE_BYTES // 2


def arena_of_caller(before: Iterable[Arena], after: Iterable[Arena]) -> int | None:
    """Which arena a block of :data:`PROBE_BYTES` was taken from between two readings.

    Others may have changed a little: what was made in one arena is resized there, by any thread.
    None if no arena has given that much.
    """
    pairs = zip(before, after, strict=False)
    grown = [_in_use(now) - _in_use(then) for then, now in pairs]
    most = max(grown, default=0)
    return grown.index(most) if most >= PROBE_BYTES // 2 else None


def _in_use(arena: Arena) -> int:
    return arena.system_bytes - arena.free_bytes
