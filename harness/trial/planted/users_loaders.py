"""Loaders of known behaviour, as a user's file would hold them.

Tests and the experiment about tuning copy this file and name what is in it. What sleeps notes how
long it really slept, where a folder for that is given.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, default_collate, get_worker_info

LOG = "PLANTED_LOG"
"""Environment variable: a folder in which processes note what they slept, if it is set."""
SIZE = "PLANTED_SAMPLES"
"""Environment variable: how many samples there are."""
SAMPLES, BATCH = int(os.environ.get(SIZE, "96")), 4
TAIL_EVERY, TAIL_FACTOR = 24, 30


def slept(stage: str, seconds: float) -> None:
    """Sleep, and note for how long that really was."""
    began = time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    folder = os.environ.get(LOG)
    if folder:
        with (Path(folder) / f"{stage}-{os.getpid()}").open("a") as stream:
            stream.write(f"{took}\n")


class Rows(Dataset[Any]):
    def __init__(self, ms: float = 0.0) -> None:
        self.ms = ms

    def __len__(self) -> int:
        return SAMPLES

    def __getitem__(self, index: int) -> torch.Tensor:
        if self.ms:
            slept("fetch", self.ms / 1e3)
        return torch.full((8,), float(index))


class Tailed(Rows):
    def __getitem__(self, index: int) -> torch.Tensor:
        slow = index % TAIL_EVERY == 0
        slept("fetch", (TAIL_FACTOR if slow else 1) * 0.0005)
        return torch.full((8,), float(index))


class Together(Rows):
    def __getitems__(self, indices: list[int]) -> list[torch.Tensor]:
        slept("fetch", 0.004)
        return [torch.full((8,), float(index)) for index in indices]


class Transformed(Rows):
    """Random transforms by the global generators."""

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.full((8,), float(index)) + torch.rand(8) + random.random()


class OwnGenerator(Rows):
    """Random transforms by a generator that each worker has a copy of."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = torch.Generator().manual_seed(7)

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.full((8,), float(index)) + torch.rand(8, generator=self.generator)


class Computing(Rows):
    """Python at work, which holds the lock of its process."""

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.full((8,), float(index + 0 * sum(range(40_000))))


class InMemory(Rows):
    """Views of one tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.data = torch.arange(SAMPLES * 64, dtype=torch.float32).reshape(SAMPLES, 64)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.data[index]


class ManySmall(Rows):
    """Twenty tensors a sample, which are sent one by one."""

    def __getitem__(self, index: int) -> Any:
        return [torch.full((4,), float(index + part)) for part in range(20)]


class Large(Rows):
    """A mebibyte a sample, whose transport is the most of it."""

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.full((1 << 18,), float(index))


class Doubling(IterableDataset[Any]):
    """Every worker gives everything."""

    def __iter__(self) -> Iterator[torch.Tensor]:
        yield from (torch.full((8,), float(index)) for index in range(SAMPLES))


class Sharded(IterableDataset[Any]):
    """Workers share the samples."""

    def __iter__(self) -> Iterator[torch.Tensor]:
        info = get_worker_info()
        first, step = (0, 1) if info is None else (info.id, info.num_workers)
        yield from (torch.full((8,), float(index)) for index in range(first, SAMPLES, step))


class Dropping(Sharded):
    """The last worker of several gives less."""

    def __iter__(self) -> Iterator[torch.Tensor]:
        info = get_worker_info()
        for place, sample in enumerate(super().__iter__()):
            if info is None or info.id + 1 < info.num_workers or place:
                yield sample


class Endless(IterableDataset[Any]):
    def __iter__(self) -> Iterator[torch.Tensor]:
        while True:
            yield torch.zeros(8)


class Unpicklable(Rows):
    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


class Raising(Rows):
    def __getitem__(self, index: int) -> torch.Tensor:
        if index >= 9 * BATCH:
            raise ValueError("a broken file")
        return torch.zeros(8)


class Hanging(Rows):
    def __getitem__(self, index: int) -> torch.Tensor:
        time.sleep(1000)
        return torch.zeros(8)


def slow_collate(samples: list[Any]) -> Any:
    slept("collate", 0.004)
    return default_collate(samples)


def sleeping() -> Any:
    return DataLoader(Rows(2.0), batch_size=BATCH)


def collating() -> Any:
    return DataLoader(Rows(), batch_size=BATCH, collate_fn=slow_collate)


def computing() -> Any:
    return DataLoader(Computing(), batch_size=BATCH)


def in_memory() -> Any:
    return DataLoader(InMemory(), batch_size=16)


def many_small() -> Any:
    return DataLoader(ManySmall(), batch_size=16)


def large() -> Any:
    return DataLoader(Large(), batch_size=BATCH)


def repaired() -> Any:
    """Nothing costs anything: what sleeping, computing, tailed, together and collating would be."""
    return DataLoader(Rows(), batch_size=BATCH)


def tailed() -> Any:
    return DataLoader(Tailed(), batch_size=BATCH)


def together() -> Any:
    return DataLoader(Together(), batch_size=BATCH)


def shuffled() -> Any:
    return DataLoader(Rows(), batch_size=BATCH, shuffle=True)


def transformed() -> Any:
    return DataLoader(Transformed(), batch_size=BATCH, shuffle=True)


def own_generator() -> Any:
    return DataLoader(OwnGenerator(), batch_size=BATCH)


def doubling() -> Any:
    return DataLoader(Doubling(), batch_size=BATCH)


def sharded() -> Any:
    return DataLoader(Sharded(), batch_size=BATCH)


def dropping() -> Any:
    return DataLoader(Dropping(), batch_size=BATCH)


def endless() -> Any:
    return DataLoader(Endless(), batch_size=BATCH)


def spawned() -> Any:
    return DataLoader(Rows(), batch_size=BATCH, num_workers=1, multiprocessing_context="spawn")


def unpicklable() -> Any:
    return DataLoader(
        Unpicklable(), batch_size=BATCH, num_workers=1, multiprocessing_context="spawn"
    )


def raising() -> Any:
    return DataLoader(Raising(), batch_size=BATCH)


def raising_in_worker() -> Any:
    return DataLoader(Raising(), batch_size=BATCH, num_workers=1, multiprocessing_context="fork")


def hanging() -> Any:
    return DataLoader(Hanging(), batch_size=BATCH)


def ready() -> Any:
    return [torch.full((4, 8), float(index)) for index in range(24)]


class Wrapped:
    """An object of the user's own around a DataLoader, which has no length."""

    def __init__(self) -> None:
        self.inner = sleeping()

    def __iter__(self) -> Iterator[Any]:
        yield from self.inner


def wrapped() -> Any:
    return Wrapped()


def generator() -> Iterator[torch.Tensor]:
    for index in range(24):
        yield torch.full((4, 8), float(index))


def with_argument(path: str) -> Any:
    return path


def number() -> Any:
    return 7


def several() -> Any:
    return {"train": sleeping(), "val": sleeping()}


def empty() -> Any:
    return []


def step(batch: Any) -> None:
    slept("step", 0.003)


def made_step() -> Any:
    return step


def diverging(batch: Any) -> torch.Tensor:
    return torch.tensor(float("nan"))


def raising_step(batch: Any) -> None:
    raise RuntimeError("no such layer")


def step_of_two(batch: Any, other: Any) -> None:
    pass
