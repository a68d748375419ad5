"""Everything that some values hold: the memory in them, found by opening what can be opened.

One walk for all that asks for it: the payload of a call, what its result shares, how large that is.
It takes a bounded number of steps; where those are not enough, or something cannot be opened, it
says what was not seen.
"""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from harness.trial.base.blocks import Block, block_of, distinct_bytes
from harness.trial.base.looks import SCALARS, Look, a
from harness.trial.base.parts import look

MOST_VALUES = 100_000
"""Of a walk: it takes a second at most."""


@dataclass(frozen=True, eq=False)
class Memory:
    """An array, tensor or buffer, and where it lies; nowhere if it has no bytes."""

    value: Any
    block: Block | None


@dataclass
class Contents:
    """What was found in some values, each once.

    Args:
        memory: every array, tensor and buffer.
        files: every path, for those to whom files are data.
        iterators: what gives its values but once.
        hidden: what cannot be seen, in words.
        referred_bytes: of Python objects that arrays of objects refer to.
    """

    memory: list[Memory] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    iterators: list[Any] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    referred_bytes: int = 0

    @property
    def blocks(self) -> list[Block]:
        return [one.block for one in self.memory if one.block is not None]

    @cached_property
    def _covered(self) -> tuple[int, bool]:
        return distinct_bytes(self.blocks)

    @property
    def nbytes(self) -> int:
        """Bytes of memory, each counted once; see :attr:`size_unknown`."""
        return self._covered[0] + self.referred_bytes

    @property
    def size_unknown(self) -> str:
        """Why that is not exact; empty where it is."""
        if self.hidden:
            return f"{self.hidden[0]} cannot be seen"
        return "" if self._covered[1] else "how much its views overlap cannot be counted"


def contents_of(values: Iterable[Any], most: int | None = MOST_VALUES) -> Contents:
    """What some values hold, of the first so many objects; of all of them if that is None."""
    walk = _Walk(most)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what opening an object of another library may say
        walk.through(list(values))
    return walk.found


class _Walk:
    def __init__(self, most: int | None) -> None:
        self.found = Contents()
        self._most = most
        self._seen: dict[int, Any] = {}  # kept alive: what is freed would lend its id to another

    def through(self, values: Sequence[Any]) -> None:
        waiting = list(reversed(values))
        while waiting:
            value = waiting.pop()
            if id(value) in self._seen or type(value) in SCALARS:
                continue
            if self._most is not None and len(self._seen) >= self._most:
                self._hide(f"what is beyond the first {self._most:,} objects")
                return
            self._seen[id(value)] = value
            waiting += reversed(self._open(value))

    def _open(self, value: Any) -> list[Any]:
        """Note what a value is; returns what is yet to be looked at."""
        try:
            seen = look(value)
            parts = self._noted(value, seen)
        except Exception as error:  # noqa: BLE001 — whatever an object raises, it cannot be seen
            self._hide(f"what {a(value)} holds, which raises {type(error).__name__}")
            return []
        if not seen.arraylike:
            return parts
        before, hidden = len(self.found.memory), len(self.found.hidden)
        self.through(parts)
        if len(self.found.memory) == before:
            del self.found.hidden[hidden:]
            self._hide(f"the elements of {a(value)}, which are not in memory")
        return []

    def _noted(self, value: Any, seen: Look) -> list[Any]:
        found = self.found
        if seen.memory:
            found.memory.append(Memory(value, block_of(value)))
        if seen.file:
            found.files.append(value)
        if seen.iterator:
            found.iterators.append(value)
        if seen.hidden:
            self._hide(seen.hidden)
        if seen.memory and isinstance(value, np.ndarray):  # of objects, or there would be none
            parts = [part for _, part in seen.parts]
            plain = {id(part): part for part in parts if type(part) in SCALARS}
            found.referred_bytes += sum(map(sys.getsizeof, plain.values()))
            return self._unseen(parts)
        return self._unseen(part for _, part in seen.parts)

    def _unseen(self, parts: Iterable[Any]) -> list[Any]:
        """Those that are yet to be looked at; once they are too many, the others are left out."""
        room = math.inf if self._most is None else self._most - len(self._seen)
        unseen: dict[int, Any] = {}
        for part in parts:
            if type(part) not in SCALARS and id(part) not in self._seen:
                unseen[id(part)] = part
                if len(unseen) > room:
                    break
        return list(unseen.values())

    def _hide(self, what: str) -> None:
        if what not in self.found.hidden:
            self.found.hidden.append(what)
