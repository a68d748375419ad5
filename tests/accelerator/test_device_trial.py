"""A whole trial on a device that exists in tests alone: its order, its record, its outcomes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.scenario import Scenario
from harness.schema.records import UNFINISHED, Effort, Found, Outcome, Trial, TrialKind
from harness.trial.base import inputs as made_inputs
from harness.trial.base.outcomes import failure
from harness.trial.base.request import TrialTask
from harness.trial.device.calls import EVENTS_LESS, NO_EVENTS
from harness.trial.kinds.on_device import measure_on_device
from tests.accelerator.stand_ins import MIB, At, RealClock, StandInDevice, StandInKernel

SIZE = 1 * MIB


class Lab:
    """Runs trials of one scenario, whose strategies find the device here."""

    def __init__(self, folder: Path) -> None:
        self.device = StandInDevice(RealClock())  # as that of the trial
        self.folder = folder
        self.warmed = 0
        self.kernels: list[StandInKernel] = []
        self.kernel_ms = 0.0
        self.scenario = Scenario("moving", question="?", baseline="send", transfers="to")

        @self.scenario.inputs
        def data(size: int) -> Any:
            return np.ones(size, np.uint8)

        @self.scenario.strategy(pins=0.5, setup=self.prepare)
        def send(data: Any, prepared: Any) -> Any:
            self.device.log.append("call")
            self.device.memory.allocate(SIZE)
            return data.copy()

        @self.scenario.strategy()
        def too_early(data: Any) -> Any:
            return np.zeros_like(data)

        @self.scenario.strategy()
        def raises(data: Any) -> Any:
            raise RuntimeError("the link is down")

        @self.scenario.check
        def same(data: Any, result: Any) -> None:
            self.device.log.append("check")
            assert (data == result).all(), "not what was sent"

        made_inputs.save(np.ones(SIZE, np.uint8), folder / "inputs.bin")

    def prepare(self, data: Any) -> str:
        self.device.log.append("setup")
        self.device.memory.pinned += SIZE
        return "prepared"

    def trial(self, strategy: str, kind: TrialKind = "time") -> Trial:
        effort = Effort(trials=1, steady_s=1.0, min_samples=3, max_samples=4)
        own = self.scenario.strategies[strategy]
        inputs = self.folder / "inputs.bin"
        where = (inputs, inputs, self.folder / "scratch")
        task = TrialTask(self.scenario, own, {"size": SIZE}, kind, effort, *where)
        found = Found(outcome=UNFINISHED)
        found.outcome = measure_on_device(task, None, found, self.warm, self.device, self.kernel)
        return Trial(case=0, kind=kind, round=0, **vars(found))

    def warm(self) -> None:
        self.device.log.append("warm")

    def kernel(self, side: int) -> StandInKernel:
        self.kernels.append(StandInKernel(self.device, self.kernel_ms))
        return self.kernels[-1]


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_the_context_comes_first_and_the_check_after_the_device_is_idle(lab: Lab) -> None:
    lab.trial("send", "memory")
    assert lab.device.log[0] == "start"
    steps = [step for step in lab.device.log if step not in ("mark", "empty caches")]
    called = steps.index("call")
    assert steps.index("warm") < steps.index("setup") < steps.index("reset peaks") < called
    assert steps[called + 1] == "synchronize"
    assert steps.index("check") > called + 1


def test_a_timed_trial_tells_of_every_sample_twice(lab: Lab) -> None:
    trial = lab.trial("send")
    assert trial.outcome == Outcome("ok")
    timing, device = trial.timing, trial.device_timing
    assert timing is not None
    assert device is not None
    assert 3 <= len(timing.samples_s) <= 4
    assert len(device.blocked_s) == len(device.events_s) == len(timing.samples_s)
    assert all(
        blocked <= done for blocked, done in zip(device.blocked_s, timing.samples_s, strict=True)
    )
    assert device.first_blocked_s <= timing.first_call_s
    assert device.device == "stand-in"
    assert device.note == ""
    assert trial.device_memory is None  # reading it takes time


def test_a_transfer_is_tried_beside_a_kernel_at_the_end(lab: Lab) -> None:
    trial = lab.trial("send")
    assert trial.device_timing is not None
    assert len(trial.device_timing.overlaps) >= 2
    assert lab.kernels


def test_a_kernel_that_fails_is_a_note_on_a_good_trial(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(side: int) -> StandInKernel:
        raise RuntimeError("CUBLAS_STATUS_ALLOC_FAILED")

    monkeypatch.setattr(lab, "kernel", fail)
    trial = lab.trial("send")
    assert trial.outcome == Outcome("ok")
    assert trial.timing is not None
    assert trial.timing.samples_s
    assert trial.device_timing is not None
    assert trial.device_timing.overlaps == ()
    assert "not measured: RuntimeError: CUBLAS_STATUS_ALLOC_FAILED" in trial.device_timing.note


def test_memory_is_read_in_a_trial_of_its_own(lab: Lab) -> None:
    trial = lab.trial("send", "memory")
    memory = trial.device_memory
    assert memory is not None
    assert memory.peak_allocated_bytes == memory.retained_allocated_bytes == SIZE
    assert memory.pinned_asked_bytes == SIZE // 2
    assert memory.pinned_taken_bytes == SIZE  # by the setup
    assert trial.ledger is not None  # and that of the host
    assert trial.device_timing is not None
    assert trial.device_timing.blocked_s == ()
    assert trial.device_timing.empty_s is None  # it was not timed, and took some time
    assert not lab.kernels


def test_data_that_came_too_early_is_wrong_and_has_no_time(lab: Lab) -> None:
    trial = lab.trial("too_early")
    assert trial.outcome.name == "wrong"
    assert "not what was sent" in trial.outcome.reason
    assert trial.timing is not None
    assert trial.timing.samples_s == ()
    assert trial.device_timing is not None
    assert trial.device_timing.overlaps == ()


def test_a_call_that_raises_leaves_no_readings_behind(lab: Lab) -> None:
    with pytest.raises(RuntimeError, match="the link is down"):
        lab.trial("raises", "memory")


def test_a_backend_without_events_says_so(lab: Lab) -> None:
    lab.device.has_events = False
    trial = lab.trial("send")
    assert trial.device_timing is not None
    assert trial.device_timing.first_event_s is None
    assert trial.device_timing.events_s == ()
    assert trial.device_timing.note == NO_EVENTS


def test_events_of_a_backend_that_copies_on_the_host_are_not_believed(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    # They are passed as soon as they are recorded, and so all at one time.
    monkeypatch.setattr(lab.device, "mark", lambda: At(0))
    trial = lab.trial("send")
    assert trial.outcome == Outcome("ok")
    assert trial.device_timing is not None
    assert trial.device_timing.first_event_s is None
    assert trial.device_timing.events_s == ()
    assert EVENTS_LESS in trial.device_timing.note


def test_memory_of_the_device_that_gives_out_is_an_outcome() -> None:
    class OutOfMemoryError(RuntimeError):  # as torch's is
        pass

    outcome = failure(OutOfMemoryError("CUDA out of memory. Tried to allocate 1.00 GiB."))
    assert (outcome.name, outcome.kind) == ("oom", "device memory")
