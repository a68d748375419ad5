"""Steps that return before a device has done them, on a clock of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from harness.trial.base import queued_work
from harness.trial.loader import drive
from harness.trial.loader.drive import Course
from tests.some import some

MS = 1_000_000


class Machine:
    """A host and a device that work at the same time; the device starts at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_ns = self.device_free_ns = 0
        self.in_use = False
        monkeypatch.setattr(drive, "_now", lambda: self.now_ns)
        monkeypatch.setattr(queued_work, "accelerator_in_use", lambda: "X" if self.in_use else "")
        monkeypatch.setattr(queued_work, "wait_for_accelerator", self.wait)

    def wait(self) -> None:
        self.now_ns = max(self.now_ns, self.device_free_ns)

    def batches(self, count: int, each_ms: float) -> Iterator[int]:
        for number in range(count):
            self.now_ns += round(each_ms * MS)
            yield number

    def step(self, device_ms: float) -> Any:
        def step(batch: int) -> None:
            self.in_use = True
            begins = max(self.now_ns, self.device_free_ns)
            self.device_free_ns = begins + round(device_ms * MS)

        return step


@pytest.mark.parametrize(
    ("making_ms", "step_ms"), [(5, 20), (20, 5), (10, 10)], ids=["device", "host", "both"]
)
def test_what_takes_longer_decides(
    making_ms: float, step_ms: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(monkeypatch)
    course = Course(machine.batches(40, making_ms), machine.step(step_ms), 40, 4, 1e6)
    (one,) = course.passes()
    assert one.steady_s / one.steady_batches == pytest.approx(max(making_ms, step_ms) / 1e3)
    assert one.wait_s + one.step_s == pytest.approx(one.total_s - one.start_s - one.end_s)
    assert one.total_s >= 39 * step_ms / 1e3  # all but the one that goes on when it is broken off


def test_without_an_accelerator_nothing_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    course = Course(machine.batches(20, 3), lambda batch: None, 20, 4, 1e6)
    for one in some(list(course.passes())):
        assert one.steady_s / one.steady_batches == pytest.approx(3e-3)
