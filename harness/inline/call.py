"""A call of this process that is to be measured, and which data it is given."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from harness.errors import UsageError
from harness.inline.references import ARGUMENTS, references
from harness.inline.restoring import is_writable
from harness.trial.base.callables import bare
from harness.trial.base.contents import Contents, Memory, contents_of
from harness.trial.base.looks import a
from harness.trial.base.mapped import mappings
from harness.trial.base.pointers import may_be_mapped

Check = Callable[[Any], object] | Literal[False] | None
Setup = Callable[[], tuple[Any, Any] | None]
GIVEN = "given"
NAME_BYTES = 4096


@dataclass(frozen=True, eq=False)
class Job:
    """A call to be measured.

    Args:
        check: called with a result in the process that made it: raises, or returns something
            false, where it is wrong. None compares results with the first one; False does not
            look at them.
        payload_bytes: None counts the arrays, tensors and buffers that the call is given.
        setup: called once in each trial, before anything is measured; returns other arguments,
            positional and by name, or None.
        allow_shared: measure it even though it could write to memory that is shared with others.

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
    allow_shared: bool = False

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise UsageError(f"{self.function!r:.80} is not callable; pass a function")
        plain = inspect.unwrap(bare(self.function))
        if inspect.iscoroutinefunction(plain) or inspect.isasyncgenfunction(plain):
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
        plain = bare(self.function)
        return self.name or getattr(plain, "__name__", "") or type(plain).__name__

    @property
    def file(self) -> str:
        """The file that the function stands in, as tracebacks name it; empty where none does."""
        plain = inspect.unwrap(bare(self.function))
        code = getattr(plain, "__code__", None)
        if code is None:
            code = getattr(vars(type(plain)).get("__call__"), "__code__", None)
        return code.co_filename if code else ""

    @property
    def call(self) -> tuple[Callable[..., Any], dict[str, Any]]:
        """The function and its keywords, which are Python's own words for names."""
        if all(key.isidentifier() for key in self.kwargs):
            return self.function, self.kwargs
        return functools.partial(self.function, **self.kwargs), {}

    @property
    def inputs(self) -> list[Any]:
        """Arrays, tensors and buffers of the payload."""
        return [memory.value for memory in self.payload.contents.memory]

    @cached_property
    def payload(self) -> Payload:
        """The arrays, tensors and buffers of the arguments; without any, those that the function
        refers to.
        """
        if self._handed.hidden or any(map(_is_data, self._handed.memory)):
            return Payload(ARGUMENTS, self._handed, self.payload_bytes)
        found = contents_of(value for _, value in self._around)
        sources = [
            source
            for source in dict.fromkeys(source for source, _ in self._around)
            if contents_of(value for own, value in self._around if own == source).memory
        ]
        return Payload(" and ".join(sources), found, self.payload_bytes)

    @cached_property
    def _handed(self) -> Contents:
        return contents_of([self.args, self.kwargs])

    @cached_property
    def reach(self) -> Contents:
        """All that the function and its setup can get at: what it is given, and what they refer
        to.
        """
        around = [*self._around, *(() if self.setup is None else references(self.setup))]
        return contents_of([self.args, self.kwargs, *(value for _, value in around)])

    @cached_property
    def _around(self) -> list[tuple[str, Any]]:
        return list(references(self.function))

    def refuse_shared(self) -> None:
        """Raise where a call could change data that this process shares with its trials.

        Raises:
            UsageError: it could, and nobody has allowed it.
        """
        where = "" if self.allow_shared else self.shared_and_writable()
        if where:
            raise UsageError(
                f"{self.label} can write to shared memory ({where}), which a fork does not "
                "isolate: measuring would change the data of this process; if it only reads, pass "
                "allow_shared=True, or data that cannot be written to (mmap_mode='r')"
            )

    def shared_and_writable(self) -> str:
        """What is mapped where the function could write so that other processes see it, forked or
        not; empty where nothing is.
        """
        memory = [one for one in self.reach.memory if one.block and is_writable(one.value)]
        on_host = {one.block: one.value for one in memory if one.block and not one.block.space}
        mapped = mappings() if on_host else []
        if mapped is None:
            foreign = next((value for value in on_host.values() if may_be_mapped(value)), None)
            return "" if foreign is None else f"perhaps {a(foreign)}: this system does not say"
        for one in mapped:
            if (
                one.permissions[1] == "w"
                and one.permissions[3] == "s"
                and any(one.low < block.high and block.low < one.high for block in on_host)
            ):
                return one.name or "memory without a name"
        return ""


@dataclass(frozen=True, eq=False)
class Payload:
    """The data that a call moves.

    Args:
        source: where it was found; empty if it was not.
        contents: the data.
        given_bytes: what the user says that one copy is; None counts the data.
    """

    source: str
    contents: Contents
    given_bytes: int | None

    @property
    def unknown(self) -> str:
        """Why its size is not known; empty where it is."""
        return self.contents.size_unknown if self.given_bytes is None else ""

    @cached_property
    def nbytes(self) -> int:
        """Bytes of the data, each counted once; 0 where they are not known."""
        if self.given_bytes is not None:
            return self.given_bytes
        return 0 if self.unknown else self.contents.nbytes

    @property
    def said_source(self) -> str:
        """What the bytes are of, as people are told."""
        return GIVEN if self.given_bytes is not None else "" if self.unknown else self.source


def _is_data(memory: Memory) -> bool:
    """Whether it is worth counting: short bytes are names and keys."""
    if memory.block is None:
        return False
    return not isinstance(memory.value, bytes) or memory.block.nbytes >= NAME_BYTES
