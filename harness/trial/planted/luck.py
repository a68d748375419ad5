"""Calls whose time or memory is known to depend on where a process has its memory.

Copies of 512 KiB by where in a page their source and target begin, stacking by whether the heap can
serve the result, and batches of a loader by what small blocks are free.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

from harness.scenario import KIB, MIB, Scenario

copying = Scenario(
    "luck_of_copying", question="?", baseline="copied", parameters={"size": 512 * KIB}
)
stacking = Scenario(
    "luck_of_stacking", question="?", baseline="stacked", parameters={"size": 4 * MIB}
)
loading = Scenario("luck_of_loading", question="?", baseline="loaded", parameters={"size": MIB})
ROW_BYTES, PARTS, BATCH_SIZE = 1024, 16, 32


@copying.inputs
def array(size: int, rng: np.random.Generator) -> Any:
    return rng.random(size // 4, dtype="float32")


@copying.strategy(copies=1)
def copied(array: Any) -> torch.Tensor:
    return torch.tensor(array)


@copying.check
def same_values(array: Any, tensor: torch.Tensor) -> None:
    assert torch.equal(tensor, torch.from_numpy(array))


@stacking.inputs
def parts(size: int, rng: np.random.Generator) -> Any:
    return [torch.from_numpy(rng.random(size // PARTS // 4, dtype="float32")) for _ in range(PARTS)]


@stacking.strategy(copies=1)
def stacked(parts: Any) -> torch.Tensor:
    return torch.stack(parts)


@stacking.check
def same_parts(parts: Any, tensor: torch.Tensor) -> None:
    assert all(torch.equal(*pair) for pair in zip(tensor, parts, strict=True))


@loading.inputs
def rows(size: int, rng: np.random.Generator) -> Any:
    return rng.random((size // ROW_BYTES, ROW_BYTES // 4), dtype="float32")


@loading.strategy(copies=1)
def loaded(rows: Any) -> Any:
    return [batch for (batch,) in DataLoader(TensorDataset(torch.from_numpy(rows)), BATCH_SIZE)]


@loading.check
def same_rows(rows: Any, batches: Any) -> None:
    assert torch.equal(torch.cat(batches), torch.from_numpy(rows))
