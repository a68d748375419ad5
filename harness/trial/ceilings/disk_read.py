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
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.schema.records import Ceiling
from harness.schema.request import DiskCeilingsRequest
from harness.trial.base.outcomes import CannotObeyError
from harness.trial.meters.page_cache import RESIDENT_TOLERANCE, evict

SEQUENTIAL_BYTES = 1024**2
RANDOM_BYTES = 4096
RANDOM_READS = 1000
PASSES = 3
_SEED = 0
_DIRECT = getattr(os, "O_DIRECT", 0)


def measure_disk(request: DiskCeilingsRequest) -> dict[str, Any]:
    """Measure both ceilings with a file of its own.

    Returns:
        ``ceilings``: a list of the fields of :class:`harness.schema.records.Ceiling`.

    Raises:
        CannotObeyError: the file cannot be evicted.
        OSError: it cannot be written, or not be read.
    """
    size_bytes = request.size_bytes
    file = Path(request.folder) / "disk-ceiling.bin"
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        _write(file, size_bytes)
        return {
            "ceilings": [
                asdict(ceiling)
                for ceiling in (
                    _ceiling("disk_sequential", file, SEQUENTIAL_BYTES, _in_order(size_bytes)),
                    _ceiling("disk_random", file, RANDOM_BYTES, _here_and_there(size_bytes)),
                )
            ]
        }
    finally:
        file.unlink(missing_ok=True)


def _write(file: Path, size_bytes: int) -> None:
    """A file that nothing can compress, written out to the disk."""
    with file.open("wb") as stream:
        for _ in range(0, size_bytes, SEQUENTIAL_BYTES):
            stream.write(os.urandom(SEQUENTIAL_BYTES))
        stream.flush()
        os.fsync(stream.fileno())


def _in_order(size_bytes: int) -> list[int]:
    return list(range(0, size_bytes, SEQUENTIAL_BYTES))


def _here_and_there(size_bytes: int) -> list[int]:
    pages = size_bytes // RANDOM_BYTES
    drawn = random.Random(_SEED).sample(range(pages), min(pages, RANDOM_READS))
    return [page * RANDOM_BYTES for page in drawn]


def _ceiling(name: str, file: Path, piece_bytes: int, offsets: Sequence[int]) -> Ceiling:
    through = [_pass_s(file, piece_bytes, offsets, 0) for _ in range(PASSES)]
    past: list[float] = []
    if _DIRECT:
        try:
            past = [_pass_s(file, piece_bytes, offsets, _DIRECT) for _ in range(PASSES)]
        except OSError:  # a file system without it refuses to open, or to read
            past = []
    direct = bool(past) and min(past) < min(through)
    times = past if direct else through
    read_bytes = piece_bytes * len(offsets)
    how = "past the page cache (O_DIRECT)" if direct else "through the page cache"
    return Ceiling(
        name=name,
        threads=1,
        size_bytes=read_bytes,
        bytes_per_s=read_bytes / min(times),
        samples_s=tuple(times),
        note=f"cold, read {how}; again after eviction: {through[0] / through[1]:.2g} times as fast",
    )


def _pass_s(file: Path, piece_bytes: int, offsets: Sequence[int], flags: int) -> float:
    """Seconds to read pieces of an evicted file."""
    stayed = evict(file)
    if stayed > RESIDENT_TOLERANCE * file.stat().st_size:
        raise CannotObeyError(f"{stayed / file.stat().st_size:.0%} of a file cannot be evicted")
    with _opened(file, flags) as fd, mmap.mmap(-1, piece_bytes) as memory:
        if piece_bytes == RANDOM_BYTES:
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
