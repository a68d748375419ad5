"""What a loop with assertions in it goes over: without anything, it would assert nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def some(items: Iterable[T]) -> Iterator[T]:
    """The same, one by one as they come, of which there is at least one."""
    found = False
    for item in items:
        found = True
        yield item
    assert found, "there is nothing to look at"
