"""Copying memory: glibc's memcpy, NumPy and torch, whichever is best; block by block into the same
place, where that is what an epoch of batches does.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from functools import partial
from itertools import chain

import numpy as np
import torch

from harness.schema.records import Work
from harness.trial.ceilings.kind import Bytes, Call, Place, Timed, ceiling, fastest

ALIASING_BYTES = 2112
"""A target that lies whole pages away from its source may be slower, or faster: both are tried."""


@ceiling("copy")
def copy(work: Work, place: Place) -> Timed:
    """Block after block, by NumPy, torch and the C library."""
    written_bytes = work.written_bytes or work.read_bytes
    block_bytes = min(work.block_bytes or written_bytes, written_bytes, work.read_bytes)
    source = place.source(work.read_bytes)
    starts = [
        at % (work.read_bytes - block_bytes + 1) for at in range(0, written_bytes, block_bytes)
    ]
    blocks = [source[start : start + block_bytes] for start in starts]
    area = place.target(block_bytes + ALIASING_BYTES)
    aligned, shifted = area[:block_bytes], area[ALIASING_BYTES:]
    ways = chain(_by_memcpy(aligned, blocks), _ways(shifted, blocks, work.threads))
    return Timed("copying", fastest(ways), moved_bytes=block_bytes * len(blocks))


def _ways(target: Bytes, blocks: list[Bytes], threads: int) -> Iterator[Call]:
    yield from _by_memcpy(target, blocks)
    if len(blocks) == 1:
        yield partial(np.copyto, target, blocks[0])
        yield partial(torch.from_numpy(target).copy_, torch.from_numpy(blocks[0]))
        return

    def by_numpy() -> None:
        for block in blocks:
            np.copyto(target, block)

    yield by_numpy
    if threads > 1:
        whole, tensors = torch.from_numpy(target), [torch.from_numpy(block) for block in blocks]
        yield lambda: [whole.copy_(one) for one in tensors]


def _by_memcpy(target: Bytes, blocks: list[Bytes]) -> Iterator[Call]:
    to, size_bytes = target.ctypes.data, len(target)
    addresses = [block.ctypes.data for block in blocks]
    if len(blocks) == 1:
        yield partial(ctypes.memmove, to, addresses[0], size_bytes)
    else:
        yield lambda: [ctypes.memmove(to, one, size_bytes) for one in addresses]
