"""Processes whose memory is laid out alike, so that they share its luck.

Where buffers lie in their pages, and what an allocator has free at the top of its heap, differs
from process to process with the addresses that the kernel draws and the order of sets that Python
draws; and with it the time of the very same code, by a tenth or more (Mytkowicz et al., "Producing
Wrong Data Without Doing Anything Obviously Wrong!", ASPLOS 2009, doi:10.1145/1508244.1508275). Two
hosts that are compared get one layout for both, and another one whenever they are started anew:
luck still varies, but no longer between the two sides.

Layouts that should be alike differ by a few bytes all the same, since a longer path or variable of
one side takes more room. So the two halves of a duet also have their heaps go on at one place of a
page, which is drawn for each: on one pair of hosts `torch.tensor` of 512 KiB took from 171 to
253 µs by that alone, and the two halves within 4% of each other (five pairs).
"""

from __future__ import annotations

import ctypes
import os
import random
import sys

VARIABLE = "FERRYBENCH_LAYOUT"
"""Takes some room where a process starts, which moves everything above it."""
_ADDR_NO_RANDOMIZE = 0x0040000  # personality(2)
_ASK = 0xFFFFFFFF
_STEP_BYTES, _PAGE_BYTES = 16, 4096  # what allocations are aligned to
_ROOM = _PAGE_BYTES // _STEP_BYTES
_BLOCK_BYTES = 24 * _PAGE_BYTES  # less than what glibc takes from the kernel by itself
_HEAD_BYTES = 8  # of each block, beside what is asked for
_TRIES = 64


def draw_layout(draw: random.Random) -> dict[str, str]:
    """Environment variables of hosts that are to be laid out alike."""
    seed = draw.randrange(1, 2**32)
    room = _STEP_BYTES * draw.randrange(1, _ROOM)
    return {VARIABLE: "." * room, "PYTHONHASHSEED": str(seed)}


def draw_offset(draw: random.Random) -> int:
    """A place in a page at which two heaps are to go on."""
    return _STEP_BYTES * draw.randrange(_ROOM)


def layout_can_be_shared() -> bool:
    """Whether this system lets two processes be laid out alike, and their heaps be levelled."""
    libc = ctypes.CDLL(None)
    if not (sys.platform.startswith("linux") and hasattr(libc, "mallinfo2")):
        return False
    present = libc.personality(_ASK)
    allowed = present != -1 and libc.personality(present | _ADDR_NO_RANDOMIZE) != -1
    if allowed:
        libc.personality(present)  # it would hold for every program that is started from here
    return bool(allowed)


def take_layout() -> None:
    """Start this program over without random addresses, if its environment asks for that.

    Where the kernel or a container does not allow it, addresses stay random.
    """
    if VARIABLE not in os.environ or not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    present = libc.personality(_ASK)
    if present == -1 or present & _ADDR_NO_RANDOMIZE:
        return
    if libc.personality(present | _ADDR_NO_RANDOMIZE) != -1:
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606 — itself


class _Mallinfo(ctypes.Structure):
    """What mallinfo2(3) tells of the main heap."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks",
            "fordblks", "keepcost",
        )
    )  # fmt: skip


def level_heap(offset_bytes: int) -> bool:
    """Have the heap go on at this place of a page; returns whether that could be done.

    Blocks are taken, and never given back, until one came from the top of the heap: what is free
    below differs between processes too, and is used up by that.

    Args:
        offset_bytes: a multiple of 16, less than a page.
    """
    libc = ctypes.CDLL(None)
    if not (hasattr(libc, "mallinfo2") and hasattr(libc, "sbrk")):  # glibc 2.33 on Linux
        return False
    libc.mallinfo2.restype = _Mallinfo
    libc.sbrk.restype = libc.malloc.restype = ctypes.c_void_p
    libc.malloc.argtypes = [ctypes.c_size_t]
    for _ in range(_TRIES):
        top = libc.sbrk(0) - libc.mallinfo2().keepcost
        taken = libc.malloc(_BLOCK_BYTES + (offset_bytes - top) % _PAGE_BYTES - _HEAD_BYTES)
        if taken is not None and top <= taken < top + _PAGE_BYTES:
            return True
    return False
