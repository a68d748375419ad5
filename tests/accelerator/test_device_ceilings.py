"""The limits of the link: what is timed, when, and that no host asks about a device."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch

from harness.scenario.discover import SCENARIO_PACKAGE, built_in_files, load
from harness.schema.records import Ceiling, Work
from harness.schema.request import CeilingsRequest
from harness.trial.ceilings import device_copy
from harness.trial.ceilings.device_copy import SAMPLES, moved_s
from harness.trial.ceilings.measure import measure_ceilings
from tests.accelerator.stand_ins import MIB, At, RealClock, StandInDevice, transfer


@pytest.mark.parametrize("has_events", [True, False])
def test_a_rate_is_bytes_by_the_fastest_sample(
    has_events: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The clock of this trial is the real one, so only events know the stand-in's time.
    device = StandInDevice(has_events=has_events)
    times_ms = iter([9.0, 4.0, 3.0, 2.0, 3.0, 4.0])  # the first is not counted

    def move() -> None:
        transfer(device, 0, next(times_ms))()

    times = moved_s(lambda: move, device)
    assert len(times) == SAMPLES
    assert next(times_ms, None) is None
    if has_events:
        assert min(times) == pytest.approx(2e-3)
    monkeypatch.setattr(device_copy, "_moves", lambda size: {"device_both": None})
    monkeypatch.setattr(device_copy, "moved_s", lambda prepare: times)
    (found,) = ceilings(Work("device_both", MIB))
    assert found.size_bytes == MIB
    assert found.bytes_per_s == pytest.approx(2 * MIB / min(times))  # bytes of both ways


def ceilings(*works: Work) -> list[Ceiling]:
    return [Ceiling(**one) for one in measure_ceilings(CeilingsRequest(works))["ceilings"]]


def test_a_rate_is_not_by_events_where_the_host_copies() -> None:
    device = StandInDevice(RealClock())
    device.mark = lambda: At(0)  # type: ignore[method-assign]  # passed as soon as recorded
    assert min(moved_s(lambda: lambda: device.now.spend(1), device)) >= 1e-3


def test_one_that_cannot_be_measured_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    device = StandInDevice()

    def without_pinning() -> Any:
        raise RuntimeError("CUDA error: out of memory")

    moves = {"device_to": without_pinning, "device_copy": lambda: transfer(device, 0, 1)}
    monkeypatch.setattr(device_copy, "_moves", lambda size: moves)
    monkeypatch.setattr(device_copy, "moved_s", lambda prepare: moved_s(prepare, device))
    to, copy = ceilings(Work("device_to", MIB), Work("device_copy", MIB))
    assert to.bytes_per_s == 0
    assert "not measured: RuntimeError: CUDA error: out of memory" in to.note
    assert copy.bytes_per_s == pytest.approx(MIB / 1e-3)


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
