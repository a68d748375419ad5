"""Which events a listener is told of, by sys.settrace and, where there is it, sys.monitoring."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType

import pytest

from harness.trial.profiling.line_events import Monitored, Traced

BACKENDS = [Traced, Monitored] if sys.version_info >= (3, 12) else [Traced]


def generator() -> Iterator[int]:
    yield 1
    yield 2


def fails() -> None:
    raise ValueError


def watched() -> int:
    total = 0
    for value in generator():
        total += value
    try:  # noqa: SIM105 — its lines are what is looked at
        fails()
    except ValueError:
        pass
    return total


OWN = {one.__code__ for one in (generator, fails, watched)}
FIRST = watched.__code__.co_firstlineno


class Recorder:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str, int]] = []

    def watches(self, frame: FrameType) -> bool:
        return frame.f_code in OWN

    def _note(self, what: str, frame: FrameType) -> None:
        self.seen.append((what, frame.f_code.co_name, (frame.f_lineno or 0) - FIRST))

    def line(self, frame: FrameType) -> None:
        self._note("line", frame)

    def resumed(self, frame: FrameType) -> None:
        self._note("resumed", frame)

    def left(self, frame: FrameType) -> None:
        self._note("left", frame)


@pytest.mark.parametrize("backend", BACKENDS)
def test_lines_come_in_the_order_in_which_they_run(backend: type[Traced]) -> None:
    recorder = Recorder()
    with backend(recorder) as events:
        assert watched() == 3
        assert not events.lost
    own = [line for what, name, line in recorder.seen if (what, name) == ("line", "watched")]
    assert own == [1, 2, 3, 2, 3, 2, 4, 5, 6, 7, 8]


@pytest.mark.parametrize("backend", BACKENDS)
def test_generators_leave_and_go_on(backend: type[Traced]) -> None:
    recorder = Recorder()
    with backend(recorder):
        watched()
    told = [what for what, name, _ in recorder.seen if name == "generator"]
    assert told == ["line", "left", "resumed", "line", "left", "resumed", "left"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_exception_leaves_its_frame(backend: type[Traced]) -> None:
    recorder = Recorder()
    with backend(recorder):
        watched()
    told = [what for what, name, _ in recorder.seen if name == "fails"]
    assert told == ["line", "left"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_nothing_is_told_afterwards(backend: type[Traced]) -> None:
    recorder = Recorder()
    with backend(recorder):
        pass
    watched()
    assert recorder.seen == []
