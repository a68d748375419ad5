"""Handing over: processes write blocks into memory that another one shares, and say so by a pipe.

Each has two places for blocks, and uses one again when told that it was taken. So nothing is
allocated, pickled or mapped: only writing, and waking each other, is left.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from harness.schema.records import Work
from harness.trial.ceilings.kind import Place, Timed, ceiling

_STDERR = 2
PLACES = 2
EPOCHS = 3
BLOCK_BYTES = 1024**2
"""Where nothing says how much is handed over at a time."""


@dataclass(frozen=True)
class Worker:
    """One that writes, as the one that takes sees it."""

    pid: int
    said: int  # pipe in which it says that a block is there
    taken: int  # pipe in which it is told that a block was taken


@ceiling("handover")
def handover(work: Work, place: Place) -> Timed:
    """Blocks, by as many processes as the work has workers.

    Raises:
        RuntimeError: one of them has ended.
    """
    written_bytes = work.written_bytes or work.read_bytes
    block_bytes = min(work.block_bytes or BLOCK_BYTES, written_bytes, work.read_bytes)
    blocks = max(1, written_bytes // block_bytes)
    source = place.source(work.read_bytes)
    starts = [at * block_bytes % (len(source) - block_bytes + 1) for at in range(blocks)]
    samples = []
    with _workers(source.ctypes.data, starts, block_bytes, work.workers) as workers:
        for _ in range(EPOCHS + 1):
            began = time.perf_counter_ns()
            for number in range(blocks):
                worker = workers[number % len(workers)]
                if not os.read(worker.said, 1):
                    raise RuntimeError("a process that handed over blocks has ended")
                os.write(worker.taken, b"1")
            samples.append((time.perf_counter_ns() - began) / 1e9)
    return Timed(
        f"handing over, by {work.workers} process{'es' * (work.workers > 1)}",
        tuple(samples[1:]),  # in the first one, memory was touched for the first time
        moved_bytes=block_bytes * blocks,
    )


@contextmanager
def _workers(
    source: int, starts: list[int], block_bytes: int, count: int
) -> Iterator[list[Worker]]:
    found: list[Worker] = []
    try:
        for number in range(count):
            found.append(_started(source, starts[number::count], block_bytes, found))
        yield found
    finally:
        for worker in found:
            os.close(worker.said)
            os.close(worker.taken)
        for worker in found:
            os.waitpid(worker.pid, 0)


def _started(source: int, starts: list[int], block_bytes: int, others: list[Worker]) -> Worker:
    shared = mmap.mmap(-1, PLACES * block_bytes)
    said, say = os.pipe()
    take, taken = os.pipe()
    pid = os.fork()
    if pid:
        os.close(say)
        os.close(take)
        return Worker(pid, said, taken)
    try:
        for other in others:  # or they would not see the end of theirs
            os.close(other.said)
            os.close(other.taken)
        os.close(said)
        os.close(taken)
        _write(source, starts, block_bytes, shared, say, take)
    except BrokenPipeError:
        pass  # nobody takes them any more
    except BaseException:  # noqa: BLE001 — whose traceback nobody else would print
        os.write(_STDERR, traceback.format_exc().encode())
    finally:
        os._exit(0)


def _write(
    source: int, starts: list[int], block_bytes: int, shared: mmap.mmap, say: int, take: int
) -> None:
    """Write blocks, epoch after epoch, until nobody takes them any more."""
    to = ctypes.addressof(ctypes.c_char.from_buffer(shared))
    number = 0
    while starts:
        for start in starts:
            if number >= PLACES and not os.read(take, 1):
                return
            place = number % PLACES
            ctypes.memmove(to + place * block_bytes, source + start, block_bytes)
            os.write(say, b"1")
            number += 1
