"""The stopwatch under a clock that goes exactly as fast as it is told."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness.schema.records import Effort
from harness.trial.base import queued_work
from harness.trial.timing import clock
from harness.trial.timing.clock import APART_FROM_NS, WARM_SHARE, Stopwatch, clock_cost_ns

READING_NS = 50
MS = 1_000_000


class FakeClock:
    """Stands still unless read, which costs 50 ns, or moved."""

    def __init__(self) -> None:
        self.time_ns = 0.0

    def __call__(self) -> int:
        self.time_ns += READING_NS
        return round(self.time_ns)

    def pass_ns(self, duration: float) -> None:
        self.time_ns += duration


@pytest.fixture
def now() -> FakeClock:
    return FakeClock()


@pytest.fixture(autouse=True)
def without_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def effort(**changed: Any) -> Effort:
    return Effort(**{"trials": 1, "steady_s": 0.1, "max_samples": 20} | changed)


def lasting(now: FakeClock, duration_ns: float) -> Callable[[], None]:
    return lambda: now.pass_ns(duration_ns)


def test_reading_the_clock_costs_what_it_costs(now: FakeClock) -> None:
    assert clock_cost_ns(now) == READING_NS


def test_one_call_is_exact_and_returns_the_result(now: FakeClock) -> None:
    def work(left: int, right: int) -> int:
        now.pass_ns(1234)
        return left - right

    assert Stopwatch(work, (5, 3), now=now).one_call() == (2, 1234.0)


def test_a_call_faster_than_the_clock_is_not_negative(now: FakeClock) -> None:
    watch = Stopwatch(lambda: None, (), now=now)
    watch.clock_cost_ns = 80.0
    assert watch.one_call()[1] == 0.0


@pytest.mark.parametrize("duration_ns", [APART_FROM_NS, 20_000, 3_456_789])
def test_long_calls_are_timed_apart_and_exact(now: FakeClock, duration_ns: int) -> None:
    steady = Stopwatch(lasting(now, duration_ns), (), now=now).steady(effort())
    assert steady.apart
    assert set(steady.samples_ns) == {duration_ns}


@pytest.mark.parametrize("duration_ns", [7, 400, APART_FROM_NS - 1])
def test_short_calls_are_looped_until_the_clock_no_longer_counts(
    now: FakeClock, duration_ns: int
) -> None:
    steady = Stopwatch(lasting(now, duration_ns), (), now=now).steady(effort(steady_s=0.004))
    assert not steady.apart
    assert steady.samples_ns == pytest.approx([duration_ns] * len(steady.samples_ns), rel=0.001)
    assert steady.calls_per_sample * duration_ns >= clock.LOOP_NS


def test_the_cost_of_the_loop_is_taken_off(now: FakeClock, monkeypatch: Any) -> None:
    watch = Stopwatch(lasting(now, 400 + 15), (), now=now)
    monkeypatch.setattr(watch._empty, "timeit", lambda turns: 15 * turns)
    assert watch.steady(effort()).samples_ns == pytest.approx([400] * 20, abs=0.5)


def test_freeing_a_result_is_not_timed_where_calls_are_apart(now: FakeClock) -> None:
    class Costly:
        def __del__(self) -> None:
            now.pass_ns(5_000)

    def make() -> Costly:
        now.pass_ns(20_000)
        return Costly()

    steady = Stopwatch(make, (), now=now).steady(effort())
    assert set(steady.samples_ns) == {20_000}


def test_restore_comes_before_every_call_and_is_not_timed(now: FakeClock) -> None:
    happened = []

    def restore() -> None:
        happened.append("restore")
        now.pass_ns(100_000)

    def work() -> None:
        happened.append("work")
        now.pass_ns(400)

    watch = Stopwatch(work, (), restore, now)
    assert watch.one_call()[1] == 400
    steady = watch.steady(effort(steady_s=0.01))
    assert steady.apart, "a loop could not restore between its calls"
    assert set(steady.samples_ns) == {400}
    assert happened == ["restore", "work"] * (len(happened) // 2)


def test_the_first_slow_calls_are_not_sampled(now: FakeClock) -> None:
    calls = 0

    def slow_at_first() -> None:
        nonlocal calls
        calls += 1
        now.pass_ns(2 * MS if calls <= 5 else 20_000)

    steady = Stopwatch(slow_at_first, (), now=now).steady(effort(steady_s=0.1))
    assert set(steady.samples_ns) == {20_000}


def test_the_warm_up_takes_its_share_and_is_not_counted(now: FakeClock) -> None:
    calls = calls_before = 0

    def work() -> None:
        nonlocal calls
        calls += 1
        now.pass_ns(MS)

    def warmed() -> None:
        nonlocal calls_before
        calls_before = calls

    steady = Stopwatch(work, (), now=now).steady(effort(steady_s=0.1), warmed)
    assert calls_before == pytest.approx(100 * WARM_SHARE, abs=1)
    assert steady.calls == calls - calls_before
    assert steady.calls == steady.calls_per_sample * len(steady.samples_ns)


def test_samples_fill_the_time_there_is(now: FakeClock) -> None:
    watch = Stopwatch(lasting(now, 100_000), (), now=now)
    began = now.time_ns
    steady = watch.steady(effort(steady_s=0.1, max_samples=20))
    assert len(steady.samples_ns) == 20
    assert steady.calls_per_sample == 50
    assert now.time_ns - began == pytest.approx(100 * MS * (1 + WARM_SHARE), rel=0.05)


@pytest.mark.parametrize(
    ("call_ms", "steady_s", "samples"),
    [
        (10, 0.1, 10),  # as many as fit
        (40, 0.1, 5),  # at least min_samples, within four times the time
        (100, 0.1, 4),  # patience ends at four times the time
        (1000, 0.1, 2),  # and never below two
    ],
)
def test_slow_calls_get_fewer_samples(
    now: FakeClock, call_ms: int, steady_s: float, samples: int
) -> None:
    watch = Stopwatch(lasting(now, call_ms * MS), (), now=now)
    assert len(watch.steady(effort(steady_s=steady_s, min_samples=5)).samples_ns) == samples


def test_the_collector_stays_as_it_was(now: FakeClock) -> None:
    seen: list[bool] = []

    def look() -> None:
        seen.append(gc.isenabled())
        now.pass_ns(400)

    Stopwatch(look, (), now=now).steady(effort(steady_s=0.001))
    assert set(seen) == {False}
    assert not gc.isenabled()
    seen.clear()
    gc.enable()
    Stopwatch(look, (), now=now).steady(effort(steady_s=0.001))
    assert set(seen) == {True}, "timeit would switch it off"
    assert gc.isenabled()


def test_what_the_function_raises_comes_out(now: FakeClock) -> None:
    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Stopwatch(fail, (), now=now).steady(effort())


class FakeAccelerator:
    """Begins to be used at some call; waiting for what was queued takes the clock's time."""

    def __init__(self, now: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.in_use, self.queued_ns = now, False, 0.0
        monkeypatch.setattr(clock, "accelerator_in_use", lambda: "FAKE" if self.in_use else "")
        for module in (clock, queued_work):
            monkeypatch.setattr(module, "wait_for_accelerator", self.wait)

    def queue(self, duration_ns: float) -> None:
        self.in_use = True
        self.queued_ns += duration_ns
        self.now.pass_ns(10_000)  # queueing itself

    def wait(self) -> None:
        self.now.pass_ns(self.queued_ns)
        self.queued_ns = 0.0


@pytest.mark.parametrize("begun", [False, True])
def test_a_call_ends_when_the_accelerator_is_done(
    begun: bool, now: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = FakeAccelerator(now, monkeypatch)
    device.in_use = begun
    watch = Stopwatch(device.queue, (5 * MS,), now=now)
    assert watch.one_call()[1] == pytest.approx(5 * MS + 10_000, abs=2 * READING_NS)
    assert watch.accelerator == "FAKE"
    assert watch.one_call()[1] == 5 * MS + 10_000
    steady = watch.steady(effort())
    assert set(steady.samples_ns) == {5 * MS + 10_000}


def test_short_calls_in_a_loop_wait_for_it_too(
    now: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = FakeAccelerator(now, monkeypatch)
    device.in_use = True
    monkeypatch.setattr(clock, "APART_FROM_NS", 10 * MS)
    samples = Stopwatch(device.queue, (MS,), now=now).steady(effort()).samples_ns
    assert min(samples) >= MS
