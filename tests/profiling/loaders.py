"""Loaders whose workers take a known number of samples."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

SAMPLES, WORKERS = 32, 2


class Slow(Dataset[Any]):
    """Samples that take long enough to be on a timeline."""

    def __len__(self) -> int:
        return SAMPLES

    def __getitem__(self, index: int) -> Any:
        return torch.full((50_000,), index).sort().values.sum()


def _epoch(method: str) -> float:
    loader = DataLoader(Slow(), 4, num_workers=WORKERS, multiprocessing_context=method)
    return sum(float(batch.sum()) for batch in loader)


def fork() -> float:
    return _epoch("fork")


def forkserver() -> float:
    return _epoch("forkserver")


def spawn() -> float:
    return _epoch("spawn")
