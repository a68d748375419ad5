"""What torch's allocators tell of an accelerator's memory, on backends that tell it.

``torch.accelerator`` has asked for all of them alike since torch 2.9; before that each backend's
own module did. What neither has, or what raises, is not told: None, never zero.
"""

from __future__ import annotations

import resource
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

PROBE_BYTES = 32 * 1024**2
_STATM = Path("/proc/self/statm")
_PAGE_BYTES = resource.getpagesize()


@dataclass(frozen=True)
class Allocated:
    """What torch's allocators have taken, in bytes; None where the backend does not tell."""

    allocated_bytes: int | None
    reserved_bytes: int | None
    peak_allocated_bytes: int | None
    peak_reserved_bytes: int | None
    pinned_bytes: int | None  # of the host, in use or kept for later


NOTHING_TOLD = Allocated(None, None, None, None, None)


class Allocator:
    """The allocator of a device that has been started; what it lacks is found out once.

    Args:
        device: whose memory it is.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        owners = [torch.accelerator, getattr(torch, device.type, None)]
        if not _told(_working(owners[:1], "memory_stats")):
            owners.reverse()  # what tells nothing is not to be asked to begin anew, either
        self._stats = _working(owners, "memory_stats")
        self._reset = _working(owners, "reset_peak_memory_stats")
        self._empty = _working(owners, "empty_cache")
        self._empty_host = _working(owners, "empty_host_cache")  # not in torch 2.6
        self._info = _working(owners, "get_memory_info") or _working(owners, "mem_get_info")
        self._pinned = _pinned_stats() if device.type == "cuda" else None

    def allocated(self) -> Allocated:
        """What is taken now, and was at most."""
        stats = self._stats() if self._stats is not None else {}
        peaks = stats if self._reset is not None else {}  # else they are of long ago
        return Allocated(
            allocated_bytes=_bytes(stats, "allocated_bytes.all.current"),
            reserved_bytes=_bytes(stats, "reserved_bytes.all.current"),
            peak_allocated_bytes=_bytes(peaks, "allocated_bytes.all.peak"),
            peak_reserved_bytes=_bytes(peaks, "reserved_bytes.all.peak"),
            pinned_bytes=_bytes(self._pinned(), "allocated_bytes.current")
            if self._pinned is not None
            else None,
        )

    def used_bytes(self) -> int | None:
        """What everybody has taken, as the driver tells a process that has a context."""
        if self._info is None:
            return None
        free_bytes, total_bytes = self._info()
        return int(total_bytes - free_bytes)

    def reset_peaks(self) -> None:
        """Start new high-water marks, where there are any."""
        if self._reset is not None:
            self._reset()

    def empty_caches(self) -> bool:
        """Give back what is kept for later; False where the backend has no such thing."""
        if self._empty is not None:
            self._empty()
        if self._empty_host is not None:
            self._empty_host()
        return self._empty is not None

    def lies_in_host_memory(self) -> bool | None:
        """Whether what is allocated on the device is taken from this process; None if unknown."""
        if not _STATM.exists():
            return None
        self._filled(1)  # what fills it may have to be loaded first, into memory of the host
        before = _resident_bytes()
        kept = self._filled(PROBE_BYTES)
        grown = _resident_bytes() - before
        del kept
        return grown > PROBE_BYTES / 2

    def _filled(self, size_bytes: int) -> torch.Tensor:
        made = torch.ones(size_bytes, dtype=torch.uint8, device=self._device)
        torch.accelerator.synchronize()
        return made


def _working(owners: Sequence[Any], name: str) -> Callable[[], Any] | None:
    """The function of that name of the first owner where it works."""
    for owner in owners:
        function: Callable[[], Any] | None = getattr(owner, name, None)
        if function is None:
            continue
        try:
            function()
        except (AttributeError, ImportError, RuntimeError, NotImplementedError):
            continue
        return function
    return None


def _told(stats: Callable[[], Any] | None) -> bool:
    return stats is not None and bool(stats())


def _pinned_stats() -> Callable[[], Mapping[str, Any]] | None:
    """Blocks that the caching host allocator owns, in use or not, as it rounds them."""
    return getattr(torch.cuda, "host_memory_stats", None)  # not in torch 2.6


def _bytes(stats: Mapping[str, Any], key: str) -> int | None:
    """A figure; a backend that has none of it may still answer, with less."""
    value = stats.get(key)
    return None if value is None else int(value)


def _resident_bytes() -> int:
    pages = int(_STATM.read_text().split()[1])
    return pages * _PAGE_BYTES
