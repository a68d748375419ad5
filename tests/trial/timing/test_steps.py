"""The readings around what is measured, against something whose costs are known."""

from __future__ import annotations

import mmap
import sys
from collections.abc import Callable
from typing import Any

import pytest

from harness.schema.records import UNFINISHED, Effort, Found, Outcome
from harness.trial.meters.malloc_arenas import Arenas
from harness.trial.timing.steps import SteadyState, take_steps

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="memory is read from /proc"
)
EFFORT = Effort(trials=1, steady_s=0.01)
PAGES = 200


class NoFiles:
    """None that would have to be in some state."""

    def prepare(self) -> None: ...

    def note_after(self) -> None: ...

    def found(self) -> None: ...


class Known:
    """Does what it is told to in the first call, and touches new pages in the steady state."""

    clock_cost_s = 0.0
    reuses_result = False
    first_s = 0.5
    cache = NoFiles()

    def __init__(self, make: Callable[[], Any], warm_up: Callable[[], Any] = list) -> None:
        self.make = make
        self.warm_up = warm_up
        self.result: Any = None

    def first(self) -> None:
        self.result = self.make()

    def verify(self, found: Found) -> Outcome:
        return Outcome("ok")

    def drop(self) -> None:
        self.result = None

    def steady(self, effort: Effort, warmed: Callable[[], None], found: Found) -> SteadyState:
        """Two samples of ten calls each."""
        self.warm_up()
        warmed()
        for _ in range(20):
            touched(PAGES)
        return SteadyState([1.0, 1.0], calls=20, calls_per_sample=10, calls_timed_apart=False)


def touched(pages: int) -> mmap.mmap:
    """Memory of which so many pages are in use, each by a fault of its own."""
    memory = mmap.mmap(-1, pages * mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_NOHUGEPAGE)
    for page in range(pages):
        memory[page * mmap.PAGESIZE] = 1
    return memory


def found_of(known: Known) -> Found:
    found = Found(outcome=UNFINISHED)
    assert take_steps(known, None, EFFORT, found, timed=True).ok
    return found


def test_faults_of_the_steady_state_are_those_of_a_call() -> None:
    """Not of a sample, which is as many calls as drown the clock, nor of the warm-up."""
    found = found_of(Known(list, warm_up=lambda: touched(100 * PAGES)))
    assert found.faults_steady is not None
    assert found.faults_steady.minor == pytest.approx(PAGES, rel=0.1)


def test_memory_and_faults_are_those_of_the_first_call() -> None:
    found = found_of(Known(lambda: touched(50 * PAGES)))
    assert found.ledger is not None
    assert found.faults_first is not None
    taken_bytes = 50 * PAGES * mmap.PAGESIZE
    assert found.ledger.peak.anon_bytes == pytest.approx(taken_bytes, rel=0.1)
    assert found.ledger.retained.anon_bytes == pytest.approx(taken_bytes, rel=0.1)
    assert abs(found.ledger.left.anon_bytes) < taken_bytes / 10
    assert found.faults_first.minor == pytest.approx(50 * PAGES, rel=0.1)


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="CPython's allocator is asked")
def test_an_arena_that_the_first_call_took_is_the_grain_of_its_memory() -> None:
    def until_an_arena_is_taken() -> list[Any]:
        before, made = Arenas.now().ever, list[Any]()
        while Arenas.now().ever == before:  # there may be room in those of earlier tests
            made.append([float(number) for number in range(30_000)])
        return made

    taken, none = found_of(Known(until_an_arena_is_taken)), found_of(Known(list))
    assert taken.ledger is not None
    assert none.ledger is not None
    assert taken.ledger.arena_bytes == Arenas.now().each_bytes > 0
    assert none.ledger.arena_bytes == 0
