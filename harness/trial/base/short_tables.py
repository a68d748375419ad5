"""Page tables that are soon copied: a host that forks often has its own memory in huge pages.

Importing torch leaves some 150 MiB of anonymous memory; each fork copies the tables of its 40,000
pages, and the end of each trial clears them again. A huge page takes one entry. In a trial, the
first write to one splits it, and then the page that is written to is copied, as it would be anyway.
"""

from __future__ import annotations

import ctypes

from harness.trial.base.mapped import mappings

HUGE_BYTES = 2 * 1024**2
_MADV_COLLAPSE = 25  # madvise(2), Linux 6.1
_OWN = ("", "[heap]")


def shorten_tables() -> int:
    """Move this process's anonymous memory into huge pages, where the kernel can.

    It takes some half a second, once.

    Returns:
        How many bytes were moved.
    """
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    moved = 0
    for mapping in mappings() or ():
        if mapping.name not in _OWN or mapping.permissions != "rw-p":
            continue
        first = -(-mapping.low // HUGE_BYTES) * HUGE_BYTES
        for place in range(first, mapping.high - HUGE_BYTES + 1, HUGE_BYTES):
            if advise(place, HUGE_BYTES, _MADV_COLLAPSE) == 0:
                moved += HUGE_BYTES
    return moved
