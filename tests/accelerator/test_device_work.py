"""Work of a wanted length, on devices that are as fast as told."""

from __future__ import annotations

import pytest
import torch

from harness.trial.device.kernels import BUSY_S, MOST_KERNELS, SIDES, Busy
from tests.accelerator.deferred import CPU
from tests.accelerator.stand_ins import StandInDevice, StandInKernel


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> StandInDevice:
    made = StandInDevice()
    monkeypatch.setattr(torch.accelerator, "synchronize", made.synchronize)
    return made


def busy(device: StandInDevice, flops_per_s: float, seconds: float = BUSY_S) -> Busy:
    def make(where: torch.device, side: int) -> StandInKernel:
        return StandInKernel(device, 2 * side**3 / flops_per_s * 1e3)

    return Busy(CPU, seconds, make, lambda: device.now.ns / 1e9)


@pytest.mark.parametrize("flops_per_s", [1e9, 1e10, 1e11, 1e12, 1e13, 5e13])
def test_it_takes_as_long_as_is_wanted(flops_per_s: float, device: StandInDevice) -> None:
    work = busy(device, flops_per_s)
    device.synchronize()
    before = device.now.ns
    work.queue()
    assert device.now.ns == before  # nobody waits
    device.synchronize()
    assert (device.now.ns - before) / 1e9 == pytest.approx(BUSY_S, rel=0.5)
    assert work.times <= 32  # so that launching them takes no time to speak of


def test_a_device_is_not_kept_for_long_to_find_that_out(device: StandInDevice) -> None:
    work = busy(device, 1e8)
    assert work.times == 1
    assert device.now.ns / 1e9 < 4 * 2 * SIDES[0] ** 3 / 1e8


def test_on_a_device_that_takes_no_time_it_is_not_queued_for_ever(device: StandInDevice) -> None:
    assert busy(device, 1e30).times == 1
    assert busy(device, 1e17).times == MOST_KERNELS
