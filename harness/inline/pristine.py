"""Arguments as they were before a call changed them."""

from __future__ import annotations

import copy
import ctypes
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.trial.base import pointers

_MAPS = Path("/proc/self/maps")
Extent = pointers.Extent


class Pristine:
    """An array or a tensor, and a copy of it to restore it from.

    Args:
        value: that calls change.
    """

    def __init__(self, value: Any) -> None:
        self.value = value
        self._original = copy.deepcopy(value)

    def restore(self) -> None:
        """Undo what a call did to its elements."""
        self.value[...] = self._original

    def restore_pages(self) -> None:
        """Undo what it did to the pages of a mapped file, too, where those are its own.

        A page that is written to is replaced by an anonymous one, once: the next call would find
        it there, and seem to need no memory. Without it, the file's page is seen again.
        """
        own = list(_own_pages_of_files(self.value))
        if not own:
            self.restore()
            return
        advise = ctypes.CDLL(None).madvise
        advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        for low, high in own:
            advise(low, high - low, mmap.MADV_DONTNEED)
        differs = self.value != self._original  # changed before, or beside those pages
        self.value[differs] = self._original[differs]


def _own_pages_of_files(value: Any) -> Iterator[Extent]:
    """Whole pages of an array that map a file, and of which this process gets copies."""
    if not _MAPS.exists():
        return
    page = mmap.PAGESIZE
    wanted = [
        (-(-low // page) * page, high // page * page) for low, high in pointers.extents(value)
    ]
    for line in _MAPS.read_text(errors="replace").splitlines():
        addresses, permissions, _, _, inode, *_ = line.split(maxsplit=5)
        if permissions[1] != "w" or permissions[3] != "p" or inode == "0":
            continue
        start, end = (int(text, 16) for text in addresses.split("-"))
        for low, high in wanted:
            if max(start, low) < min(end, high):
                yield max(start, low), min(end, high)
