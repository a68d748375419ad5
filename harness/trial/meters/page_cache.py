"""Files put out of the page cache, or into it, and counted there.

Cold: the kernel is asked to drop a file's pages (posix_fadvise(2), DONTNEED), which it does for
those that are written to disk and that nobody has mapped; then mincore(2) counts what is left.
Warm: the file is read through. What the disk itself or a hypervisor keeps cannot be seen from
here: a second look at evicted data may be answered from there (see
:mod:`harness.trial.ceilings.disk_read`).
"""

from __future__ import annotations

import ctypes
import mmap
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from harness.scenario import PAGE_CACHE
from harness.schema.records import PageCache
from harness.trial.base.outcomes import CannotObeyError
from harness.trial.base.request import BoundStrategy
from harness.units import format_size

STATES = ("cold", "warm")
RESIDENT_TOLERANCE = 0.01
"""So much of a file may be in the other state than asked for."""
SOURCES = {
    "cold": "evicted by posix_fadvise(DONTNEED), counted by mincore; "
    "caches of the disk or a hypervisor are not seen",
    "warm": "read through, counted by mincore",
}
_TRIES = 5
_PAUSE_S = 0.01  # a page that another processor is about to use cannot be dropped at once
_PIECE_BYTES = 1024**2


class FileCache:
    """Keeps the files of a trial in the state that its case asks for.

    Args:
        state: cold or warm; empty where nothing was asked for, and nothing is done.
        files: that the strategy reads.
        beside: more to evict along with them.

    Raises:
        CannotObeyError: this system cannot do it, or not with these files.
    """

    def __init__(self, state: str, files: Sequence[Path], beside: Iterable[Path] = ()) -> None:
        self.state = state if files else ""
        self.files = files
        self.beside = tuple(beside)
        self.total_bytes = sum(file.stat().st_size for file in files)
        self.times = 0
        self._before: list[int] = []
        self._after_bytes = 0
        if self.state:
            _check_offered(self.state)

    @property
    def starts_anew(self) -> bool:
        """Whether what was made must be dropped first: mapped pages cannot be evicted."""
        return self.state == "cold"

    def prepare(self) -> None:
        """Put the files into the state, and make sure that they are.

        Raises:
            CannotObeyError: too much of them stayed in the other state.
        """
        if not self.state:
            return
        resident_bytes = self._evict() if self.state == "cold" else self._read_in()
        share = resident_bytes / self.total_bytes if self.total_bytes else 0.0
        if self.state == "cold" and share > RESIDENT_TOLERANCE:
            raise CannotObeyError(
                f"page_cache=cold: {share:.0%} of {format_size(self.total_bytes)} stayed in "
                "memory: their file system is in memory, or something has them mapped"
            )
        self.times += 1
        self._before.append(resident_bytes)

    def _evict(self) -> int:
        for file in self.beside:
            evict(file)
        return sum(evict(file) for file in self.files)

    def _read_in(self) -> int:
        wanted = (1 - RESIDENT_TOLERANCE) * self.total_bytes
        found = self._resident()
        if found < wanted:
            for file in self.files:
                read_through(file)
            found = self._resident()
        if found < wanted:
            raise CannotObeyError(
                f"page_cache=warm: only {found / self.total_bytes:.0%} of "
                f"{format_size(self.total_bytes)} stayed in memory after they were read"
            )
        return found

    def _resident(self) -> int:
        return sum(resident(file) for file in self.files)

    def note_after(self) -> None:
        """Count what the first epoch has left in memory."""
        if self.state:
            self._after_bytes = self._resident()

    def record(self) -> dict[str, Any]:
        """The field of a Trial that tells of it; none where nothing was asked for."""
        if not self._before:
            return {}
        furthest = max if self.state == "cold" else min
        found = PageCache(
            state=self.state,
            file_bytes=self.total_bytes,
            before_bytes=furthest(self._before),
            after_bytes=self._after_bytes,
            epochs=self.times,
            source=SOURCES[self.state],
        )
        return {"page_cache": asdict(found)}


def file_cache(work: BoundStrategy, folder: Path) -> FileCache:
    """For the files that a strategy is given: its inputs, and those that its setup returned.

    Args:
        work: with the parameter ``page_cache`` or without.
        folder: of the inputs' files; what else lies there is evicted too, but not read in.
    """
    state = str(work.parameters.get(PAGE_CACHE, ""))
    files = list(dict.fromkeys(_files(work.args))) if state else []
    beside = {*files_in(folder)} - {*files} if state == "cold" else set()
    return FileCache(state, files, beside)


def _files(values: Iterable[Any]) -> Iterator[Path]:
    for value in values:
        if isinstance(value, Path):
            yield from files_in(value)
        elif isinstance(value, list | tuple):
            yield from _files(value)


def files_in(place: Path) -> Iterator[Path]:
    """A file, or all that are anywhere in a folder; links are followed to the file itself."""
    if place.is_file():
        yield place.resolve()
    elif place.is_dir():
        for inside in place.rglob("*"):
            if inside.is_file():
                yield inside.resolve()


def _check_offered(state: str) -> None:
    if state not in STATES:
        raise CannotObeyError(f"page_cache={state}: it is {' or '.join(STATES)}")
    if not hasattr(os, "posix_fadvise"):
        raise CannotObeyError(f"page_cache={state}: this system has no posix_fadvise(2)")
    if not hasattr(ctypes.CDLL(None), "mincore"):
        raise CannotObeyError(f"page_cache={state}: this system has no mincore(2)")


def evict(file: Path) -> int:
    """Drop a file from the page cache; returns the bytes that stayed."""
    with file.open("rb") as stream:
        for attempt in range(_TRIES):
            time.sleep(_PAUSE_S if attempt else 0)
            os.fsync(stream.fileno())  # a page that is not on disk yet cannot be dropped
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            stayed = resident(file)
            if not stayed:
                break
    return stayed


def read_through(file: Path) -> None:
    """Read a whole file into the page cache."""
    piece = bytearray(_PIECE_BYTES)
    with file.open("rb", buffering=0) as stream:
        while stream.readinto(piece):
            pass


def resident(file: Path) -> int:
    """How many bytes of a file lie in the page cache.

    They are counted in a mapping that is gone afterwards; counting brings none of them in.

    Raises:
        CannotObeyError: the system does not tell.
    """
    size = file.stat().st_size
    if not size:
        return 0
    if not (os.access(file, os.W_OK) or file.stat().st_uid == os.geteuid()):
        # mincore(2) then says of every page that it is there.
        raise CannotObeyError(
            f"page_cache: {file} belongs to another user, and the system does not report which of "
            "its pages are in memory"
        )
    pages = np.empty(-(-size // mmap.PAGESIZE), np.uint8)
    with (
        file.open("rb") as stream,
        mmap.mmap(stream.fileno(), size, access=mmap.ACCESS_READ) as mapped,
    ):
        _mincore(mapped, size, pages)
    return min(size, int(np.count_nonzero(pages & 1)) * mmap.PAGESIZE)


def _mincore(mapped: mmap.mmap, size: int, pages: Any) -> None:
    mincore: Callable[..., int] = ctypes.CDLL(None, use_errno=True).mincore
    seen = np.frombuffer(mapped, np.uint8)
    address, vector = (array.__array_interface__["data"][0] for array in (seen, pages))
    failed = mincore(ctypes.c_void_p(address), ctypes.c_size_t(size), ctypes.c_void_p(vector))
    del seen  # a mapping with a view of it cannot be closed
    if failed:
        reason = os.strerror(ctypes.get_errno())
        raise CannotObeyError(f"page_cache: mincore(2) failed: {reason}")
