"""Planted work in a heap with holes: many blocks of one size, where every second one of as many
others was freed before.

What it needs is known by hand. In a process without such holes, those that there are are used up by
other blocks; then a lot of blocks is made, and another. Neither finds room, so the pages that are
added are what it needs. No allocator and no meter of the harness is asked. The second lot may need
less, where blocks are aligned: the gaps that the first has left hold small ones of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.scenario import Parameter, Scenario

TOTAL_BYTES = 16 * 1024**2
"""Of a lot, without what objects and allocators need beside their blocks."""
_THREADS = 2  # that leave arenas with holes
_HEAD_BYTES = 33  # of a bytes object, its last zero included


def _numpy(size: int) -> Any:
    return np.ones(size, np.uint8)


def _torch(size: int) -> Any:
    return torch.ones(size, dtype=torch.uint8)


def _python(size: int) -> Any:
    return b"\1" * (size - _HEAD_BYTES)


MAKERS: dict[str, Callable[[int], Any]] = {"numpy": _numpy, "torch": _torch, "python": _python}

holes = Scenario(
    "hole_truths",
    question="Is memory of known size found where the heap has holes of that size?",
    baseline="make",
    parameters={
        "block": Parameter(4096, doc="bytes of each block"),
        "kind": Parameter("numpy", doc=f"of {', '.join(MAKERS)}"),
        "holes": Parameter(0, doc="bytes of each hole; 0: none are made"),
        "threads": Parameter(0, doc="1: holes are left by threads, and blocks made in one"),
    },
)


@holes.inputs
def block(block: int) -> int:
    return block


@holes.check
def anything(block: int, result: Any) -> None:
    """The result is not what this is about."""


def _lot(kind: str, size: int) -> list[Any]:
    make = MAKERS[kind]
    return [make(size) for _ in range(TOTAL_BYTES // size)]


def _with_holes(kind: str, size: int) -> list[Any]:
    """Every second one of twice as many; those between have been freed."""
    return [*_lot(kind, size), *_lot(kind, size)][::2] if size else []


def _in_threads(count: int, do: Callable[[], list[Any]]) -> list[Any]:
    """What threads make that are alive at once, so that each has an arena of its own."""
    made: list[Any] = []
    all_alive = threading.Barrier(count)

    def work() -> None:
        all_alive.wait()
        made.append(do())

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return made


def leave_holes(block: int, kind: str, holes: int, threads: int) -> list[Any]:
    """What keeps the holes from being joined to larger ones."""
    kept = _with_holes(kind, holes)
    return [kept, _in_threads(_THREADS, lambda: _with_holes(kind, holes))] if threads else kept


@holes.strategy(setup=leave_holes)
def make(block: int, kept: list[Any], kind: str, threads: int) -> list[Any]:
    return _in_threads(1, lambda: _lot(kind, block)) if threads else _lot(kind, block)


@holes.strategy()
def by_hand(block: int, kind: str, threads: int) -> Any:
    """An array that takes no memory, and whose shape is what two lots needed."""
    used_up = [*_used_up(), *(_in_threads(1, _used_up) if threads else ())]
    readings, lots = [_anonymous_bytes()], []
    for _ in range(2):
        lots.append(_in_threads(1, lambda: _lot(kind, block)) if threads else _lot(kind, block))
        readings.append(_anonymous_bytes())
    assert used_up
    return np.broadcast_to(np.uint8(1), (readings[1] - readings[0], readings[2] - readings[1]))


def _used_up() -> list[Any]:
    """Blocks and objects of many sizes, which take what room a heap has for such."""
    blocks = [
        np.ones(size, np.uint8)
        for size in (64 * 1024, 16 * 1024, *range(8192, 1024, -512), *range(1024, 16, -16))
        for _ in range(max(8, 64 * 1024 // size))
    ]
    objects = [b"\1" * size for size in range(480, 0, -16) for _ in range(32 * 1024 // size)]
    return [*blocks, *objects]


def _anonymous_bytes() -> int:
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Anonymous:"):
            return int(line.split()[1]) * 1024
    raise ValueError("no Anonymous in smaps_rollup")
