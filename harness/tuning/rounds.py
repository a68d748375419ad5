"""Several ways in turns: each once a round, in fresh processes and in an order of its own."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
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

    def add(self, rounds: int = 1) -> None:
        """So many more rounds of all ways."""
        for _ in range(rounds):
            self._add_one()

    def _add_one(self) -> None:
        order = list(self._ways)
        self._draw.shuffle(order)
        found = {name: self._ways[name]() for name in order}
        for name, one in found.items():
            self.found[name].append(one)
