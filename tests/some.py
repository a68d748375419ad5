"""What a loop with assertions in it goes over: without anything, it would assert nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


def some(items: Iterable[T]) -> list[T]:
    """The same, of which there is at least one."""
    found = list(items)
    assert found, "there is nothing to look at"
    return found
