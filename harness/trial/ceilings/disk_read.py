"""How fast this machine reads files that are not in memory: in order, and here and there.

Every pass begins with the file evicted, and that verified. Files are read through the page cache
and, where the file system has it, past it (O_DIRECT); the better counts, since a ceiling is a
limit. A disk of a virtual machine may be answered from its host's memory: reading once more what
was just evicted tells whether it was.
"""

from __future__ import annotations

import mmap
import os
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness.schema.records import DISK_RANDOM, DISK_SEQUENTIAL, Work
from harness.trial.base.outcomes import CannotObeyError
from harness.trial.ceilings.kind import Place, Timed, ceiling
from harness.trial.meters.page_cache import RESIDENT_TOLERANCE, evict

SEQUENTIAL_BYTES = 1024**2
PAGE_BYTES = 4096
RANDOM_READS = 1000
PASSES = 3
_SEED = 0
_DIRECT = getattr(os, "O_DIRECT", 0)


@ceiling(DISK_SEQUENTIAL, settled=True)
def in_sequence(work: Work, place: Place) -> Timed:
    """A file from its beginning to its end.

    Raises:
        CannotObeyError: the file cannot be evicted.
        OSError: it cannot be written, or not be read.
    """
    file = place.file(work.read_bytes)
    return _read("the disk in sequence", file, SEQUENTIAL_BYTES, _in_order(work.read_bytes))


@ceiling(DISK_RANDOM, settled=True)
def at_random(work: Work, place: Place) -> Timed:
    """Pieces of it, each of whole pages, from all over it; raises the same."""
    piece_bytes = -(-max(1, work.piece_bytes) // PAGE_BYTES) * PAGE_BYTES
    file = place.file(max(work.read_bytes, piece_bytes))
    offsets = _here_and_there(work.read_bytes, piece_bytes)
    text = f"the disk, {piece_bytes // 1024} KiB at random"
    return _read(text, file, piece_bytes, offsets)


def _in_order(size_bytes: int) -> list[int]:
    return list(range(0, size_bytes, SEQUENTIAL_BYTES))


def _here_and_there(size_bytes: int, piece_bytes: int) -> list[int]:
    pieces = max(1, size_bytes // piece_bytes)
    drawn = random.Random(_SEED).sample(range(pieces), min(pieces, RANDOM_READS))
    return [piece * piece_bytes for piece in drawn]


def _read(text: str, file: Path, piece_bytes: int, offsets: Sequence[int]) -> Timed:
    scattered = offsets != sorted(offsets)
    through = [_pass_s(file, piece_bytes, offsets, 0, scattered) for _ in range(PASSES)]
    past: list[float] = []
    if _DIRECT:
        try:
            past = [_pass_s(file, piece_bytes, offsets, _DIRECT, scattered) for _ in range(PASSES)]
        except OSError:  # a file system without it refuses to open, or to read
            past = []
    direct = bool(past) and min(past) < min(through)
    times = past if direct else through
    how = "past the page cache (O_DIRECT)" if direct else "through the page cache"
    again = f"again after eviction: {through[0] / through[1]:.2g} times as fast"
    read_bytes = min(file.stat().st_size, piece_bytes * len(offsets))
    return Timed(text, tuple(times), read_bytes, f"cold, read {how}; {again}")


def _pass_s(
    file: Path, piece_bytes: int, offsets: Sequence[int], flags: int, scattered: bool
) -> float:
    """Seconds to read pieces of an evicted file."""
    stayed = evict(file)
    if stayed > RESIDENT_TOLERANCE * file.stat().st_size:
        raise CannotObeyError(f"{stayed / file.stat().st_size:.0%} of a file cannot be evicted")
    with _opened(file, flags) as fd, mmap.mmap(-1, piece_bytes) as memory:
        if scattered:
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)  # without reading ahead
        into = [memory]  # begins with a page, as O_DIRECT demands
        memory.write(b"\0" * piece_bytes)
        start = time.perf_counter_ns()
        for offset in offsets:
            os.preadv(fd, into, offset)
        return (time.perf_counter_ns() - start) / 1e9


@contextmanager
def _opened(file: Path, flags: int) -> Iterator[int]:
    fd = os.open(file, os.O_RDONLY | flags)
    try:
        yield fd
    finally:
        os.close(fd)
