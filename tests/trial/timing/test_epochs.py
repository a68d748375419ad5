"""Epochs and their phases, against a clock and loaders that do as they are told."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from harness.schema.records import Effort, Epoch, Outcome
from harness.trial.base.outcomes import WrongEpochError, failure
from harness.trial.timing.epochs import (
    Counted,
    Loader,
    first_epoch,
    known_epoch,
    steady_epochs,
    stepped_epoch,
)

MS = 1_000_000
COST_NS = 1000


class FakeClock:
    """Time passes only when something says that it does."""

    def __init__(self) -> None:
        self.ns = 0

    def __call__(self) -> int:
        self.ns += COST_NS  # reading it takes a while, too
        return self.ns - COST_NS

    def pass_ms(self, milliseconds: float) -> None:
        self.ns += round(milliseconds * MS)


class FakeLoader:
    """Three batches; each phase takes a time of its own."""

    def __init__(self, clock: FakeClock, batches: int = 3) -> None:
        self.clock = clock
        self.batches = batches

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[torch.Tensor]:
        self.clock.pass_ms(7)  # not a generator, which would do this only when asked to go on
        return self._give()

    def _give(self) -> Iterator[torch.Tensor]:
        for index in range(self.batches):
            self.clock.pass_ms(1 if index else 20)
            yield torch.full((2,), float(index))
        self.clock.pass_ms(5)


EXPECTED = Epoch(iter_s=0.007, first_batch_s=0.020, batches_s=0.002, teardown_s=0.005)


def close(epoch: Epoch, expected: Epoch = EXPECTED) -> bool:
    pairs = zip(vars(epoch).values(), vars(expected).values(), strict=True)
    return all(one == pytest.approx(other, abs=3 * COST_NS / 1e9) for one, other in pairs)


def test_phases_are_those_of_the_loader() -> None:
    clock = FakeClock()
    epoch, batches = first_epoch(Loader(lambda: FakeLoader(clock)), clock, COST_NS)
    assert batches == 3
    assert close(epoch)
    assert close(known_epoch(Loader(lambda: FakeLoader(clock)), 3, clock, COST_NS))


class Workers:
    """Give three batches, and are joined when nothing refers to them any more."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.left = iter([1.0, 2.0, 3.0])

    def __iter__(self) -> Iterator[float]:
        return self

    def __next__(self) -> float:
        return next(self.left)

    def __del__(self) -> None:
        self.clock.pass_ms(11)


class WorkingLoader(FakeLoader):
    """Starts workers for each epoch."""

    def __iter__(self) -> Iterator[Any]:
        return Workers(self.clock)


def test_joining_workers_is_a_part_of_the_epoch() -> None:
    """Whether it is driven for the first time, again, or with steps."""
    clock = FakeClock()

    loader = Loader(lambda: WorkingLoader(clock))
    first, _ = first_epoch(loader, clock, COST_NS)
    stepped, _ = stepped_epoch(loader, lambda batch: None, clock, COST_NS)
    for epoch in (first, known_epoch(loader, 3, clock, COST_NS), stepped):
        assert epoch.teardown_s == pytest.approx(0.011, abs=3 * COST_NS / 1e9)
        assert epoch.total_s == pytest.approx(0.011, abs=10 * COST_NS / 1e9)


def test_an_epoch_of_known_length_pays_for_the_clock_once_a_phase() -> None:
    clock = FakeClock()
    loader = Loader(lambda: FakeLoader(clock, 1000))
    epoch = known_epoch(loader, 1000, clock, COST_NS)
    assert epoch.batches_s == pytest.approx(0.999)
    assert epoch.total_s == pytest.approx(0.007 + 0.020 + 0.999 + 0.005)


def test_an_empty_loader_has_no_batches() -> None:
    clock = FakeClock()
    epoch, batches = first_epoch(Loader(lambda: FakeLoader(clock, 0)), clock, COST_NS)
    assert batches == 0
    assert epoch.batches_s == 0.0
    assert close(
        known_epoch(Loader(lambda: FakeLoader(clock, 0)), 0, clock, COST_NS),
        Epoch(0.007, 0.005, 0, 0),
    )


def test_an_epoch_longer_than_the_first_is_wrong() -> None:
    clock = FakeClock()
    with pytest.raises(WrongEpochError, match="more than 2 batches"):
        known_epoch(Loader(lambda: FakeLoader(clock)), 2, clock, COST_NS)


def test_an_epoch_shorter_than_the_first_is_wrong_too() -> None:
    clock = FakeClock()
    with pytest.raises(WrongEpochError, match="3 batches, 4 in the first epoch") as raised:
        known_epoch(Loader(lambda: FakeLoader(clock)), 4, clock, COST_NS)
    # In steady state nobody checks values any more, and a short epoch would seem to be a fast one.
    assert failure(raised.value) == Outcome(
        "wrong", "3 batches, 4 in the first epoch", "wrong epoch"
    )


def test_a_batch_lives_until_the_next_has_come() -> None:
    """As in a user's loop: the allocator needs two buffers, and reuses the older."""
    alive: list[int] = []

    def batches() -> Iterator[torch.Tensor]:
        made: list[weakref.ref[torch.Tensor]] = []
        for index in range(4):
            alive.append(sum(one() is not None for one in made))
            batch = torch.full((2,), float(index))
            made.append(weakref.ref(batch))
            yield batch
            del batch

    clock = FakeClock()
    known_epoch(Loader(batches), 4, clock, COST_NS)
    assert alive == [0, 1, 1, 1]


def test_an_iterator_is_made_anew_for_every_epoch() -> None:
    calls: list[int] = []

    def once() -> Iterator[int]:
        calls.append(len(calls))
        return iter([calls[-1]] * 2)

    loader = Loader(once)
    assert [list(loader) for _ in range(3)] == [[0, 0], [1, 1], [2, 2]]

    def reusable() -> list[int]:
        calls.append(-1)
        return [5]

    assert [list(again) for again in [Loader(reusable)] * 2] == [[5], [5]]
    assert calls.count(-1) == 1


@pytest.mark.parametrize(("steady_ms", "epochs"), [(10, 2), (30, 3), (200, 6), (10_000, 20)])
def test_steady_epochs_fill_their_time(steady_ms: float, epochs: int) -> None:
    clock = FakeClock()
    effort = Effort(trials=1, steady_s=steady_ms / 1e3, min_samples=3, max_samples=20)
    loader = Loader(lambda: FakeLoader(clock))
    found = steady_epochs(lambda: known_epoch(loader, 3, clock, COST_NS), effort, clock)
    assert len(found) == epochs  # of 34 ms each; with little time, as few as make a spread
    assert all(close(epoch) for epoch in found)


# Steps


@pytest.mark.parametrize("batches", [None, 3])
def test_steps_and_waits_are_told_apart(batches: int | None) -> None:
    clock = FakeClock()
    taken: list[float] = []

    def step(batch: torch.Tensor) -> None:
        taken.append(float(batch[0]))
        clock.pass_ms(4)

    loader = Loader(lambda: FakeLoader(clock))
    epoch, count = stepped_epoch(loader, step, clock, COST_NS, batches)
    assert (count, taken) == (3, [0.0, 1.0, 2.0])
    assert close(epoch, replace(EXPECTED, step_s=0.012))
    assert epoch.stall_fraction == pytest.approx(34 / 46, abs=1e-4)


def test_a_long_epoch_with_steps_does_not_pay_for_the_clock() -> None:
    clock = FakeClock()
    loader = Loader(lambda: FakeLoader(clock, 1000))
    epoch, _ = stepped_epoch(loader, lambda batch: clock.pass_ms(0.5), clock, COST_NS)
    assert epoch.batches_s == pytest.approx(0.999)
    assert epoch.step_s == pytest.approx(0.5)
    assert epoch.stall_fraction == pytest.approx(1.031 / 1.531)


def test_an_empty_epoch_takes_no_step() -> None:
    clock = FakeClock()
    loader = Loader(lambda: FakeLoader(clock, 0))
    epoch, count = stepped_epoch(loader, lambda batch: clock.pass_ms(9), clock, COST_NS)
    assert count == 0
    assert close(epoch, Epoch(0.007, 0.005, 0, 0, 0))


@pytest.mark.parametrize(
    ("batches", "problem"),
    [(2, "more than 2 batches, 2 in"), (4, "3 batches, 4 in"), (0, "more than 0 batches, 0 in")],
)
def test_an_epoch_with_steps_has_the_length_of_the_first(batches: int, problem: str) -> None:
    clock = FakeClock()
    loader = Loader(lambda: FakeLoader(clock))
    with pytest.raises(WrongEpochError, match=problem):
        stepped_epoch(loader, lambda batch: None, clock, COST_NS, batches)


def test_an_endless_epoch_is_given_up_when_it_is_too_long() -> None:
    clock = FakeClock()
    steps: list[int] = []
    with pytest.raises(WrongEpochError, match="more than 5 batches"):
        stepped_epoch(Loader(itertools.count), steps.append, clock, COST_NS, 5)
    assert steps == [0, 1, 2, 3, 4]


def test_a_batch_with_a_step_lives_until_the_next_has_come() -> None:
    alive: list[int] = []

    def batches() -> Iterator[torch.Tensor]:
        made: list[weakref.ref[torch.Tensor]] = []
        for index in range(4):
            alive.append(sum(one() is not None for one in made))
            batch = torch.full((2,), float(index))
            made.append(weakref.ref(batch))
            yield batch
            del batch

    clock = FakeClock()
    stepped_epoch(Loader(batches), lambda batch: None, clock, COST_NS)
    assert alive == [0, 1, 1, 1]


# Counting


def test_counting_tells_samples_bytes_and_sharing() -> None:
    data = torch.arange(12.0).reshape(6, 2)
    epoch = Counted(Loader(lambda: [(data[:4], torch.ones(4)), (data[4:], torch.ones(2))]), data)
    assert len(list(epoch)) == 2
    epoch.confirm(2)
    assert (epoch.batches, epoch.samples, epoch.data_bytes) == (2, 6, 12 * 4 + 6 * 4)
    assert epoch.shares_memory
    copied = Counted(Loader(lambda: [data[:4].clone()]), data)
    list(copied)
    assert copied.shares_memory is False
    assert copied.summary == "tensor float32 (4, 2)"


def test_a_check_that_stops_early_has_confirmed_nothing() -> None:
    epoch = Counted(Loader(lambda: [np.ones(1)] * 3), ())
    next(iter(epoch))
    with pytest.raises(WrongEpochError, match="did not go through the whole epoch"):
        epoch.confirm()
    list(epoch)
    with pytest.raises(WrongEpochError, match="3 batches, 4 in the first epoch"):
        epoch.confirm(4)


def test_what_the_loader_raises_is_not_taken_for_a_failed_check() -> None:
    def broken() -> Iterator[Any]:
        yield torch.ones(1)
        raise ValueError("sample 1")

    epoch = Counted(Loader(broken), ())
    with pytest.raises(ValueError, match="sample 1"):
        list(epoch)
    assert isinstance(epoch.failure, ValueError)


def test_the_end_is_told_before_anything_is_torn_down() -> None:
    clock = FakeClock()
    times: list[int] = []
    loader = Loader(lambda: FakeLoader(clock))
    list(Counted(loader, (), at_end=lambda: times.append(clock.ns)))
    assert clock.ns - times[0] >= 5 * MS
