"""Pages of mapped files that a process has copied by writing to them."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Iterator
from typing import Any

from harness.trial.base.blocks import block_of
from harness.trial.base.mapped import mappings


def see_file_again(memory: Any) -> bool:
    """Drop such pages of an array or a tensor; returns whether it maps a file like that.

    A page that is written to is replaced by an anonymous one, once: the next call would find it
    there, and seem to need no memory. Without it, the file's page is seen again.
    """
    own = list(_own_pages_of_files(memory))
    advise = ctypes.CDLL(None).madvise if own else None
    for low, high in own:
        assert advise is not None
        advise(ctypes.c_void_p(low), ctypes.c_size_t(high - low), mmap.MADV_DONTNEED)
    return bool(own)


def _own_pages_of_files(memory: Any) -> Iterator[tuple[int, int]]:
    """Whole pages of an array that map a file, and of which this process gets copies: the first
    address of some, and the address after the last.
    """
    block = block_of(memory)
    if block is None or block.space:
        return
    page = mmap.PAGESIZE
    low, high = -(-block.low // page) * page, block.high // page * page
    for one in mappings() or ():
        own_of_file = one.permissions[1] == "w" and one.permissions[3] == "p" and "/" in one.name
        if own_of_file and max(one.low, low) < min(one.high, high):
            yield max(one.low, low), min(one.high, high)
