"""Where a process has its memory: drawn anew for every round, and alike for the halves of a pair.

Where buffers lie in their pages, and what an allocator has free at the top of its heap, differs
from process to process with the addresses that the kernel draws and the order of sets that Python
draws; and with it the time of the very same code, by a tenth or more (Mytkowicz et al., "Producing
Wrong Data Without Doing Anything Obviously Wrong!", ASPLOS 2009, doi:10.1145/1508244.1508275). Two
hosts that are compared get one layout for both, and another one whenever they are started anew:
luck still varies, but no longer between the two sides.

Trials are forked, and inherit the layout of their host. So each draws one of its own by a seed,
which all trials of a round have in common: :func:`lay_out`. That spares rounds a new interpreter.
It also spares the halves of a duet, which have one seed too, what still differs between two hosts
that should be alike, since a longer path or variable of one takes a few more bytes: on one pair of
hosts `torch.tensor` of 512 KiB took from 171 to 253 µs by the place in a page at which the heap
went on, and two halves that shared it were within 4% of each other (five pairs).
``python -m harness.selfcheck.round_luck`` holds the spread between layouts that were drawn against
that between new interpreters.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import random
import sys

from harness.trial.meters.malloc_heaps import is_accounted

VARIABLE = "FERRYBENCH_LAYOUT"
"""Takes some room where a process starts, which moves everything above it."""
_ADDR_NO_RANDOMIZE = 0x0040000  # personality(2)
_ASK = 0xFFFFFFFF
_NO_ACCESS = 0  # PROT_NONE of mmap(2), which the module does not name
_STEP_BYTES, _PAGE_BYTES = 16, 4096  # what allocations are aligned to
_ROOM = _PAGE_BYTES // _STEP_BYTES
_BLOCK_BYTES = 24 * _PAGE_BYTES  # less than what glibc takes from the kernel by itself
_HEAD_BYTES = 8  # of each block, beside what is asked for
_TRIES = 64
_GAP_BYTES = 1024**3
"""Of addresses, not of memory: more than any gap between the mappings that there are already, which
the kernel would fill first."""
_GAP_PAGES = 512  # as far as two mappings may be apart that come to lie alike in huge pages
_SMALL_BYTES = (*range(24, 1024, 16), *(1032 * 2**step for step in range(7)))
"""Sizes of which glibc keeps freed blocks apart, and some of the larger ones."""
_MOST_OF_EACH = 16
_MOST_BYTES = 64 * 1024


def draw_layout(draw: random.Random) -> dict[str, str]:
    """Environment variables of hosts that are to be laid out alike."""
    seed = draw.randrange(1, 2**32)
    room = _STEP_BYTES * draw.randrange(1, _ROOM)
    return {VARIABLE: "." * room, "PYTHONHASHSEED": str(seed)}


def layout_can_be_drawn() -> bool:
    """Whether this process's trials can have layouts of their own: with glibc's malloc on Linux."""
    return is_accounted() and hasattr(ctypes.CDLL(None), "mallinfo2")


def lay_out(seed: int) -> bool:
    """Give this process a layout by a seed, as a new interpreter would have one by chance.

    What the kernel and the order of imports draw there is drawn here: from where on memory is
    mapped, which free blocks the heap has, and at what place of a page it goes on. All that is
    taken for this is kept, and hardly any of it is touched.

    Args:
        seed: processes of one host that have the same are laid out alike.

    Returns:
        Whether the heap goes on where it should.
    """
    draw = random.Random(seed)
    _move_mappings(draw.randrange(_GAP_PAGES))
    malloc = ctypes.CDLL(None).malloc
    malloc.restype, malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    for size_bytes in _SMALL_BYTES:
        for _ in range(draw.randrange(1 + min(_MOST_OF_EACH, _MOST_BYTES // size_bytes))):
            malloc(size_bytes)
    return level_heap(_STEP_BYTES * draw.randrange(_ROOM))


def _move_mappings(pages: int) -> None:
    """Have mappings from now on lie below a gap; not where addresses are too few for one."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    libc.mmap(None, _GAP_BYTES + pages * mmap.PAGESIZE, _NO_ACCESS, flags, -1, 0)


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

    def from_top(size_bytes: int) -> bool:
        top = libc.sbrk(0) - libc.mallinfo2().keepcost
        taken = libc.malloc(size_bytes)
        return taken is not None and top <= taken < top + _PAGE_BYTES

    # What is free below and would take a block is used up first, or the next one would go there.
    if not any(from_top(_BLOCK_BYTES) for _ in range(_TRIES)):
        return False
    top = libc.sbrk(0) - libc.mallinfo2().keepcost
    return from_top(_BLOCK_BYTES + (offset_bytes - top) % _PAGE_BYTES - _HEAD_BYTES)
