"""Take what allocators keep free, so that a call has to take new pages.

Freed blocks smaller than a page are not given back to the system. What a call puts there adds no
page, and would seem to need no memory. So before the baseline is read, every free block is taken,
and never given back: the process ends after its trial. Whole free pages inside of a block have been
returned before (malloc_trim(3)), so taking a block touches its edges alone. What costs time is the
first write to a page that the trial shares with its host, a few microseconds each.

Arenas of threads that have ended serve the next thread. In a fork, all threads but one have ended:
as many threads as there are other arenas get one each, fill it, and end.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from itertools import repeat
from typing import Any

from harness.trial.base.process import release_free_memory
from harness.trial.meters.malloc_heaps import (
    PROBE_BYTES,
    Arena,
    Heaps,
    arena_of_caller,
    is_accounted,
    libc,
)
from harness.trial.meters.python_arenas import Arenas

LITTLE_BYTES = 128 * 1024
"""Free memory of all arenas that is not worth the time: less than figures are accurate to."""
_LITTLE_OBJECTS_BYTES = 96 * 1024
"""The same of Python's objects, of all sizes together: a call may use up what is left of either."""
_UNTOUCHED_BYTES = 1024**2
"""The same of what is free, whether it is in memory or not: it blurs the allocator's account."""
_TRIES = 5
_ROUNDS = 12  # what is left over of blocks that were larger than asked for is taken in the next
_HEAD_BYTES = 8  # malloc's own, of each block
_PIECE_BYTES = 64 * 1024  # smaller than what is mapped by itself
_STACK_BYTES = 512 * 1024  # not the usual: threads of the call must get stacks of their own
_PATIENCE_S = 5.0


def fill_holes() -> Arenas:
    """Take all free blocks of Python's and glibc's allocators, where these are in use.

    Pools that are unused as a whole are left to :func:`give_back_pools`.

    Returns:
        Python's arenas, as they are afterwards.
    """
    release_free_memory()
    python = _fill_objects(Arenas.now())
    if is_accounted():
        _fill_heaps()
    release_free_memory()
    return python


def _fill_objects(python: Arenas) -> Arenas:
    """Take the free places of those sizes that have most; returns what is left."""
    left = sorted(python.free, key=lambda objects: objects.total_bytes)
    in_use_bytes = python.in_use_bytes
    while sum(objects.total_bytes for objects in left) > _LITTLE_OBJECTS_BYTES:
        most = left.pop()
        _take(_python_malloc(None), most.each_bytes, most.count)
        in_use_bytes += most.total_bytes
    free = (one if one in left else replace(one, count=0) for one in python.free)
    return replace(python, free=tuple(free), in_use_bytes=in_use_bytes)


def give_back_pools(python: Arenas, *, of_all: bool = False) -> Arenas:
    """Return the pages of Python's unused pools, as malloc_trim(3) does for malloc.

    An arena goes back whole or not at all, and one is always kept. What the harness notes while a
    result is alive would hold a second one. So pools that were used are taken, for good, and their
    pages given back: nobody will look into them again. Those that were never used come last in
    their arena. Only in the last arena are they left alone: elsewhere, used ones may follow.

    Args:
        python: as it is now.
        of_all: go through all arenas, since some were taken that may be empty again.

    Returns:
        As it is afterwards.
    """
    if not python.free or python.pool_bytes <= mmap.PAGESIZE:
        return python
    largest = python.free[-1]
    each = python.pool_bytes // largest.each_bytes - 1  # the pool has a head
    _take(_python_malloc(None), largest.each_bytes, largest.count)
    take = _python_malloc(ctypes.c_void_p)
    left = python.unused_pools
    while left > 0:
        blocks = [take(largest.each_bytes)]
        pool = blocks[0] - blocks[0] % python.pool_bytes
        last = left * python.pool_bytes <= python.each_bytes
        if last and not of_all and not _was_used(pool, python.pool_bytes):
            break
        blocks += map(take, repeat(largest.each_bytes, each - 1))
        if all(pool <= block < pool + python.pool_bytes for block in blocks):
            _without_pages(pool, python.pool_bytes)
        left -= 1
    taken = largest.count + (python.unused_pools - left) * each
    in_use_bytes = python.in_use_bytes + taken * largest.each_bytes
    return replace(python, in_use_bytes=in_use_bytes, free=python.free[:-1], unused_pools=left)


def _was_used(pool: int, size_bytes: int) -> bool:
    """Whether there is more of a pool in memory than its head: mincore(2)."""
    pages = ctypes.create_string_buffer(size_bytes // mmap.PAGESIZE)
    ask = libc().mincore
    ask.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
    return ask(pool, size_bytes, pages) != 0 or any(page & 1 for page in pages.raw[1:])


def _without_pages(pool: int, size_bytes: int) -> None:
    advise = libc().madvise
    advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    advise(pool, size_bytes, mmap.MADV_DONTNEED)


def _python_malloc(gives: Any) -> Callable[[int], Any]:
    """PyObject_Malloc, called with the interpreter's lock."""
    made = ctypes.PYFUNCTYPE(gives, ctypes.c_size_t)
    return made(("PyObject_Malloc", ctypes.pythonapi))


def _fill_heaps() -> None:
    arenas = Heaps.now().arenas
    own = _own_arena() if len(arenas) > 1 else 0
    if own is None:
        return
    little_bytes = LITTLE_BYTES // len(arenas)
    _fill_arena(own, arenas[own], little_bytes)
    others = [arena for number, arena in enumerate(arenas) if number != own]
    if any(arena.room_bytes > little_bytes for arena in others):
        _in_threads(len(others), lambda: _fill_own(little_bytes))


def _fill_own(little_bytes: int) -> None:
    own = _own_arena()
    if own is not None:
        _fill_arena(own, Heaps.now().arenas[own], little_bytes)


def _own_arena() -> int | None:
    """Which arena serves this thread."""
    found = None
    for _ in range(_TRIES):  # another thread may take a block at the same moment
        before = Heaps.now().arenas
        _take(libc().malloc, PROBE_BYTES, 1)
        found = arena_of_caller(before, Heaps.now().arenas)
        if found is not None:
            break
    return found


def _fill_arena(number: int, arena: Arena, little_bytes: int) -> None:
    """Take every free block of the arena that serves this thread, the largest first."""
    malloc = libc().malloc
    for _ in range(_ROUNDS):
        if arena.room_bytes <= little_bytes and arena.listed_bytes <= _UNTOUCHED_BYTES:
            break
        for blocks in sorted(arena.blocks, key=lambda one: -one.least_bytes):
            _take(malloc, blocks.least_bytes - _HEAD_BYTES, blocks.count)
        if not arena.main:
            pieces, rest_bytes = divmod(arena.top_bytes, _PIECE_BYTES)
            _take(malloc, _PIECE_BYTES, pieces)
            _take(malloc, mmap.PAGESIZE, rest_bytes // mmap.PAGESIZE - 1)
        arena = Heaps.now().arenas[number]


def _take(call: Callable[[int], object], size_bytes: int, count: int) -> None:
    """Allocate, again and again, and keep nothing of it, not even the addresses."""
    deque(map(call, repeat(size_bytes, max(0, count))), maxlen=0)


def _in_threads(count: int, do: Callable[[], None]) -> None:
    """Do something in threads that are alive all at once, one after the other, and alone."""
    turn, all_done = threading.Lock(), threading.Barrier(count)
    others = _threads()  # which the call may have needed, such as OpenMP's

    def work() -> None:
        with turn:
            do()
        with contextlib.suppress(threading.BrokenBarrierError):
            all_done.wait(_PATIENCE_S)

    usual = threading.stack_size(_STACK_BYTES)
    try:
        threads = [threading.Thread(target=work) for _ in range(count)]
        with turn:
            for thread in threads:
                thread.start()
        for thread in threads:
            thread.join()
    finally:
        threading.stack_size(usual)
    deadline = time.monotonic() + _PATIENCE_S
    while _threads() > others and time.monotonic() < deadline:
        time.sleep(0.0001)  # joined before the system has ended it


def _threads() -> int:
    return len(os.listdir("/proc/self/task"))  # noqa: PTH208
