"""Put a limit on memory into force, read what is used of it, and lift it again.

setrlimit(2) refuses memory, so that a program is told: RLIMIT_DATA counts what is private and
writable, RLIMIT_AS every mapping. Both are per process; a worker has a limit of its own, which it
inherits. Only the soft limit is set, because it can be lifted again. A control group counts what
is resident, of all processes together, and kills; see :mod:`harness.trial.limit.cgroups`.
"""

from __future__ import annotations

import math
import mmap
import resource
import struct
import sys
from pathlib import Path
from typing import Protocol

from harness.trial.limit.cgroups import ControlGroup, why_no_group

_STATUS = Path("/proc/self/status")
_ENOUGH = 8192  # for all of that file
_STAGES = ("", "inputs", "call")
_LAYOUT = struct.Struct("=5q")  # stage, base, held and payload bytes, one if they are known


class MemoryLimit(Protocol):
    """A limit that this process can put itself under."""

    most_bytes: float  # that it may be set to

    def used_bytes(self) -> int:
        """What counts against the limit now."""

    def enforce(self, budget_bytes: int) -> None:
        """From now on no more than so much."""

    def lift(self) -> None:
        """As it was before. Must work where there is no memory left."""


class ProcessLimit:
    """A limit of setrlimit(2).

    Args:
        kind: of resource.
        field: of ``/proc/self/status`` in which the kernel says what counts against it.
    """

    def __init__(self, kind: int, field: str) -> None:
        self._kind = kind
        self._field = f"{field}:".encode()
        self._before = resource.getrlimit(kind)
        hard = self._before[1]
        self.most_bytes = math.inf if hard == resource.RLIM_INFINITY else hard

    def used_bytes(self) -> int:
        with _STATUS.open("rb", buffering=0) as status:
            text = status.read(_ENOUGH)
        start = text.index(self._field) + len(self._field)
        return int(text[start : text.index(b"kB", start)]) * 1024

    def enforce(self, budget_bytes: int) -> None:
        resource.setrlimit(self._kind, (budget_bytes, self._before[1]))

    def lift(self) -> None:
        resource.setrlimit(self._kind, self._before)


RESOURCE_LIMITS = {"data": "RLIMIT_DATA", "address_space": "RLIMIT_AS", "cgroup": "a control group"}
"""Limits by the names of the parameter, and what the system calls them."""
_PROCESS_LIMITS = {"data": ("RLIMIT_DATA", "VmData"), "address_space": ("RLIMIT_AS", "VmSize")}


def why_not(limit: str) -> str:
    """Why a limit cannot be put into force here; empty where it can."""
    if not sys.platform.startswith("linux"):
        return f"{RESOURCE_LIMITS[limit]} does not limit memory on this system"
    return why_no_group() if limit == "cgroup" else ""


def boundary(limit: str, folder: str) -> MemoryLimit:
    """The limit of that name. A control group, which ``folder`` is of, is entered."""
    if limit == "cgroup":
        group = ControlGroup(Path(folder))
        group.enter()
        return group
    name, field = _PROCESS_LIMITS[limit]
    return ProcessLimit(getattr(resource, name), field)


class LimitPage:
    """A page that outlives the trial: what it was doing when it died."""

    def __init__(self) -> None:
        self._map = mmap.mmap(-1, mmap.PAGESIZE)
        self._values = [0] * 5

    def clear(self) -> None:
        self._map[: _LAYOUT.size] = bytes(_LAYOUT.size)

    def note(self, stage: str, base_bytes: int) -> None:
        """For the trial: what begins now."""
        self._values[:2] = _STAGES.index(stage), base_bytes
        _LAYOUT.pack_into(self._map, 0, *self._values)

    def note_held(self, held_bytes: int, payload_bytes: int) -> None:
        """For the trial: what inputs and setup have taken, and how much data there is."""
        self._values[2:] = held_bytes, payload_bytes, 1
        _LAYOUT.pack_into(self._map, 0, *self._values)

    def read(self) -> dict[str, int | str | None]:
        """Fields of a Limit, and ``payload_bytes``."""
        stage, base, held, payload, known = _LAYOUT.unpack_from(self._map)
        return {
            "stage": _STAGES[stage],
            "base_bytes": base,
            "held_bytes": held if known else None,
            "payload_bytes": payload,
        }
