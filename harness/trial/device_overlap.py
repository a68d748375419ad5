"""How much of a transfer hides behind a kernel that the device computes meanwhile.

The kernel is queued first, on the current stream, as in a training loop; then the call is made.
It lasts about as long as the call does alone, so that hiding entirely would halve the time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch

from harness.model import Effort, Overlap
from harness.trial.device_clock import DeviceClock

SIDE = 2048
"""Of the matrices that are multiplied: 17 GFLOP, well above what launching a kernel costs."""
MOST_KERNELS = 512
"""Queued at once; at some number the driver makes the host wait, which would count as blocked."""
LEAST_TRIES = 2


class Kernel(Protocol):
    """Something for the device to compute."""

    def queue(self, times: int) -> None:
        """Queue it so many times, without waiting."""


class Matmul:
    """Products of two matrices, into a third one that is there already."""

    def __init__(self, device: torch.device, side: int = SIDE) -> None:
        self.left = torch.ones(side, side, device=device)
        self.right = torch.ones(side, side, device=device)
        self.product = torch.empty(side, side, device=device)

    def queue(self, times: int) -> None:
        for _ in range(times):
            torch.mm(self.left, self.right, out=self.product)


def measure_overlaps(
    clock: DeviceClock,
    call: Callable[[], Any],
    kernel: Kernel,
    effort: Effort,
    before: Callable[[], None] = lambda: None,
) -> tuple[Overlap, ...]:
    """The kernel alone, the call alone and both at once, several times in turn.

    Args:
        clock: on the device.
        call: the transfer.
        kernel: what is computed meanwhile.
        effort: for how long, and how many tries at most.
        before: called before each call, outside the timed region.
    """

    def done_s(function: Callable[[], Any]) -> float:
        before()
        return clock.once(function)[1].done_s

    kernel.queue(2)  # the first one of a process loads the library
    one_s = min(done_s(lambda: kernel.queue(1)) for _ in range(2))
    times = max(1, min(MOST_KERNELS, round(done_s(call) / one_s))) if one_s > 0 else 1

    def both() -> Any:
        kernel.queue(times)
        return call()

    found: list[Overlap] = []
    spent_s = 0.0
    while len(found) < effort.min_samples and not (
        spent_s > effort.steady_s and len(found) >= LEAST_TRIES
    ):
        one = Overlap(done_s(lambda: kernel.queue(times)), done_s(call), done_s(both))
        spent_s += one.kernel_s + one.call_s + one.both_s
        found.append(one)
    return tuple(found)
