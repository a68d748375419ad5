"""Readings around a call, on a device whose memory is known."""

from __future__ import annotations

from dataclasses import asdict
from types import SimpleNamespace

import pytest

from harness.schema.records import UNFINISHED, DeviceMemory, Effort, Found, Outcome
from harness.trial.device.accelerator import NOT_TOLD, opened
from harness.trial.device.memory import DeviceLedger, Ledgered, memory_found
from harness.trial.timing.steps import SteadyState
from tests.accelerator.stand_ins import MIB, StandInDevice

CONTEXT = 500 * MIB


def ledger_of_a_call(device: StandInDevice, asked: int | None = 3 * MIB) -> DeviceMemory:
    """Setup keeps 5 MiB; the call peaks at 30 and gives 20, of which the check keeps 1 more."""
    memory = device.memory
    ready = opened(device)
    memory.allocate(2 * MIB)  # of warming up, and freed
    memory.free(2 * MIB)
    ledger = DeviceLedger(ready)
    memory.allocate(5 * MIB)
    memory.pinned += 4 * MIB
    ledger.begin()
    memory.allocate(30 * MIB)
    memory.free(10 * MIB)
    ledger.called()
    memory.allocate(1 * MIB)
    assert not ledger.complete
    ledger.about_to_drop()
    memory.free(20 * MIB)
    ledger.dropped()
    assert ledger.complete
    return ledger.memory(asked)


def test_every_reading_is_growth_over_the_right_moment() -> None:
    found = ledger_of_a_call(StandInDevice(context_bytes=CONTEXT))
    assert found.setup_allocated_bytes == 5 * MIB
    assert found.peak_allocated_bytes == 30 * MIB
    assert found.peak_reserved_bytes == 30 * MIB
    assert found.retained_allocated_bytes == 20 * MIB
    assert found.retained_reserved_bytes == 30 * MIB
    assert found.left_allocated_bytes == 0  # what the check keeps is not the strategy's
    assert found.left_reserved_bytes == 30 * MIB
    assert found.emptied_reserved_bytes == 1 * MIB  # the check's


def test_the_context_is_device_wide_and_in_no_counter_of_torch() -> None:
    found = ledger_of_a_call(StandInDevice(context_bytes=CONTEXT))
    assert found.context_bytes == CONTEXT
    assert found.retained_used_bytes == 30 * MIB
    assert found.emptied_used_bytes == 1 * MIB


def test_what_the_backend_does_not_tell_is_not_told() -> None:
    found = ledger_of_a_call(StandInDevice(tells_used=False), asked=None)
    assert found.context_bytes is None
    assert found.retained_used_bytes is None
    assert found.pinned_asked_bytes is None


def test_a_backend_without_statistics_has_no_figures_and_no_zeros() -> None:
    found = ledger_of_a_call(StandInDevice(tells_memory=False, tells_used=False))
    told = {name: value for name, value in asdict(found).items() if value is not None}
    assert told.keys() == {"pinned_asked_bytes", "source", "used_source", "lies_in_host_memory"}
    assert found.source == NOT_TOLD


def test_what_lies_in_the_hosts_memory_is_said_to() -> None:
    assert ledger_of_a_call(StandInDevice(in_host_memory=True)).lies_in_host_memory is True


def test_what_was_left_is_told_alike_by_torch_and_device_wide() -> None:
    device = StandInDevice()
    ready = opened(device)
    ledger = DeviceLedger(ready)
    ledger.begin()
    device.memory.allocate(30 * MIB)
    ledger.called()
    device.memory.allocate(70 * MIB)  # the check's, which the driver sees too
    ledger.about_to_drop()
    device.memory.free(70 * MIB)
    ledger.dropped()
    found = ledger.memory(None)
    assert found.left_reserved_bytes == found.left_used_bytes == 30 * MIB


def test_readings_of_two_sources_are_not_subtracted() -> None:
    device = StandInDevice(context_bytes=CONTEXT)

    def started_otherwise() -> None:
        device.used_source = "another"

    device.start = started_otherwise  # type: ignore[method-assign]
    assert opened(device).context_bytes is None


def test_pinned_memory_of_the_setup_counts() -> None:
    found = ledger_of_a_call(StandInDevice())
    assert (found.pinned_asked_bytes, found.pinned_taken_bytes) == (3 * MIB, 4 * MIB)


def test_caches_are_emptied_before_anything_counts_and_peaks_reset_before_the_call() -> None:
    device = StandInDevice()
    ledger_of_a_call(device)
    steps = [step for step in device.log if step != "synchronize"]
    assert steps == ["start", "empty caches", "reset peaks", "empty caches"]


def test_the_context_is_timed_by_itself() -> None:
    device = StandInDevice(context_ms=250)
    ready = opened(device, lambda: device.now.ns / 1e9)
    assert ready.context_s == pytest.approx(0.25)


class Loader:
    """What is measured of a loader: a first epoch, a check, an end."""

    clock_cost_s, reuses_result, first_s, cache = 1e-7, True, 0.5, None

    def __init__(self, device: StandInDevice) -> None:
        self.memory = device.memory
        self.steps: list[str] = []

    def first(self) -> None:
        self.memory.allocate(8 * MIB)
        self.memory.free(6 * MIB)

    def verify(self, found: Found) -> Outcome:
        self.memory.allocate(3 * MIB)
        return Outcome("ok")

    def drop(self) -> None:
        self.memory.free(2 * MIB)

    def steady(self, effort: object, warmed: object, found: Found) -> SteadyState:
        self.steps.append("steady")
        return SteadyState((), 4)


def test_an_epoch_has_its_memory_read_like_a_call() -> None:
    device = StandInDevice()
    ledger = DeviceLedger(opened(device))
    loader = Loader(device)
    measured = Ledgered(loader, ledger)  # type: ignore[arg-type]
    measured.first()
    noted = Found(outcome=UNFINISHED)
    assert measured.verify(noted).ok
    assert measured.steady(Effort(1, 0.1), lambda: None, noted).calls == 4
    measured.drop()
    assert (measured.first_s, measured.reuses_result) == (0.5, True)
    work = SimpleNamespace(strategy=SimpleNamespace(pins=2.0), inputs=(bytes(MIB),), parameters={})
    found = memory_found(ledger, work)  # type: ignore[arg-type]
    assert found is not None
    assert found.peak_allocated_bytes == 8 * MIB
    assert found.retained_allocated_bytes == 2 * MIB
    assert found.left_allocated_bytes == 0
    assert memory_found(None, work) is None  # type: ignore[arg-type]
    assert memory_found(DeviceLedger(opened(StandInDevice())), work) is None  # type: ignore[arg-type]
