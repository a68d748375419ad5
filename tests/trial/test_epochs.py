"""Epochs and their phases, against a clock and loaders that do as they are told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from harness.model import Effort, Epoch, Outcome
from harness.trial.epochs import (
    Counted,
    Loader,
    first_epoch,
    known_epoch,
    steady_epochs,
)
from harness.trial.judge import WrongEpochError, failure

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
    assert failure(raised.value) == Outcome("wrong", "3 batches, 4 in the first epoch")


def test_a_batch_lives_until_the_next_has_come() -> None:
    """As in a user's loop: the allocator needs two buffers, and reuses the older."""
    alive: list[int] = []

    def batches() -> Iterator[torch.Tensor]:
        import weakref

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
    found = steady_epochs(Loader(lambda: FakeLoader(clock)), 3, effort, clock, COST_NS)
    assert len(found) == epochs  # of 34 ms each; with little time, as few as make a spread
    assert all(close(epoch) for epoch in found)


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
