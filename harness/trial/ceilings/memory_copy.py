"""How fast this machine copies memory at best: glibc's memcpy, through ctypes, which lets go of
Python's lock so that threads copy side by side.

Copies go into memory already touched, into fresh pages of the usual size, and into fresh huge
pages where the kernel offers them on request. The fastest sample counts: a ceiling is a limit.
"""

from __future__ import annotations

import ctypes
import mmap
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from harness.schema.records import Ceiling
from harness.schema.request import CopyCeilingsRequest

SAMPLES = 3


def _address(memory: mmap.mmap) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))


def _new_memory(size_bytes: int, *, huge: bool) -> mmap.mmap:
    memory = mmap.mmap(-1, size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    advice = getattr(mmap, "MADV_HUGEPAGE" if huge else "MADV_NOHUGEPAGE", None)
    if advice is not None:
        memory.madvise(advice)
    return memory


def _copy(
    to: int, source: int, size_bytes: int, pool: ThreadPoolExecutor | None, parts: int
) -> float:
    part = size_bytes // parts
    start = time.perf_counter_ns()
    if pool is None:
        ctypes.memmove(to, source, size_bytes)
    else:
        list(
            pool.map(lambda i: ctypes.memmove(to + i * part, source + i * part, part), range(parts))
        )
    return (time.perf_counter_ns() - start) / 1e9


def _measure(kind: str, source: int, size_bytes: int, threads: int) -> list[float]:
    pool = ThreadPoolExecutor(threads) if threads > 1 else None
    huge = kind != "memcpy_fresh"
    touched = _new_memory(size_bytes, huge=True)
    to = _address(touched)
    times = []
    try:
        _copy(to, source, size_bytes, pool, threads)  # starts the threads, touches the memory
        for _ in range(SAMPLES):
            if kind != "memcpy_touched":
                fresh = _new_memory(size_bytes, huge=huge)
                to = _address(fresh)
            times.append(_copy(to, source, size_bytes, pool, threads))
    finally:
        if pool is not None:
            pool.shutdown()
    return times


def measure_ceilings(request: CopyCeilingsRequest) -> dict[str, Any]:
    """Measure every memory-copy ceiling.

    Returns:
        ``ceilings``: a list of the fields of :class:`harness.schema.records.Ceiling`.
    """
    size_bytes = request.size_bytes
    with _new_memory(max(size_bytes, request.touch_bytes), huge=True) as everything:
        ctypes.memset(_address(everything), 1, len(everything))
    source = _new_memory(size_bytes, huge=True)
    ctypes.memset(_address(source), 1, size_bytes)
    kinds = ["memcpy_touched", "memcpy_fresh"] + (["memcpy_fresh_huge"] if request.huge else [])
    ceilings = []
    for threads in request.threads:
        for kind in kinds:
            times = _measure(kind, _address(source), size_bytes, threads)
            rate = size_bytes / min(times)
            ceilings.append(asdict(Ceiling(kind, threads, size_bytes, rate, tuple(times))))
    return {"ceilings": ceilings}
