"""Ranks whose faults, times and memory are known: what trials of several ranks are checked with."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from harness.scenario import Parameter, Scenario
from harness.scenario.batches import number_rows
from harness.scenario.parts import verify_part

ROWS = 257  # which no number of ranks divides
ROW_VALUES = 16
BATCH = 8
FAULTY = 1
"""The rank that has the fault."""

planted_ranks = Scenario(
    "planted_ranks",
    question="Is it found which rank is slow, fails or dies, and what all of them take?",
    baseline="sound",
    epochs=True,
    weighs="memory",
    watched=True,
    ranks=True,
    parameters={
        "size": Parameter(1024**2),
        "ranks": Parameter(2),
        "num_workers": Parameter(0),
        "nap_ms": Parameter(1.0),
        "where": Parameter("batch", choices=("build", "batch", "worker")),
    },
)


@planted_ranks.inputs
def file_and_labels(folder: Path) -> Any:
    rows = number_rows(np.ones((ROWS, ROW_VALUES), np.float32))
    np.save(folder / "rows.npy", rows)
    return folder / "rows.npy", np.arange(ROWS)


class Rows(Dataset[Any]):
    """The rows of a file; the faulty rank does something before each."""

    def __init__(self, path: Path, labels: Any) -> None:
        self.rows = np.load(path)
        self.labels = labels
        self.faulty = dist.get_rank() == FAULTY

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Any:
        if self.faulty:
            self.fault(index)
        return torch.from_numpy(self.rows[index].copy()), self.labels[index]

    def fault(self, index: int) -> None:
        """Nothing."""


def dealt(dataset: Dataset[Any], num_workers: int = 0) -> Any:
    sampler: Any = DistributedSampler(dataset)
    context = "fork" if num_workers else None
    return DataLoader(
        dataset, BATCH, sampler=sampler, num_workers=num_workers, multiprocessing_context=context
    )


@planted_ranks.strategy()
def sound(path: Path, labels: Any, num_workers: int) -> Any:
    """Nothing is wrong with any rank."""
    return dealt(Rows(path, labels), num_workers)


class Slow(Rows):
    nap_ms = 0.0

    def __getitem__(self, index: int) -> Any:
        time.sleep(self.nap_ms / 1000 * (2 if self.faulty else 1))
        return super().__getitem__(index)


@planted_ranks.strategy()
def slow(path: Path, labels: Any, nap_ms: float) -> Any:
    """One rank takes twice as long for every sample."""
    rows = Slow(path, labels)
    rows.nap_ms = nap_ms
    return dealt(rows)


@planted_ranks.strategy()
def even(path: Path, labels: Any, nap_ms: float) -> Any:
    """All take as long."""
    rows = Slow(path, labels)
    rows.faulty = False
    rows.nap_ms = nap_ms
    return dealt(rows)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Dying(Rows):
    def fault(self, index: int) -> None:
        die()


@planted_ranks.strategy()
def dies(path: Path, labels: Any, where: str) -> Any:
    """One rank is killed, while it loads or at its first sample; or a worker of it is."""
    rows = Dying(path, labels)
    if where == "build" and rows.faulty:
        die()
    return dealt(rows, num_workers=int(where == "worker"))


class Hanging(Rows):
    def fault(self, index: int) -> None:
        time.sleep(3600)


@planted_ranks.strategy()
def hangs(path: Path, labels: Any) -> Any:
    """One rank never comes back; the others wait for it in a collective."""
    return dealt(Hanging(path, labels))


class Raising(Rows):
    def fault(self, index: int) -> None:
        raise ValueError(f"no sample {index}")


@planted_ranks.strategy()
def raises(path: Path, labels: Any) -> Any:
    """One rank fails with an exception."""
    return dealt(Raising(path, labels))


class Wrong(Rows):
    def fault(self, index: int) -> None:
        self.rows[index, -1] = 7


@planted_ranks.strategy()
def wrong(path: Path, labels: Any) -> Any:
    """One rank gives other values."""
    return dealt(Wrong(path, labels))


@planted_ranks.strategy()
def first_half_twice(path: Path, labels: Any) -> Any:
    """Every rank is given what rank 0 is."""
    rows = Rows(path, labels)
    sampler: Any = DistributedSampler(rows, rank=0)
    return DataLoader(rows, BATCH, sampler=sampler)


class Holding(Rows):
    """Holds memory of its own; its workers write to half of it, and so have copies of that."""

    def __init__(self, path: Path, labels: Any, size: int) -> None:
        super().__init__(path, labels)
        self.held = np.ones(size, np.uint8)
        self.ours = os.getpid()

    def __getitem__(self, index: int) -> Any:
        if os.getpid() != self.ours:
            self.ours = os.getpid()
            self.held[: len(self.held) // 2] = 2
        return super().__getitem__(index)


@planted_ranks.strategy()
def holds(path: Path, labels: Any, size: int, num_workers: int) -> Any:
    """Each rank holds so much, and each of its workers half of that."""
    return DataLoader(
        rows := Holding(path, labels, size),
        BATCH,
        sampler=DistributedSampler(rows),
        num_workers=num_workers,
        multiprocessing_context="fork" if num_workers else None,
        persistent_workers=num_workers > 0,
    )


@planted_ranks.check
def own_rows(path: Path, labels: Any, result: Any) -> str:
    return verify_part(result, path, labels)
