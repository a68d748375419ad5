"""Blocked, there, and by events: told apart on a device whose time is known."""

from __future__ import annotations

import pytest

from harness.schema.records import Effort
from harness.trial.device.clock import DeviceClock
from tests.accelerator.stand_ins import StandInDevice, transfer

EFFORT = Effort(trials=1, steady_s=0.1, min_samples=3, max_samples=20)


def clock_on(device: StandInDevice, cost_s: float = 0.0) -> DeviceClock:
    return DeviceClock(device, cost_s, device.now)


def test_a_call_is_waited_for_on_both_sides() -> None:
    device = StandInDevice()
    clock_on(device).once(transfer(device, 1, 5))
    assert device.log == ["synchronize", "mark", "call", "mark", "synchronize"]


def test_work_from_before_is_nobodys_time() -> None:
    device = StandInDevice()
    device.queue(1000)
    _, sample = clock_on(device).once(transfer(device, 1, 5))
    assert sample.done_s == pytest.approx(6e-3)
    assert sample.event_s == pytest.approx(6e-3)


@pytest.mark.parametrize(("host_ms", "device_ms"), [(0.002, 10), (10, 0), (3, 4)])
def test_the_host_is_blocked_for_less_than_the_data_takes(host_ms: float, device_ms: float) -> None:
    device = StandInDevice()
    result, sample = clock_on(device).once(transfer(device, host_ms, device_ms))
    assert result == "result"
    assert sample.blocked_s == pytest.approx(host_ms / 1e3)
    assert sample.done_s == pytest.approx((host_ms + device_ms) / 1e3)


def test_events_see_another_stream_only_if_it_is_waited_for() -> None:
    device = StandInDevice()
    forgetful = transfer(device, 0, 5, "side")

    def careful() -> None:
        forgetful()
        device.wait_for("side")

    _, unseen = clock_on(device).once(forgetful)
    _, seen = clock_on(device).once(careful)
    assert unseen.event_s == 0
    assert unseen.done_s == pytest.approx(5e-3)
    assert seen.event_s == pytest.approx(5e-3)
    assert seen.done_s == pytest.approx(5e-3)


def test_without_events_there_is_no_such_time() -> None:
    device = StandInDevice(has_events=False)
    _, sample = clock_on(device).once(transfer(device, 1, 5))
    assert sample.event_s is None
    assert sample.done_s == pytest.approx(6e-3)


def test_the_cost_of_the_clock_is_taken_off_but_nothing_takes_less_than_no_time() -> None:
    device = StandInDevice()
    clock = clock_on(device, cost_s=2e-3)
    assert clock.once(transfer(device, 1, 5))[1].blocked_s == 0
    assert clock.once(transfer(device, 1, 5))[1].done_s == pytest.approx(4e-3)
    assert clock_on(StandInDevice()).empty_s() == 0


@pytest.mark.parametrize(("call_ms", "samples"), [(10, 10), (1, 20), (60, 3), (300, 2)])
def test_sampling_keeps_to_its_time(call_ms: float, samples: int) -> None:
    device = StandInDevice()
    prepared: list[int] = []
    found = clock_on(device).steady(
        transfer(device, 0, call_ms), EFFORT, lambda: prepared.append(len(device.log))
    )
    assert len(found) == len(prepared) == samples
    assert [one.done_s for one in found] == pytest.approx([call_ms / 1e3] * samples)
