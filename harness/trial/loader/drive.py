"""Go through a loader as training does, and note when each batch was asked for, came, was used.

A step of an accelerator returns before it is done. Without waiting for it, most of the time would
seem to be the loader's. So a step begins only when the one before has ended on the device: while
the host makes a batch, one step goes on, and is not waited for. The wait is a part of the step.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from harness.schema.loader import LoaderPass
from harness.trial.base.queued_work import Waiting

_now = time.monotonic_ns  # as the stamps of all processes
LEAST_STEADY = 2
"""Batches of a pass that count, however few it has."""


class BatchError(Exception):
    """What the user's code raised while a batch was made or used."""

    def __init__(self, number: int, stage: str) -> None:
        self.number, self.stage = number, stage
        super().__init__(f"batch {number}")


class Course:
    """Passes through a loader, until there are enough batches or the time is over.

    Args:
        loader: whatever gives batches; begun again at its end, unless it is an iterator itself.
        step: taken on each batch; None for none.
        batches: wanted of all passes together.
        skip: batches of a pass that do not count.
        seconds: after which no further batch is asked for.

    Attributes:
        last: the batch that came last.
        note: told of each batch when it was asked for, came and was used, after each pass.
        result: of the last step.
    """

    def __init__(
        self,
        loader: Iterable[Any],
        step: Callable[[Any], Any] | None,
        batches: int,
        skip: int,
        seconds: float,
    ) -> None:
        self._loader, self._step = loader, step
        self._wanted, self._skip = batches, skip
        self._until = _now() + round(seconds * 1e9)
        self.last: Any = None
        self._arrive = Waiting()
        self.note: Callable[[int, int, int], None] | None = None
        self.result: Any = None

    def passes(self) -> Iterator[LoaderPass]:
        """One after another; at least one, and of short epochs at least two.

        Raises:
            BatchError: the user's code raised something, which is its cause.
        """
        came = count = 0
        while True:
            one, again = self._pass()
            yield one
            count += 1
            came += one.batches
            over = _now() >= self._until
            if not one.ended or not again or not one.batches or over:
                return
            if came >= self._wanted and count > 1:
                return

    def _pass(self) -> tuple[LoaderPass, bool]:
        asked, came, used = [_now()], list[int](), list[int]()
        number, ended, again = 0, False, True
        iterator: Any = None
        try:
            iterator = iter(self._loader)
            again = iterator is not self._loader
            while number < self._wanted:
                try:
                    batch = next(iterator)
                except StopIteration:
                    ended = True
                    break
                came.append(_now())
                self._arrive()  # one step is under way while the next batch is made
                if self._step is not None:
                    self.result = self._step(batch)
                used.append(_now())
                asked.append(used[-1])
                number += 1
                self.last = batch
                if used[-1] >= self._until and number > self._skip:
                    break
            else:
                ended = self._is_at_end(iterator, number)
            self._arrive()
        except Exception as error:
            stage = "step" if len(came) > len(used) else "loader"
            raise BatchError(number + 1, stage) from error
        del iterator
        return self._told(asked, came, used, _now(), ended=ended), again

    def _is_at_end(self, iterator: Any, number: int) -> bool:
        """Whether there would be no further batch; to ask costs nothing where the length is known,
        and otherwise is not done.
        """
        try:
            whole = len(self._loader) == number  # type: ignore[arg-type]
        except Exception:  # noqa: BLE001 — a length of the user's own may raise anything
            return False
        return whole and next(iterator, None) is None

    def _told(
        self, asked: list[int], came: list[int], used: list[int], ended_ns: int, *, ended: bool
    ) -> LoaderPass:
        if self.note is not None:
            for one in zip(asked, came, used, strict=False):
                self.note(*one)
        if not used:
            total = ended_ns - asked[0]
            return LoaderPass(0, ended, total / 1e9, 0, 0, 0, total / 1e9, 0, 0)
        last = used[-1]
        steps = sum(after - before for before, after in zip(came, used, strict=True))
        waits = sum(after - before for before, after in zip(asked[1:], came[1:], strict=False))
        skip = max(1, min(self._skip, len(used) - LEAST_STEADY))
        total_ns = (ended_ns if ended else last) - asked[0]
        return LoaderPass(
            batches=len(came),
            ended=ended,
            start_s=(came[0] - asked[0]) / 1e9,
            wait_s=waits / 1e9,
            step_s=steps / 1e9,
            end_s=(ended_ns - last) / 1e9 if ended else 0.0,
            total_s=total_ns / 1e9,
            steady_s=(last - used[skip - 1]) / 1e9,
            steady_batches=len(used) - skip,
        )


def take(loader: Iterable[Any], most: int, most_bytes: int, seconds: float) -> list[Any]:
    """The first batches of a loader, as many as may be kept, at least one where there is one.

    Raises:
        BatchError: the user's code raised something, which is its cause.
    """
    from harness.trial.base.contents import contents_of

    until = time.monotonic() + seconds
    taken: list[Any] = []
    total = 0
    try:
        for batch in loader:
            taken.append(batch)
            total += contents_of([batch], most=None).nbytes
            if len(taken) >= most or total >= most_bytes or time.monotonic() > until:
                break
    except Exception as error:
        raise BatchError(len(taken) + 1, "loader") from error
    return taken


class Again:
    """Batches that are there already, given again and again: an infinitely fast loader."""

    def __init__(self, batches: list[Any]) -> None:
        self._batches = batches

    def __iter__(self) -> Iterator[Any]:
        while True:
            yield from self._batches
