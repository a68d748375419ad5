"""Drive a loader through epochs, with the time of each phase apart.

The phases cost very different things: ``iter()`` starts workers, the first batch waits for them,
the end joins them. A batch stays alive until the next has come, as in a user's ``for`` loop. Where
a step is taken on every batch, it is timed apart, and all the rest is waiting.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from harness.scenario import Scenario
from harness.schema.records import Effort, Epoch, Outcome
from harness.trial.base import pointers
from harness.trial.base.contents import contents_of
from harness.trial.base.outcomes import WrongEpochError, judged
from harness.trial.base.request import BoundStrategy
from harness.trial.meters.page_touch import touch_pages
from harness.trial.timing.clock import Clock
from harness.trial.timing.duet import ALONE, Turns, paced


class Loader:
    """What a strategy made, for any number of epochs.

    An iterator serves only one; for the next, the strategy is called anew.

    Args:
        make: calls the strategy.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._made = make()
        self._spent = False

    def __iter__(self) -> Iterator[Any]:
        if self._spent:
            self._made = self._make()
        iterator: Iterator[Any] = iter(self._made)
        self._spent = iterator is self._made
        return iterator

    def expected_batches(self) -> int | None:
        """How many batches the loader says an epoch has; None where it does not know."""
        try:
            return len(self._made)
        except TypeError:
            return None


class Fetched:
    """A loader whose batches are read before they are given.

    A batch that maps a file is there before its data is; who computes on it waits for the disk,
    page by page. Reading a byte of each page first makes that a part of waiting for the batch.
    """

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def __iter__(self) -> Iterator[Any]:
        return map(_fetched, self._loader)


def _fetched(batch: Any) -> Any:
    touch_pages(batch)
    return batch


@dataclass
class Counted:
    """An epoch that counts what comes by while a check goes through it.

    Args:
        loader: where the epoch comes from.
        inputs: to find out whether batches share their memory.
        at_end: called after the last expected batch, before anything is torn down.
    """

    loader: Loader
    inputs: Any
    at_end: Callable[[], None] | None = None
    batches: int = 0
    samples: int = 0
    data_bytes: int = 0
    shares_memory: bool | None = None
    summary: str = ""
    dtype: str = ""
    exhausted: bool = False
    failure: BaseException | None = None

    def __iter__(self) -> Iterator[Any]:
        self.batches = self.samples = self.data_bytes = 0
        self.exhausted = False
        expected = self.loader.expected_batches() if self.at_end is not None else None
        for batch in self._batches():
            self._note(batch)
            if self.at_end is not None and self.batches == expected:
                self.at_end()
            yield batch
        self.exhausted = True

    def _batches(self) -> Iterator[Any]:
        try:
            yield from self.loader
        except Exception as error:
            self.failure = error
            raise

    def _note(self, batch: Any) -> None:
        found = contents_of([batch], most=None)
        if not self.batches:
            self.shares_memory, _ = pointers.sharing(contents_of([self.inputs]), found)
            self.summary = pointers.summary(batch)
            self.dtype = pointers.dtype_of(found)
        first = batch[0] if isinstance(batch, tuple | list) and batch else batch
        self.batches += 1
        self.samples += len(first) if hasattr(first, "__len__") else 1
        self.data_bytes += pointers.read_bytes(found)

    def confirm(self, batches: int | None = None) -> None:
        """Raise unless the epoch was gone through to its end, and had so many batches."""
        if not self.exhausted:
            raise WrongEpochError("the check did not go through the whole epoch")
        if batches is not None and batches != self.batches:
            raise WrongEpochError(f"{self.batches} batches, {batches} in the first epoch")


def check_epoch(
    scenario: Scenario, work: BoundStrategy, epoch: Counted, batches: int | None = None
) -> Outcome:
    """Have the scenario's check go through an epoch, which must have so many batches."""

    def verify() -> None:
        work.check(scenario, epoch)
        epoch.confirm(batches)

    return judged(verify, lambda: epoch.failure, work.file)


def first_epoch(loader: Loader, now: Clock, clock_cost_ns: float) -> tuple[Epoch, int]:
    """Drive an epoch of unknown length; returns its phases and the number of its batches."""
    started = now()
    iterator = iter(loader)
    made = now()
    batch = next(iterator, None)
    arrived = last = now()
    count = 0 if batch is None else 1
    for batch in iterator:  # noqa: B007 — it stays alive until the next has come
        last = now()
        count += 1
    del batch, iterator
    return _phases(started, made, arrived, last, now(), clock_cost_ns), count


def known_epoch(loader: Loader, batches: int, now: Clock, clock_cost_ns: float) -> Epoch:
    """Drive an epoch of known length, reading the clock only between its phases.

    Raises:
        WrongEpochError: it was longer or shorter.
    """
    started = now()
    iterator = iter(loader)
    made = now()
    batch = next(iterator, None)
    arrived = now()
    came = 0 if batch is None else 1
    for came, batch in zip(range(2, batches + 1), iterator, strict=False):  # noqa: B007 — see above
        pass
    last = now()
    more = next(iterator, None)
    del batch, iterator
    ended = now()
    _confirm_length(came + (more is not None), batches)
    return _phases(started, made, arrived, last, ended, clock_cost_ns)


def stepped_epoch(
    loader: Iterable[Any],
    step: Callable[[Any], Any],
    now: Clock,
    clock_cost_ns: float,
    batches: int | None = None,
) -> tuple[Epoch, int]:
    """Drive an epoch and take a step on every batch, with the clock read on both sides of it.

    Returns its phases and the number of its batches.

    Raises:
        WrongEpochError: it was to have so many ``batches``, and did not.
    """
    started = now()
    iterator = iter(loader)
    made = now()
    batch = next(iterator, None)
    arrived = came = stepped = now()
    count = in_steps_ns = between_ns = 0
    while batch is not None and count != batches:
        count += 1
        step(batch)
        stepped = now()
        in_steps_ns += stepped - came
        batch = next(iterator, None)
        came = now()
        between_ns += came - stepped
    last = came - stepped  # for which no batch came any more
    more = batch is not None
    del batch, iterator
    ended = now()
    if batches is not None:
        _confirm_length(count + more, batches)
    waits = max(0, count - 1)
    return Epoch(
        iter_s=_seconds(made - started - clock_cost_ns),
        first_batch_s=_seconds(arrived - made - clock_cost_ns),
        batches_s=_seconds(between_ns - last - waits * clock_cost_ns),
        teardown_s=_seconds(ended - stepped - (1 + bool(count)) * clock_cost_ns),
        step_s=_seconds(in_steps_ns - count * clock_cost_ns),
    ), count


def _confirm_length(came: int, batches: int) -> None:
    if came != batches:
        found = f"more than {batches}" if came > batches else str(came)
        raise WrongEpochError(f"{found} batches, {batches} in the first epoch")


def _seconds(nanoseconds: float) -> float:
    return max(0.0, nanoseconds) / 1e9


def _phases(
    started: int, made: int, arrived: int, last: int, ended: int, clock_cost_ns: float
) -> Epoch:
    times = (
        _seconds(end - start - clock_cost_ns)
        for start, end in itertools.pairwise((started, made, arrived, last, ended))
    )
    return Epoch(*times)


def steady_epochs(
    drive: Callable[[], Epoch], effort: Effort, now: Clock, turns: Turns = ALONE
) -> list[Epoch]:
    """Epoch after epoch for about ``effort.steady_s``, with what has to be done before each."""
    return [drive() for _ in paced(effort, turns, now)]
