"""How much of a transfer hides behind a kernel that the device computes meanwhile.

The kernel is queued first, on the current stream, as in a training loop; then the call is made.
It lasts about as long as the call does alone, so that hiding entirely would halve the time: where
even the shortest one is several times longer than the call, whatever is found is noise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.schema.records import Effort, Overlap
from harness.trial.device.clock import DeviceClock
from harness.trial.device.kernels import MOST_KERNELS, Kernel

SIDES = (128, 256, 512, 1024, 2048)
"""Of the matrices that are multiplied: the largest whose product is not long beside the call."""
LONGEST_OF_CHOICE = 2.0
LONGEST_OF_ALL = 4.0
"""How many times longer than the call a kernel may be, where there is a choice and where not."""
LEAST_TRIES = 2
TOO_SHORT = "overlap was not measured: even the shortest kernel takes over four times the call"
"""Without figures, so that it is told once of all cases."""


class NoOverlapError(Exception):
    """There is no kernel short enough to be computed beside a call."""


def measure_overlaps(
    clock: DeviceClock,
    call: Callable[[], Any],
    make: Callable[[int], Kernel],
    effort: Effort,
    before: Callable[[], None] = lambda: None,
) -> tuple[Overlap, ...]:
    """The kernel alone, the call alone and both at once, several times in turn.

    Args:
        clock: on the device.
        call: the transfer.
        make: what is computed meanwhile, with matrices of so many rows.
        effort: for how long, and how many tries at most.
        before: called before each call, outside the timed region.

    Raises:
        NoOverlapError: even the shortest kernel is far longer than the call.
    """

    def done_s(function: Callable[[], Any]) -> float:
        before()
        return clock.once(function)[1].done_s

    call_s = min(done_s(call) for _ in range(2))
    kernel, one_s = _chosen(clock, make, call_s)
    times = max(1, min(MOST_KERNELS, round(call_s / one_s))) if one_s > 0 else 1

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


def _chosen(
    clock: DeviceClock, make: Callable[[int], Kernel], call_s: float
) -> tuple[Kernel, float]:
    """The largest kernel that is not long beside the call, and what it takes."""
    chosen: tuple[Kernel, float] | None = None
    for side in SIDES:
        kernel = make(side)
        one_s = _one_s(clock, kernel)
        if chosen is None and one_s > LONGEST_OF_ALL * call_s:
            raise NoOverlapError(TOO_SHORT)
        if chosen is not None and one_s > LONGEST_OF_CHOICE * call_s:
            break
        chosen = kernel, one_s
        if one_s > LONGEST_OF_CHOICE * call_s:
            break
    assert chosen is not None
    return chosen


def _one_s(clock: DeviceClock, kernel: Kernel) -> float:
    kernel.queue(2)  # the first one of a process loads the library
    return min(clock.once(lambda: kernel.queue(1))[1].done_s for _ in range(2))
