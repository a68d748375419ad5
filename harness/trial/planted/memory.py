"""Planted work whose cost is known beforehand: what the meters are checked against.

The memory truths take an input of ``size`` bytes that itself lies in a single byte, so that
everything which becomes resident was allocated by the strategy. Every page is written, or read
where a file is mapped; the size is therefore the truth, known without any meter.

That what is dropped is gone is true only of an allocator that gives it back. From which size on it
does depends on what was freed before: importing torch with CUDA frees more than 1 MiB at once. So
strategies that drop a block of an allocator's have it keep none.
"""

from __future__ import annotations

import mmap
import time
from typing import Any

import numpy as np
import torch

from harness.scenario import Parameter, Scenario
from harness.trial.base.process import keep_no_free_memory

HELD_S = 0.001
"""How long memory that is dropped within the call was resident as a whole."""

memory = Scenario(
    "memory_truths",
    question="Is memory of known size found, and told apart by kind?",
    baseline="numpy_kept",
    parameters={"size": Parameter(1024**2), "file": Parameter("", doc="a file of size bytes")},
)


@memory.inputs
def nominal(size: int) -> Any:
    """An array of ``size`` bytes that occupies one."""
    return np.broadcast_to(np.uint8(1), (size,))


@memory.check
def anything(nominal: Any, result: Any) -> None:
    """The result is not what these are about."""


def _hold() -> None:
    """Wait without sleeping, as a computation on the memory would."""
    end = time.perf_counter() + HELD_S
    while time.perf_counter() < end:
        pass


def _new_file_pages(file: str) -> Any:
    """A mapped file of which every page has been read."""
    mapped = np.memmap(file, np.uint8, mode="r")
    mapped[:: mmap.PAGESIZE].sum()
    return mapped


def _new_shared_pages(size: int) -> Any:
    """Memory that child processes would share, every page written."""
    shared = np.frombuffer(mmap.mmap(-1, size), np.uint8)
    shared[:: mmap.PAGESIZE] = 1
    return shared


@memory.strategy()
def numpy_kept(nominal: Any) -> Any:
    return np.ones(nominal.shape, np.uint8)


@memory.strategy()
def numpy_dropped(nominal: Any) -> None:
    keep_no_free_memory()
    array = np.ones(nominal.shape, np.uint8)
    _hold()
    del array


@memory.strategy()
def numpy_dropped_asleep(nominal: Any) -> None:
    keep_no_free_memory()
    array = np.ones(nominal.shape, np.uint8)
    time.sleep(HELD_S)
    del array


@memory.strategy()
def torch_kept(nominal: Any) -> Any:
    return torch.ones(nominal.shape, dtype=torch.uint8)


@memory.strategy()
def torch_dropped(nominal: Any) -> None:
    keep_no_free_memory()
    tensor = torch.ones(nominal.shape, dtype=torch.uint8)
    _hold()
    del tensor


@memory.strategy()
def file_kept(nominal: Any, file: str) -> Any:
    return _new_file_pages(file)


@memory.strategy()
def file_dropped(nominal: Any, file: str) -> None:
    mapped = _new_file_pages(file)
    _hold()
    del mapped


@memory.strategy()
def file_copied(nominal: Any, file: str) -> Any:
    """The file's pages and a copy of them, of which the copy is kept."""
    mapped = _new_file_pages(file)
    copied = np.array(mapped)
    _hold()
    return copied


@memory.strategy()
def shared_kept(nominal: Any) -> Any:
    return _new_shared_pages(nominal.size)


@memory.strategy()
def shared_dropped(nominal: Any) -> None:
    shared = _new_shared_pages(nominal.size)
    _hold()
    del shared


@memory.strategy()
def moved_to_shared(nominal: Any) -> Any:
    """A tensor's own memory and its shared copy, of which the shared one is kept."""
    keep_no_free_memory()
    return torch.ones(nominal.shape, dtype=torch.uint8).share_memory_()  # type: ignore[no-untyped-call]


@memory.strategy()
def small_pages(nominal: Any) -> Any:
    """One page fault for each page, since these may not be huge."""
    memory = mmap.mmap(-1, nominal.size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_NOHUGEPAGE)
    np.frombuffer(memory, np.uint8)[:: mmap.PAGESIZE] = 1
    return memory


clock = Scenario(
    "clock_truths",
    question="Does an operation of known duration come out at its duration?",
    baseline="wait",
    parameters={"amount": Parameter(400, doc="nanoseconds to wait, or numbers to add up")},
)


@clock.inputs
def amount(amount: int) -> int:
    return amount


@clock.check
def nothing_returned(amount: int, result: Any) -> None:
    """The result is not what these are about."""


@clock.strategy()
def wait(amount: int) -> None:
    """Lasts ``amount`` nanoseconds, and at most one reading of the clock longer."""
    end = time.perf_counter_ns() + amount
    while time.perf_counter_ns() < end:
        pass


@clock.strategy()
def count(amount: int) -> None:
    """The same work each time, so that its fastest call is its true cost."""
    for _ in range(amount):
        pass


@clock.strategy()
def nothing(amount: int) -> None:
    """No work at all: what a trial of it takes is the harness's own."""
