"""Several ways in turns: each once a round, in fresh processes and in an order of its own."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

T = TypeVar("T")


class Rounds(Generic[T]):
    """What each way found, by round.

    Args:
        ways: run a trial each.
        seed: of the orders.
    """

    def __init__(self, ways: Mapping[str, Callable[[], T]], seed: int) -> None:
        self._ways = dict(ways)
        self._draw = random.Random(seed)
        self.found: dict[str, list[T]] = {name: [] for name in ways}

    @property
    def count(self) -> int:
        return min((len(one) for one in self.found.values()), default=0)

    def add(self) -> None:
        """One more round of all ways."""
        order = list(self._ways)
        self._draw.shuffle(order)
        found = {name: self._ways[name]() for name in order}
        for name, one in found.items():
            self.found[name].append(one)

    def until(self, most: int, least: int, deadline: float) -> Iterator[int]:
        """Rounds while there is time, by the monotonic clock; at least and at most so many."""
        while self.count < most and (self.count < least or time.monotonic() < deadline):
            self.add()
            yield self.count
