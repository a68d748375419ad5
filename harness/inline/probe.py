"""What a call does to its arguments, and what goes wrong while this is looked at."""

from __future__ import annotations

import inspect
import io
import operator
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from harness.inline.call import Job
from harness.inline.restoring import mark_of
from harness.trial.base.looks import a
from harness.trial.base.outcomes import OwnFaultError, one_line

_OF_OTHERS = (map, zip, filter, enumerate)


@contextmanager
def blaming_ferrybench(doing: str) -> Iterator[None]:
    """What fails in here is the harness's fault, and is not put down to the function.

    Raises:
        OwnFaultError: something failed.
    """
    try:
        yield
    except Exception as error:
        said = one_line(f"{type(error).__name__}: {error}")
        raise OwnFaultError(f"ferrybench failed while {doing}: {said}") from error


class Probe:
    """Looks at arguments before a call and after it."""

    def __init__(self, job: Job) -> None:
        self._inputs = job.inputs
        self._with_data = [one.block is not None for one in job.payload.contents.memory]
        self._iterators = job.reach.iterators
        with blaming_ferrybench("looking at its arguments"):
            self._marks = [mark_of(value) for value in self._inputs]
        self._states = [_state(one) for one in self._iterators]

    def changed(self) -> tuple[int, ...]:
        """Which inputs are not as they were."""
        with blaming_ferrybench("looking at its arguments"):
            marks = [mark_of(value) for value in self._inputs]
        both = zip(marks, self._marks, strict=True)
        return tuple(index for index, (after, before) in enumerate(both) if after != before)

    def unclear(self, changed: tuple[int, ...]) -> str:
        """The first input that cannot be compared, and of which no change is known; "" for none."""
        for index, value in enumerate(self._inputs):
            if self._with_data[index] and self._marks[index] is None and index not in changed:
                return a(value)
        return ""

    def used_up(self) -> str:
        """The first iterator that has nothing left, or file that was read on; "" for none."""
        for one, before in zip(self._iterators, self._states, strict=True):
            after = _state(one)
            if before is not None and after != before and (isinstance(one, io.IOBase) or not after):
                return a(one)
        return ""

    def once_only(self) -> str:
        """The first iterator of which it cannot be told whether it has anything left."""
        unknown = (one for one, state in zip(self._iterators, self._states, strict=True)
                   if state is None)  # fmt: skip
        return next(map(a, unknown), "")


def _state(iterator: Any) -> int | None:
    """Where in a file its next reader begins; of an iterator 0 at its end. Nothing is taken of it.

    None where it does not say.
    """
    if isinstance(iterator, io.IOBase):
        try:
            return iterator.tell()
        except (OSError, ValueError):  # a pipe, or closed
            return None
    if isinstance(iterator, types.GeneratorType):
        return int(inspect.getgeneratorstate(iterator) != inspect.GEN_CLOSED)
    if isinstance(iterator, _OF_OTHERS):
        made_of = [_state(one) for one in iterator.__reduce__()[1] if hasattr(one, "__next__")]
        known = [state for state in made_of if state is not None]
        return min(known) if known and len(known) == len(made_of) else None
    if type(iterator).__module__ != "builtins":
        return None
    left = operator.length_hint(iterator, -1)
    return left if left >= 0 else None
