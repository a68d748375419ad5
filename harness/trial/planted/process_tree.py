"""Loaders whose workers take a known amount of memory: what the observer of trees is checked with.

Batches weigh nothing. Each of the workers gets at least one, and does with what the dataset holds
whatever its strategy is about.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from harness.scenario import Parameter, Scenario

ITEMS = 8

trees = Scenario(
    "tree_truths",
    question="Is memory found that the processes of a tree share, or each have for themselves?",
    baseline="shared_array",
    epochs=True,
    weighs="memory",
    parameters={"size": Parameter(1024**2), "num_workers": Parameter(2)},
)


@trees.inputs
def rows(size: int) -> Any:
    return np.ones(size // 8)


class Holding(Dataset[torch.Tensor]):
    """Gives single numbers, whatever it holds."""

    def __init__(self, held: Any) -> None:
        self.held = held

    def __len__(self) -> int:
        return ITEMS

    def __getitem__(self, index: int) -> torch.Tensor:
        self.use()
        return torch.tensor(float(index))

    def use(self) -> None:
        """Reading shares the pages."""
        self.held.sum()


class Copying(Holding):
    def use(self) -> None:
        """A copy is the worker's own, and stays."""
        if not hasattr(self, "own"):
            self.own = self.held + 1


class Counting(Holding):
    def use(self) -> None:
        """To look at an object writes to its reference count: its page is copied."""
        for _ in self.held:
            pass


def workers_over(dataset: Dataset[torch.Tensor], count: int) -> Any:
    """Forked ones: others share nothing with the process that holds the dataset."""
    return DataLoader(dataset, 1, num_workers=count, multiprocessing_context="fork")


@trees.strategy()
def shared_array(rows: Any, num_workers: int) -> Any:
    """Adds the array once, whatever the number of workers."""
    return workers_over(Holding(rows + 1), num_workers)


@trees.strategy()
def private_arrays(rows: Any, num_workers: int) -> Any:
    """Adds the array once for every worker."""
    return workers_over(Copying(rows), num_workers)


@trees.strategy()
def copy_on_write_list(rows: Any, num_workers: int) -> Any:
    """Adds a list of float objects, and the objects, but not the list, once for every worker."""
    return workers_over(Counting(rows.tolist()), num_workers)


@trees.check
def every_item(rows: Any, result: Any) -> None:
    got = [float(item) for item in result]
    assert got == list(range(ITEMS)), f"got {got}"
