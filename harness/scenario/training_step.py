"""What a batch is for: a step of training, or work of a known length in place of it.

A step is a function of a batch (x, y), with x of any shape, of float32 or of ids as int64, and y
the classes. It returns the loss, or None where nothing is learnt.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from harness.scenario.sample_files import CLASSES, ID_BUCKETS, ID_WIDTH, id_table

Batch = Sequence[torch.Tensor]
TrainingStep = Callable[[Batch], float | None]

STEPS = ("linear", "conv", "compute", "read")
_BLOCK_SIDE = 64
"""Of the matrices multiplied to pass time: 48 KiB in all, which leave the memory to the loader."""
_CALIBRATIONS = 9
_CALIBRATION_NS = 1_000_000


def make_step(
    kind: str,
    values: int,
    compute_ms: float,
    device: torch.device | None = None,
    *,
    ids: bool = False,
) -> TrainingStep:
    """A step on samples of so many values.

    Args:
        kind: ``linear`` and ``conv`` train a model with SGD; ``compute`` reads the batch, then
            works for ``compute_ms``; ``read`` only reads it.
        values: in a sample.
        compute_ms: what the work takes when nothing else runs. It is done by torch, which lets
            other threads run Python meanwhile, as training does.
        device: where batches come and the model is trained; the host when not given.
        ids: values are numbers of something, such as tokens. A linear model then learns from what
            they are in a table, which is trained with it.
    """
    where = device or torch.device("cpu")
    if kind == "linear" and ids:
        return _training(_looked_up().to(where), rate=2 / ID_WIDTH, momentum=0.0)
    if kind == "linear":
        return _training(_linear(values).to(where), rate=2 / values, momentum=0.0)
    if kind == "conv":
        return _training(_convolutional(values).to(where), rate=0.02, momentum=0.9)
    if kind == "compute":
        return _computing(compute_ms)
    return _reading


def _training(model: nn.Module, rate: float, momentum: float) -> TrainingStep:
    # As torch.optim.SGD does, which imports the compiler first: two seconds in every process.
    parameters = list(model.parameters())
    velocities = [torch.zeros_like(one) for one in parameters]

    def step(batch: Batch) -> float:
        loss = nn.functional.cross_entropy(model(batch[0]), batch[1])
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for one, velocity, gradient in zip(parameters, velocities, gradients, strict=True):
                velocity.mul_(momentum).add_(gradient)
                one.sub_(velocity, alpha=rate)
        return loss.item()

    return step


def _linear(values: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), _normal(values), nn.Linear(values, CLASSES))


class _Remainders(nn.Module):
    """Ids as rows of a table that has one for each remainder."""

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return ids.flatten(1) % ID_BUCKETS


def _looked_up() -> nn.Module:
    table = torch.from_numpy(id_table())
    return nn.Sequential(
        _Remainders(),
        nn.EmbeddingBag.from_pretrained(table, freeze=False, mode="mean"),
        _normal(ID_WIDTH),
        nn.Linear(ID_WIDTH, CLASSES),
    )


def _normal(values: int) -> nn.Module:
    """Gives every sample a norm of sqrt(values), so that one learning rate fits any scale."""
    return nn.LayerNorm(values, eps=1e-30, elementwise_affine=False)


def _convolutional(values: int) -> nn.Module:
    height, width = image_sides(values)
    return nn.Sequential(
        nn.Flatten(),
        _normal(values),
        nn.Unflatten(1, (1, height, width)),
        nn.Conv2d(1, 8, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(256, CLASSES),
    )


def image_sides(values: int) -> tuple[int, int]:
    """Height and width of the image that is closest to a square: 1088 → (32, 34)."""
    height = next(side for side in range(math.isqrt(values), 0, -1) if values % side == 0)
    return height, values // height


def _reading(batch: Batch) -> None:
    for part in batch:
        part.sum()


def _computing(compute_ms: float) -> TrainingStep:
    matrix = torch.full((_BLOCK_SIDE, _BLOCK_SIDE), 1 / _BLOCK_SIDE)
    result = torch.empty_like(matrix)

    def work(times: int) -> None:
        for _ in range(times):
            torch.mm(matrix, matrix, out=result)

    times = round(compute_ms * 1e6 / _one_ns(work)) if compute_ms else 0

    def step(batch: Batch) -> None:
        _reading(batch)
        work(times)

    return step


def _one_ns(work: Callable[[int], Any]) -> float:
    """What a unit of work takes: the median of some readings, each long enough to be exact."""

    def reading(times: int) -> int:
        began = time.perf_counter_ns()
        work(times)
        return time.perf_counter_ns() - began

    times = 16
    while reading(times) < _CALIBRATION_NS:
        times *= 2
    return statistics.median(reading(times) for _ in range(_CALIBRATIONS)) / times
