"""Strategies whose time on a device is known relative to each other."""

import torch

from harness import Scenario
from harness.trial.device.kernels import Matmul

scenario = Scenario(
    "known_on_device",
    question="Do the clocks agree?",
    baseline="long_kernel",
    on_device=True,
    parameters={"size": 1024**2, "dtype": "uint8", "times": 1},
)
SIDE = 2048


@scenario.inputs
def data(size: int, dtype: str) -> torch.Tensor:
    return torch.ones(size, dtype=getattr(torch, dtype))


def products(data: torch.Tensor) -> Matmul:
    device = torch.accelerator.current_accelerator()
    assert device is not None
    return Matmul(device, SIDE)


@scenario.strategy(setup=products)
def long_kernel(data: torch.Tensor, prepared: Matmul, times: int) -> torch.Tensor:
    """So many products; the test says how many take long on its device."""
    prepared.queue(times)
    return prepared.product


@scenario.strategy(setup=products)
def long_kernel_twice(data: torch.Tensor, prepared: Matmul, times: int) -> torch.Tensor:
    """Twice as many."""
    prepared.queue(2 * times)
    return prepared.product


@scenario.check
def right(data: torch.Tensor, result: torch.Tensor) -> None:
    assert result[0, 0].item() == SIDE
