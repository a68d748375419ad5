"""What is mapped into this process: proc_pid_maps(5)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_MAPS = Path("/proc/self/maps")
_BEFORE_NAME = 5  # fields of a line before the name of what is mapped


@dataclass(frozen=True)
class Mapping:
    """Memory that is mapped, as /proc/self/maps has it."""

    low: int
    high: int
    permissions: str  # such as rw-s: readable, writable, shared
    name: str


def mappings() -> list[Mapping] | None:
    """Of this process; None on systems that do not say."""
    if not _MAPS.exists():
        return None
    found = []
    for line in _MAPS.read_text(errors="replace").splitlines():
        addresses, permissions, *others = line.split(maxsplit=_BEFORE_NAME)
        low, _, high = addresses.partition("-")
        name = others[-1] if len(others) == _BEFORE_NAME - 1 else ""
        found.append(Mapping(int(low, 16), int(high, 16), permissions, name))
    return found
