"""Planted strategies that need a known multiple of their inputs: what searches are checked against.

The inputs are real bytes in memory. What a strategy takes beyond them is written to, page by page,
so that every limit counts it. What a process may have at all is found by another way: by asking
the system for more and more, in a process under the same limit.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.scenario import Parameter, Scenario

PIECE = 16 * mmap.PAGESIZE
MULTIPLES = {
    "nothing_more": 0.0,
    "half_by_numpy": 0.5,
    "half_by_torch": 0.5,
    "once_by_numpy": 1.0,
    "once_by_torch": 1.0,
    "once_by_map": 1.0,
    "twice_by_numpy": 2.0,
    "thrice_by_torch": 3.0,
    "thrice_by_map": 3.0,
    "twice_without_model": 2.0,
    "once_against_model": 1.0,
}
"""What each takes beside its inputs, in multiples of them."""

truths = Scenario(
    "limit_truths",
    question="Is the largest size found that survives?",
    baseline="nothing_more",
    parameters={
        "size": Parameter(1024**2),
        "most": Parameter(0, doc="bytes that may be asked for at most"),
        "note": Parameter("", doc="a file to write to how much was had"),
    },
)
search = Scenario(
    "limit_search",
    question="How far is a search from the truth?",
    baseline="nothing_more",
    borrows={"limit_truths": tuple(MULTIPLES)},
    parameters={
        "budget_bytes": Parameter(384 * 1024**2, axis=True),
        "limit": Parameter("data", choices=("data", "address_space", "cgroup")),
    },
)


@truths.inputs
def data(size: int) -> Any:
    return np.ones(size, np.uint8)


@truths.check
def anything(data: Any, result: Any) -> None:
    """The result is not what these are about."""


def _by_numpy(size: float) -> Any:
    return np.ones(int(size), np.uint8)


def _by_torch(size: float) -> Any:
    return torch.ones(int(size), dtype=torch.uint8)


def _by_map(size: float) -> Any:
    mapped = mmap.mmap(-1, int(size), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    np.frombuffer(mapped, np.uint8)[:: mmap.PAGESIZE] = 1
    return mapped


@truths.strategy(copies=0)
def nothing_more(data: Any) -> None:
    data.max()


@truths.strategy(copies=0.5)
def half_by_numpy(data: Any) -> Any:
    return _by_numpy(data.nbytes / 2)


@truths.strategy(copies=0.5)
def half_by_torch(data: Any) -> Any:
    return _by_torch(data.nbytes / 2)


@truths.strategy(copies=1)
def once_by_numpy(data: Any) -> Any:
    return _by_numpy(data.nbytes)


@truths.strategy(copies=1)
def once_by_torch(data: Any) -> Any:
    return _by_torch(data.nbytes)


@truths.strategy(copies=1)
def once_by_map(data: Any) -> Any:
    return _by_map(data.nbytes)


@truths.strategy(copies=2)
def twice_by_numpy(data: Any) -> Any:
    return _by_numpy(data.nbytes), _by_numpy(data.nbytes)


@truths.strategy(copies=3)
def thrice_by_torch(data: Any) -> Any:
    return _by_torch(2 * data.nbytes), _by_torch(data.nbytes)


@truths.strategy(copies=3)
def thrice_by_map(data: Any) -> Any:
    return _by_map(3 * data.nbytes)


@truths.strategy()
def twice_without_model(data: Any) -> Any:
    """The search is told nothing of what it takes."""
    return _by_numpy(2 * data.nbytes)


@truths.strategy(copies=7)
def once_against_model(data: Any) -> Any:
    """The search is told something wrong."""
    return _by_torch(data.nbytes)


@truths.strategy()
def room(data: Any, most: int) -> Any:
    """As many bytes, in one, as the system still gives; none are touched."""
    had, refused = 0, most // mmap.PAGESIZE + 1
    while refused - had > 1:
        middle = (had + refused) // 2
        try:
            mmap.mmap(-1, middle * mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        except OSError:
            refused = middle
        else:
            had = middle
    return np.broadcast_to(np.uint8(0), (had * mmap.PAGESIZE,))


@truths.strategy()
def fill(data: Any, most: int, note: str) -> None:
    """Touches memory until it is killed, and notes how far it came. Not when it is warmed up."""
    file = Path(note)
    if not file.exists():
        file.write_bytes(bytes(mmap.PAGESIZE))
        return
    with file.open("r+b") as stream, mmap.mmap(stream.fileno(), mmap.PAGESIZE) as progress:
        taken = mmap.mmap(-1, most, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        taken.madvise(mmap.MADV_NOHUGEPAGE)  # one page at a time
        for start in range(0, most, PIECE):
            for page in range(start, start + PIECE, mmap.PAGESIZE):
                taken[page] = 1
            progress[:8] = (start + PIECE).to_bytes(8, "little")
