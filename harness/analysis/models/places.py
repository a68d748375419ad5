"""Sizes at which time is known to change its course: caches, pages, allocators.

That a step lies near one of them does not make it the cause; a fit may only have steps there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.host.environment import Environment
from harness.units import KIB, MIB, format_size

MMAP_FROM = 128 * KIB
"""From here on glibc's malloc maps memory anew for each block, at first: mallopt(3)."""
MMAP_MOST = 32 * MIB
"""Freeing such a block raises that threshold, up to this on a 64-bit system."""
HUGE_PAGE = 2 * MIB
"""Of x86-64 and of arm64 with pages of 4 KiB."""
NUMPY_HUGE = 4 * MIB
"""From here on NumPy asks for huge pages: ``numpy/_core/src/multiarray/alloc.cpp``."""


@dataclass(frozen=True)
class Place:
    """A size and what is known to happen there."""

    size: int
    what: str


def places(environment: Environment) -> tuple[Place, ...]:
    """Those of a machine, ascending; of a system that is not Linux only its caches."""
    found = []
    for name, size in environment.caches_bytes.items():
        found += [Place(size // 2, f"half of {name}"), Place(size, name)]
    if environment.system == "Linux":
        found += [
            Place(MMAP_FROM, "malloc begins to map memory"),
            Place(HUGE_PAGE, "a huge page"),
            Place(NUMPY_HUGE, "NumPy begins to ask for huge pages"),
            Place(MMAP_MOST, "malloc always maps memory"),
        ]
    return tuple(sorted(found, key=lambda place: place.size))


def between(known: Sequence[Place], low: float, high: float) -> list[Place]:
    """Those above one size, up to another."""
    return [place for place in known if low < place.size <= high]


def described(found: Sequence[Place]) -> str:
    """``half of L2, 512 KiB; L2, 1 MiB``."""
    return "; ".join(f"{place.what}, {format_size(place.size)}" for place in found)
