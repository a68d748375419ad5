"""Something for a device to compute, as long as is wanted.

How fast a device is differs by factors of thousands, so work of a constant size is over at once on
one, and takes minutes on another.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import torch

SIDES = (128, 256, 512, 1024, 2048, 4096)
MOST_KERNELS = 512
"""Queued at once; at some number the driver makes the host wait, which would count as blocked."""
BUSY_S = 0.05
LAUNCHES = 16
"""A product that takes this many times less than the work is long beside its own launch."""


class Kernel(Protocol):
    """Something for the device to compute."""

    def queue(self, times: int) -> None:
        """Queue it so many times, without waiting."""


class Matmul:
    """Products of two matrices, into a third one that is there already."""

    def __init__(self, device: torch.device, side: int) -> None:
        self.left = torch.ones(side, side, device=device)
        self.right = torch.ones(side, side, device=device)
        self.product = torch.empty(side, side, device=device)

    def queue(self, times: int) -> None:
        for _ in range(times):
            torch.mm(self.left, self.right, out=self.product)


class Busy:
    """Work that keeps a device busy for about a given time.

    Args:
        device: what computes.
        seconds: for how long; longer where the smallest product takes longer.
        make: makes a product of matrices with so many rows.
        now: the clock.
    """

    def __init__(
        self,
        device: torch.device,
        seconds: float = BUSY_S,
        make: Callable[[torch.device, int], Kernel] = Matmul,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._now = now
        for side in SIDES:
            self.kernel = make(device, side)
            one_s = self._one_s()
            if one_s * LAUNCHES >= seconds:
                break
        self.times = max(1, min(MOST_KERNELS, round(seconds / one_s))) if one_s > 0 else 1

    def _one_s(self) -> float:
        """What one product takes; the first one of a process loads the library, too."""
        taken = []
        for _ in range(3):
            torch.accelerator.synchronize()
            began = self._now()
            self.kernel.queue(1)
            torch.accelerator.synchronize()
            taken.append(self._now() - began)
        return min(taken)

    def queue(self) -> None:
        """Queue all of it, without waiting."""
        self.kernel.queue(self.times)
