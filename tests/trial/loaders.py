"""Loaders of known memory, and loaders that misbehave, as scenarios for real trials."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, get_worker_info

from harness import Parameter, Scenario
from harness.trial.planted.process_tree import ITEMS, Copying, Holding

scenario = Scenario(
    "loaders",
    question="Is what loaders do to memory seen, and what goes wrong with them named?",
    baseline="plain",
    epochs=True,
    parameters={
        "size": Parameter(1024**2, axis=True),
        "num_workers": Parameter(2),
        "start_method": Parameter("fork"),
        "open_files": Parameter(1024),
        "passes": Parameter(1),
    },
)


@scenario.inputs
def rows(size: int) -> np.ndarray[Any, Any]:
    return np.arange(1, size // 4 + 1, dtype=np.float32).reshape(ITEMS, -1)


class Idle(Holding):
    def use(self) -> None:
        """There is nothing to use."""


class Raises(Idle):
    def __getitem__(self, index: int) -> torch.Tensor:
        if index == ITEMS - 1:
            raise ValueError(f"sample {index} is broken")
        return super().__getitem__(index)


class Hangs(Holding):
    def use(self) -> None:
        if get_worker_info() is not None:  # not where it is met for the first time, without any
            time.sleep(3600)


class Dies(Holding):
    def use(self) -> None:
        if get_worker_info() is not None:
            os.abort()


class Arrays(Holding):
    """Sends what it holds through the pipe, since NumPy arrays are pickled whole."""

    def __getitem__(self, index: int) -> Any:
        return self.held[index]


def load(dataset: Dataset[Any], num_workers: int, start_method: str, **options: Any) -> Any:
    context = start_method if num_workers else None
    return DataLoader(
        dataset, 1, num_workers=num_workers, multiprocessing_context=context, **options
    )


@scenario.strategy()
def plain(rows: Any, num_workers: int, start_method: str) -> Any:
    return load(Idle(None), num_workers, start_method)


@scenario.strategy()
def shared_array(rows: Any, num_workers: int, start_method: str) -> Any:
    return load(Holding(rows + 1), num_workers, start_method)


@scenario.strategy()
def private_arrays(rows: Any, num_workers: int, start_method: str) -> Any:
    return load(Copying(rows), num_workers, start_method)


@scenario.strategy()
def sends_arrays(rows: Any, num_workers: int, start_method: str) -> Any:
    return load(Arrays(rows), num_workers, start_method, collate_fn=first_index)


def first_index(items: list[Any]) -> Any:
    return items[0]


@scenario.strategy()
def raises_in_one_worker(rows: Any, num_workers: int, start_method: str) -> Any:
    return load(Raises(None), num_workers, start_method)


@scenario.strategy()
def never_returns(rows: Any, num_workers: int, start_method: str) -> Any:
    return load(Hangs(None), num_workers, start_method)


@scenario.strategy()
def worker_dies(rows: Any, num_workers: int, start_method: str) -> Any:
    return load(Dies(None), num_workers, start_method)


@scenario.strategy()
def no_batch_size(rows: Any, num_workers: int, start_method: str) -> Any:
    return DataLoader(Idle(None), batch_size=0)


@scenario.strategy()
def shorter_each_time(rows: Any) -> Iterator[torch.Tensor]:
    """One batch less than the last time."""
    LEFT.append(len(LEFT))
    for index in range(ITEMS - len(LEFT)):
        yield torch.tensor([float(index)])


LEFT: list[int] = []
CALLS: list[int] = []


@scenario.strategy()
def wrong_the_first_time(rows: Any) -> Iterator[torch.Tensor]:
    """What it is called for after the warm-up gives a wrong number, and is right from then on."""
    CALLS.append(len(CALLS))
    for index in range(ITEMS):
        yield torch.tensor([-1.0 if len(CALLS) == 2 and not index else float(index)])


NAP_S = 0.02


@scenario.strategy()
def waits_for_something(rows: Any) -> Iterator[torch.Tensor]:
    """Waits before each batch, for which no processor is needed."""
    for index in range(ITEMS):
        time.sleep(NAP_S)
        yield torch.tensor([float(index)])


@scenario.check
def every_item(rows: Any, result: Any, strategy: str) -> None:
    got = list(result)
    if strategy in ("sends_arrays", "shorter_each_time"):
        return
    assert [float(item) for item in got] == list(range(ITEMS)), f"got {got}"
