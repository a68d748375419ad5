"""What a kind of work is: a function that does some of it as fast as possible, and how fast."""

from __future__ import annotations

import importlib
import mmap
import os
import pkgutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from harness.schema.records import Work

Call = Callable[[], object]
Bytes = np.ndarray[Any, np.dtype[np.uint8]]
LEAST_SAMPLE_NS = 50_000
"""Shorter calls are repeated for as long, lest the clock be what is measured."""
LEAST_SAMPLES = 3
PATIENCE_NS = 3_000_000
"""How long each way of doing it is tried, if its samples are not longer."""
WRITTEN_BYTES = 1024**2


@dataclass(frozen=True)
class Timed:
    """What some work took."""

    text: str  # what was done, as in "81% of copying"
    samples_s: tuple[float, ...]
    moved_bytes: float = 0  # where they are not those of the work
    note: str = ""


@dataclass
class Place:
    """Memory and a file to work in, made once for all work of a request.

    Memory is touched before anything is timed, and lies in huge pages where the kernel has them: a
    ceiling is what the hardware can do, and new pages are a cost of the way something is done.
    """

    folder: Path
    _memory: dict[str, Bytes] = field(default_factory=dict)
    _files: set[Path] = field(default_factory=set)

    def source(self, size_bytes: int) -> Bytes:
        """Memory to read from."""
        return self._touched("source", size_bytes)

    def target(self, size_bytes: int) -> Bytes:
        """Memory to write to."""
        return self._touched("target", size_bytes)

    def _touched(self, name: str, size_bytes: int) -> Bytes:
        known = self._memory.get(name)
        if known is None or len(known) < size_bytes:
            known = self._memory[name] = _new_memory(size_bytes)
        return known[:size_bytes]

    def file(self, size_bytes: int) -> Path:
        """A file that nothing can compress, written out to the disk.

        Raises:
            OSError: there is no room for it, or it cannot be written.
        """
        file = self.folder / f"ceiling-{size_bytes}.bin"
        if file not in self._files:
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                _write(file, size_bytes)
            except OSError:
                file.unlink(missing_ok=True)
                raise
            self._files.add(file)
        return file

    def remove_files(self) -> None:
        """Delete the files that were made."""
        for file in self._files:
            file.unlink(missing_ok=True)


def _write(file: Path, size_bytes: int) -> None:
    with file.open("wb") as stream:
        for start in range(0, size_bytes, WRITTEN_BYTES):
            stream.write(os.urandom(min(WRITTEN_BYTES, size_bytes - start)))
        stream.flush()
        os.fsync(stream.fileno())


def _new_memory(size_bytes: int) -> Bytes:
    pages = -(-max(1, size_bytes) // mmap.PAGESIZE)
    memory = mmap.mmap(-1, pages * mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        memory.madvise(mmap.MADV_HUGEPAGE)
    found = np.frombuffer(memory, np.uint8)
    # A number of common size whatever it is taken for: denormal ones may be slower.
    found.view(np.float32)[:] = 1.0
    return found


Measure = Callable[[Work, Place], Timed]


@dataclass(frozen=True)
class Kind:
    """How a kind of work is measured."""

    measure: Measure
    settled: bool  # measures often enough by itself


_KINDS: dict[str, Kind] = {}


def ceiling(*names: str, settled: bool = False) -> Callable[[Measure], Measure]:
    """Register what measures work of these kinds.

    Args:
        names: the kinds, as scenarios write them.
        settled: whether to measure once is enough, since that is several times already.
    """

    def register(measure: Measure) -> Measure:
        _KINDS.update(dict.fromkeys(names, Kind(measure, settled)))
        return measure

    return register


@cache
def kinds() -> dict[str, Kind]:
    """Every kind there is."""
    from harness.trial import ceilings

    for module in pkgutil.iter_modules(ceilings.__path__):
        importlib.import_module(f"{ceilings.__name__}.{module.name}")
    return _KINDS


def fastest(ways: Iterable[Call]) -> tuple[float, ...]:
    """The samples of whichever way of doing something is the fastest, each the time of one call."""
    return min((_samples(way) for way in ways), key=min)


def _samples(way: Call) -> tuple[float, ...]:
    way()
    once_ns = min(_time_ns(way, 1) for _ in range(2))
    calls = max(1, LEAST_SAMPLE_NS // max(1, once_ns))
    ends = time.perf_counter_ns() + PATIENCE_NS
    samples = [once_ns / 1e9] if calls == 1 else []
    while len(samples) < LEAST_SAMPLES or time.perf_counter_ns() < ends:
        samples.append(_time_ns(way, calls) / calls / 1e9)
    return tuple(samples)


def _time_ns(way: Call, calls: int) -> int:
    began = time.perf_counter_ns()
    for _ in range(calls):
        way()
    return time.perf_counter_ns() - began
