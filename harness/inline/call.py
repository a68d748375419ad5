"""A call of this process that is to be measured, and which data it is given."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from harness.errors import UsageError
from harness.trial.base import pointers

Check = Callable[[Any], object] | Literal[False] | None
Setup = Callable[[], tuple[Any, Any] | None]
_MAPS = Path("/proc/self/maps")


@dataclass(frozen=True, eq=False)
class Job:
    """A call to be measured.

    Args:
        check: called with a result in the process that made it: raises, or returns something
            false, where it is wrong. None compares results with the first one; False does not
            look at them.
        payload_bytes: None counts the arrays and tensors that the call is given.
        setup: called once in each trial, before anything is measured; returns other arguments,
            positional and by name, or None.

    Raises:
        UsageError: it is nothing that can be called and measured.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    check: Check = None
    payload_bytes: int | None = None
    name: str = ""
    setup: Setup | None = None

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise UsageError(f"{self.function!r:.80} is not callable; pass a function")
        bare = inspect.unwrap(_bare(self.function))
        if inspect.iscoroutinefunction(bare) or inspect.isasyncgenfunction(bare):
            raise UsageError(
                f"{self.label} is a coroutine function: pass lambda: asyncio.run({self.label}(…))"
            )
        if self.check not in (None, False) and not callable(self.check):
            raise UsageError("check= must be a function of the result, None or False")

    def prepared(self) -> Job:
        """The job of this very process: with the arguments that its setup makes for it."""
        given = self.setup() if self.setup is not None else None
        if not given:
            return self
        return replace(self, args=tuple(given[0]), kwargs=dict(given[1]), setup=None)

    @property
    def label(self) -> str:
        """What people call it."""
        bare = _bare(self.function)
        return self.name or getattr(bare, "__name__", "") or type(bare).__name__

    @property
    def file(self) -> str:
        """The file that the function stands in, as tracebacks name it; empty where none does."""
        bare = inspect.unwrap(_bare(self.function))
        code = getattr(bare, "__code__", None)
        if code is None:
            code = getattr(vars(type(bare)).get("__call__"), "__code__", None)
        return code.co_filename if code else ""

    @property
    def call(self) -> tuple[Callable[..., Any], dict[str, Any]]:
        """The function and its keywords, which are Python's own words for names."""
        if all(key.isidentifier() for key in self.kwargs):
            return self.function, self.kwargs
        return functools.partial(self.function, **self.kwargs), {}

    @cached_property
    def _given(self) -> tuple[str, list[Any]]:
        handed = list(_data([*self.args, *self.kwargs.values()]))
        if handed:
            return "arguments", handed
        around = list(_data(_around(self.function)))
        return ("closure", around) if around else ("", [])

    @property
    def inputs(self) -> list[Any]:
        """Arrays and tensors of the arguments; without any, those that the function refers to."""
        return self._given[1]

    @property
    def payload(self) -> tuple[int, str]:
        """Bytes of the data, and where it was found."""
        if self.payload_bytes is not None:
            return self.payload_bytes, "given"
        source, values = self._given
        return sum(pointers.data_bytes(value) for value in values), source

    def in_shared_memory(self) -> bool:
        """Whether writing to an input reaches other processes, forked or not."""
        wanted = [extent for extent in pointers.extents(self.inputs) if extent[0] < extent[1]]
        if not wanted or not _MAPS.exists():
            return False
        lowest, highest = min(low for low, _ in wanted), max(high for _, high in wanted)
        for start, end in _shared_and_writable():
            near = start < highest and lowest < end
            if near and any(start < high and low < end for low, high in wanted):
                return True
        return False


def _bare(function: Any) -> Any:
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _data(values: Any) -> Iterator[Any]:
    """Every array and tensor in some values and their items, each once."""
    seen: set[int] = set()
    waiting = list(values)
    while waiting:
        value = waiting.pop(0)
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, np.ndarray) or pointers.is_tensor(value):
            yield value
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list | tuple) and pointers.holds_arrays(value):
            waiting += value


def _around(function: Any) -> list[Any]:
    """What a function refers to without being given it: bound, enclosed, or named globally."""
    found: list[Any] = []
    while isinstance(function, functools.partial):
        found += [*function.args, *function.keywords.values()]
        function = function.func
    found.append(getattr(function, "__self__", None))
    function = inspect.unwrap(function)
    found += getattr(function, "__defaults__", None) or ()
    code = getattr(function, "__code__", None)
    for cell in getattr(function, "__closure__", None) or ():
        try:
            found.append(cell.cell_contents)
        except ValueError:  # not assigned yet
            continue
    if code is not None:
        known = function.__globals__
        found += [known[name] for name in code.co_names if name in known]
    return found


def _shared_and_writable() -> Iterator[tuple[int, int]]:
    for line in _MAPS.read_text().splitlines():
        addresses, permissions, *_ = line.split(maxsplit=2)
        if permissions[1] == "w" and permissions[3] == "s":
            low, _, high = addresses.partition("-")
            yield int(low, 16), int(high, 16)
