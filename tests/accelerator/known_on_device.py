"""Strategies whose time on a device is known relative to each other."""

from typing import Any

import torch

from harness import Scenario

scenario = Scenario(
    "known_on_device",
    question="Do the clocks agree?",
    baseline="long_kernel",
    on_device=True,
    parameters={"size": 1024**2, "dtype": "uint8"},
)


@scenario.inputs
def data(size: int, dtype: str) -> torch.Tensor:
    return torch.ones(size, dtype=getattr(torch, dtype))


def squares(data: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    device = torch.accelerator.current_accelerator()
    square = torch.ones(4096, 4096, device=device)
    return square, torch.empty_like(square)


def compute(prepared: tuple[torch.Tensor, torch.Tensor], times: int) -> torch.Tensor:
    square, product = prepared
    for _ in range(times):
        torch.mm(square, square, out=product)
    return product


@scenario.strategy(setup=squares)
def long_kernel(data: torch.Tensor, prepared: Any) -> torch.Tensor:
    """So many products."""
    return compute(prepared, 40)


@scenario.strategy(setup=squares)
def long_kernel_twice(data: torch.Tensor, prepared: Any) -> torch.Tensor:
    """Twice as many."""
    return compute(prepared, 80)


@scenario.check
def right(data: torch.Tensor, result: torch.Tensor) -> None:
    assert result[0, 0].item() == 4096
