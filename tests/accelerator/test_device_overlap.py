"""How much hides behind a kernel, where it is known how much does."""

from __future__ import annotations

import pytest

from harness.schema.records import Effort, Overlap
from harness.trial.device.clock import DeviceClock
from harness.trial.device.kernels import MOST_KERNELS
from harness.trial.device.overlap import (
    LEAST_TRIES,
    SIDES,
    TOO_SHORT,
    NoOverlapError,
    measure_overlaps,
)
from tests.accelerator.stand_ins import StandInDevice, StandInKernel, transfer

EFFORT = Effort(trials=1, steady_s=1.0, min_samples=3)


class Kernels:
    """Products whose time grows with the cube of their side, from a given one on."""

    def __init__(self, device: StandInDevice, shortest_ms: float) -> None:
        self.device = device
        self.shortest_ms = shortest_ms
        self.made: dict[int, StandInKernel] = {}

    def __call__(self, side: int) -> StandInKernel:
        milliseconds = self.shortest_ms * (side / SIDES[0]) ** 3
        return self.made.setdefault(side, StandInKernel(self.device, milliseconds))

    @property
    def used(self) -> StandInKernel:
        """The one that was computed beside the call: it alone was queued so often."""
        return max(self.made.values(), key=lambda kernel: len(kernel.queued))


def overlaps(
    host_ms: float, device_ms: float, stream: str, kernel_ms: float = 1, effort: Effort = EFFORT
) -> tuple[tuple[Overlap, ...], StandInKernel]:
    device = StandInDevice()
    kernels = Kernels(device, kernel_ms)
    clock = DeviceClock(device, now=device.now)
    call = transfer(device, host_ms, device_ms, stream)
    return measure_overlaps(clock, call, kernels, effort), kernels.used


def test_a_transfer_on_its_own_stream_hides_entirely() -> None:
    found, kernel = overlaps(0, 8, "side")
    assert found == (Overlap(0.008, 0.008, 0.008),) * 3
    assert {one.fraction for one in found} == {1.0}
    assert kernel.queued[-1] * kernel.milliseconds == 8  # as long as the call takes


def test_a_transfer_on_the_kernels_stream_comes_after_it() -> None:
    found, _ = overlaps(0, 8, "current")
    assert found[0] == Overlap(0.008, 0.008, 0.016)
    assert found[0].fraction == 0


def test_what_blocks_the_host_hides_too_but_not_what_follows_on_the_stream() -> None:
    # The host copies for 4 ms while the device computes; the transfer of 4 ms comes after that.
    found, _ = overlaps(4, 4, "current")
    assert found[0].both_s == pytest.approx(0.012)
    assert found[0].fraction == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("kernel_s", "call_s", "both_s", "fraction"),
    [(2, 2, 3, 0.5), (4, 1, 4, 1.0), (1, 4, 4.5, 0.5), (2, 2, 1.9, 1.0), (2, 2, 4.4, 0.0)],
)
def test_the_fraction_is_of_the_shorter_one_and_within_bounds(
    kernel_s: float, call_s: float, both_s: float, fraction: float
) -> None:
    assert Overlap(kernel_s, call_s, both_s).fraction == pytest.approx(fraction)


def test_nothing_to_hide_is_not_hidden() -> None:
    assert Overlap(0.0, 1.0, 1.0).fraction == 0.0


def test_a_long_call_is_tried_beside_not_too_many_kernels() -> None:
    assert overlaps(0, 1e7, "side", kernel_ms=0.001)[1].queued[-1] == MOST_KERNELS


@pytest.mark.parametrize(
    ("shortest_ms", "call_ms", "kernel_ms"),
    [
        (1, 8, 8),  # the next one would be as long as the call
        (1, 3.9, 1),  # the next one would be twice as long, and more
        (1, 4, 8),
        (1, 0.5, 1),
        (1, 0.26, 1),  # there is none that is shorter
        (0.005, 0.02, 0.04),  # a device of today, and the smallest transfers
        (0.0001, 1e6, 0.0001 * 16**3),  # the largest
    ],
)
def test_the_largest_kernel_that_is_not_long_beside_the_call_is_chosen(
    shortest_ms: float, call_ms: float, kernel_ms: float
) -> None:
    found, kernel = overlaps(0, call_ms, "side", shortest_ms)
    assert kernel.milliseconds == pytest.approx(kernel_ms)
    assert kernel.milliseconds <= 4 * call_ms
    assert {one.fraction for one in found} == {1.0}


@pytest.mark.parametrize("call_ms", [0.07, 0.2])
def test_where_every_kernel_is_long_beside_the_call_nothing_is_found(call_ms: float) -> None:
    with pytest.raises(NoOverlapError, match=TOO_SHORT):
        overlaps(0, call_ms, "side", kernel_ms=1)


def test_what_takes_long_is_tried_less_often() -> None:
    found, _ = overlaps(0, 500, "side", kernel_ms=50)
    assert len(found) == LEAST_TRIES
