"""How much hides behind a kernel, where it is known how much does."""

from __future__ import annotations

import pytest

from harness.model import Effort, Overlap
from harness.trial.device_clock import DeviceClock
from harness.trial.device_overlap import LEAST_TRIES, MOST_KERNELS, measure_overlaps
from tests.accelerator.stand_ins import StandInDevice, StandInKernel, transfer

EFFORT = Effort(trials=1, steady_s=1.0, min_samples=3)


def overlaps(
    host_ms: float, device_ms: float, stream: str, kernel_ms: float = 1, effort: Effort = EFFORT
) -> tuple[tuple[Overlap, ...], StandInKernel]:
    device = StandInDevice()
    kernel = StandInKernel(device, kernel_ms)
    clock = DeviceClock(device, now=device.now)
    return measure_overlaps(clock, transfer(device, host_ms, device_ms, stream), kernel, effort), (
        kernel
    )


def test_a_transfer_on_its_own_stream_hides_entirely() -> None:
    found, kernel = overlaps(0, 8, "side")
    assert found == (Overlap(0.008, 0.008, 0.008),) * 3
    assert {one.fraction for one in found} == {1.0}
    assert kernel.queued[-1] == 8  # as many as the call takes


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


def test_a_short_call_is_tried_beside_one_kernel_and_a_long_one_beside_not_too_many() -> None:
    assert overlaps(0, 0.01, "side")[1].queued[-1] == 1
    assert overlaps(0, 10_000, "side")[1].queued[-1] == MOST_KERNELS


def test_what_takes_long_is_tried_less_often() -> None:
    found, _ = overlaps(0, 500, "side", kernel_ms=50)
    assert len(found) == LEAST_TRIES
