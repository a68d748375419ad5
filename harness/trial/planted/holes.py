"""Planted work in a heap with holes: many blocks of one size, where every second one of as many
others was freed before.

What it needs is known by hand. Two equal lots of blocks are made, one after the other: the first
uses up what is free, so the second adds exactly what a lot takes in pages. No allocator and no
meter of the harness is asked.
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
def by_hand(block: int, kind: str) -> Any:
    """An array that has as many bytes as a lot needs, and takes none."""
    first = _lot(kind, block)
    before = _anonymous_bytes()
    second = _lot(kind, block)
    needed = _anonymous_bytes() - before
    assert len(first) == len(second)
    return np.broadcast_to(np.uint8(1), (needed,))


def _anonymous_bytes() -> int:
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Anonymous:"):
            return int(line.split()[1]) * 1024
    raise ValueError("no Anonymous in smaps_rollup")
