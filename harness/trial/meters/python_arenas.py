"""What Python's own allocator has taken for small objects, and what of it is free.

Objects up to 512 bytes live in arenas, of 1 MiB each since Python 3.10, which the interpreter takes
from the system and gives back whole. An arena is cut into pools, each for objects of one size. How
much room is left in them is a matter of what was imported, made and dropped before. So a strategy
that makes many such objects, a list of numbers above all, takes an arena more or less on another
machine, without having changed: comparisons must not be finer than that
(:mod:`harness.comparison.amounts`).

``sys._debugmallocstats`` knows of all this; it writes to standard error, and there is no other way.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

_EVER = re.compile(rb"# arenas allocated total\s+=\s+([\d,]+)")
_EACH = re.compile(rb"arenas \* ([\d,]+) bytes/arena")
_IN_USE = re.compile(rb"# bytes in allocated blocks\s+=\s+([\d,]+)")
_POOLS = re.compile(rb"([\d,]+) unused pools \* ([\d,]+) bytes")
_CLASS = re.compile(rb"^ *\d+ +(\d+) +\d+ +\d+ +(\d+) *$", re.MULTILINE)
_STDERR = 2


@dataclass(frozen=True)
class FreeObjects:
    """Room for objects of one size, in pools that hold others of it."""

    each_bytes: int
    count: int

    @property
    def total_bytes(self) -> int:
        return self.each_bytes * self.count


@dataclass(frozen=True)
class Arenas:
    """What this process has taken so far; zeros where its allocator has no arenas."""

    ever: int = 0
    each_bytes: int = 0
    in_use_bytes: int = 0
    free: tuple[FreeObjects, ...] = ()
    unused_pools: int = 0  # of any size; some may never have been touched
    pool_bytes: int = 0

    @property
    def room_bytes(self) -> int | None:
        """How much may be taken here without a new page; None where that is not reported.

        An arena's worth of pools is left out: the last one is seldom touched to its end. Without
        arenas and counted blocks, all objects are malloc's (PYTHONMALLOC=malloc).
        """
        if not self.each_bytes:
            return None if sys.getallocatedblocks() else 0
        pools_bytes = max(0, self.unused_pools * self.pool_bytes - self.each_bytes)
        return pools_bytes + sum(one.total_bytes for one in self.free)

    @classmethod
    def now(cls) -> Arenas:
        """Read it, which takes about half a millisecond."""
        if not hasattr(sys, "_debugmallocstats"):
            return cls()
        try:
            with _file() as file:
                with _standard_error_to(file):
                    sys._debugmallocstats()  # noqa: SLF001 — the only way
                file.seek(0)
                return cls.parse(file.read())
        except OSError:  # nowhere to write
            return cls()

    @classmethod
    def parse(cls, text: bytes) -> Arenas:
        """Read what the interpreter has written."""
        ever, each = _EVER.search(text), _EACH.search(text)
        in_use, pools = _IN_USE.search(text), _POOLS.search(text)
        classes = _CLASS.findall(text)
        if not (ever and each and in_use and pools and classes):
            # PYTHONMALLOC=malloc, an interpreter without the GIL, or a report of another form
            return cls()
        return cls(
            ever=_number(ever[1]),
            each_bytes=_number(each[1]),
            in_use_bytes=_number(in_use[1]),
            free=tuple(FreeObjects(int(size), int(free)) for size, free in classes),
            unused_pools=_number(pools[1]),
            pool_bytes=_number(pools[2]),
        )


def grain_bytes(before: Arenas, after: Arenas) -> int:
    """The size of an arena, if any was taken in between, else 0."""
    return after.each_bytes if after.ever > before.ever else 0


def _number(text: bytes) -> int:
    return int(text.replace(b",", b""))


def _file() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("arenas"), "w+b")
    return tempfile.TemporaryFile()


@contextlib.contextmanager
def _standard_error_to(file: IO[bytes]) -> Iterator[None]:
    """The descriptor itself, since it is C that writes."""
    kept = os.dup(_STDERR)
    try:
        os.dup2(file.fileno(), _STDERR)
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)
