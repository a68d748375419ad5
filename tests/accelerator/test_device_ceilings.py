"""The limits of the link: what is timed, when, and that no host asks about a device."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
import torch

from harness.host.host import Host
from harness.host.inputs import FixtureStore
from harness.run.ceilings import QUICK_DEVICE_BYTES, measure_ceilings
from harness.scenario.discover import SCENARIO_PACKAGE, built_in_files, load
from harness.schema.records import Ceiling, Outcome
from harness.schema.request import DeviceCeilingsRequest, TaskRequest
from harness.trial.ceilings.device_copy import SAMPLES, Move, measure_device_ceilings
from tests.accelerator.stand_ins import MIB, At, RealClock, StandInDevice, transfer
from tests.journals import ENVIRONMENT, header, planned


class AskedHost:
    """Answers what it is told to, and remembers what it was asked."""

    def __init__(self, found: list[Ceiling] | None) -> None:
        self.found = found
        self.asked: list[str] = []

    def call(self, request: TaskRequest, timeout_s: float) -> Any:
        self.asked.append(request.task)
        if isinstance(request, DeviceCeilingsRequest):
            assert request.size_bytes == QUICK_DEVICE_BYTES
            if self.found is None:
                failure = Outcome("crash", "the driver is gone")
                return SimpleNamespace(answer=None, failure=lambda timeout_s: failure)
            return SimpleNamespace(answer={"ceilings": self.found})
        return SimpleNamespace(answer={"ceilings": []})


def lines(host: AskedHost, *, on_device: bool, skip: str = "") -> list[Ceiling]:
    case = replace(planned("base", baseline=True, skip=skip), on_device=on_device)
    nothing = cast("FixtureStore", None)
    made = measure_ceilings(cast("Host", host), header([case]).plan, ENVIRONMENT, 1, nothing)
    return [line.ceiling for line in made]


def test_they_are_measured_where_a_case_needs_them() -> None:
    host = AskedHost([Ceiling("device_to", 1, MIB, 1e9)])
    assert [one.name for one in lines(host, on_device=True)] == ["device_to"]
    assert host.asked == ["ceilings", "device_ceilings"]


def test_and_nowhere_else() -> None:
    for on_device, skip in ((False, ""), (True, "no accelerator: none")):
        host = AskedHost([])
        assert lines(host, on_device=on_device, skip=skip) == []
        assert host.asked == ["ceilings"]


def test_what_could_not_be_measured_says_so() -> None:
    (found,) = lines(AskedHost(None), on_device=True)
    assert found.bytes_per_s == 0
    assert "the driver is gone" in found.note


@pytest.mark.parametrize("has_events", [True, False])
def test_a_rate_is_bytes_by_the_fastest_sample(has_events: bool) -> None:
    # The clock of this trial is the real one, so only events know the stand-in's time.
    device = StandInDevice(has_events=has_events)
    times_ms = iter([9.0, 4.0, 3.0, 2.0, 3.0, 4.0])  # the first is not counted

    def move() -> None:
        transfer(device, 0, next(times_ms))()

    moves: list[Move] = [("device_both", 2 * MIB, lambda: move)]
    (found,) = measure_device_ceilings(DeviceCeilingsRequest(MIB), device, moves)["ceilings"]
    assert found["size_bytes"] == MIB
    assert len(found["samples_s"]) == SAMPLES
    assert next(times_ms, None) is None
    if has_events:
        assert found["bytes_per_s"] == pytest.approx(2 * MIB / 2e-3)
    else:
        assert found["bytes_per_s"] == 2 * MIB / min(found["samples_s"])


def test_a_rate_is_not_by_events_where_the_host_copies() -> None:
    device = StandInDevice(RealClock())
    moves: list[Move] = [("device_to", MIB, lambda: lambda: device.now.spend(1))]
    device.mark = lambda: At(0)  # type: ignore[method-assign]  # passed as soon as recorded
    (found,) = measure_device_ceilings(DeviceCeilingsRequest(MIB), device, moves)["ceilings"]
    assert min(found["samples_s"]) >= 1e-3
    assert found["bytes_per_s"] == MIB / min(found["samples_s"])


def test_one_that_cannot_be_measured_leaves_the_others() -> None:
    device = StandInDevice()

    def without_pinning() -> Any:
        raise RuntimeError("CUDA error: out of memory")

    moves: list[Move] = [
        ("device_to", MIB, without_pinning),
        ("device_copy", MIB, lambda: transfer(device, 0, 1)),
    ]
    to, copy = measure_device_ceilings(DeviceCeilingsRequest(MIB), device, moves)["ceilings"]
    assert to["bytes_per_s"] == 0
    assert "not measured: RuntimeError: CUDA error: out of memory" in to["note"]
    assert copy["bytes_per_s"] == pytest.approx(MIB / 1e-3)
    assert msgspec.convert([to, copy], list[Ceiling])


def test_loading_every_scenario_asks_no_device_for_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A host loads them, and a process that has begun to use CUDA cannot be forked any more.
    def refuse(*args: Any, **options: Any) -> Any:
        raise AssertionError("a host asked for a device")

    for name in ("is_available", "current_accelerator", "device_count", "synchronize"):
        monkeypatch.setattr(torch.accelerator, name, refuse)
    for name in ("is_available", "device_count", "_lazy_init", "init"):
        monkeypatch.setattr(torch.cuda, name, refuse)
    for name in list(sys.modules):  # others hold on to the modules that were loaded before
        if name.startswith(SCENARIO_PACKAGE):
            monkeypatch.setitem(sys.modules, name, sys.modules[name])
    names = [scenario.name for file in built_in_files() for scenario in load(file)]
    assert {"host_to_device", "device_to_host", "device_training", "preprocess"} <= set(names)
