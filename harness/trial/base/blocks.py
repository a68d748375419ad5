"""Elements of arrays, tensors and buffers as addresses: how many bytes there really are, and
whether two of them can meet.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from operator import attrgetter
from typing import Any

import numpy as np

from harness.trial.base.looks import buffer_of, is_tensor

_share: Any = np.shares_memory  # typed for two values of max_work alone
MOST_PAIRS = 20_000
MOST_STEPS = 1_000_000
"""Of NumPy's search for a common element of two arrays, which takes exponential time at worst."""
MOST_MARKS = 1 << 24
"""Places to be marked where views overlap, to count each but once."""
_MOST_APART = 500  # pairs of views that are searched for a common element instead


@dataclass(frozen=True)
class Block:
    """Elements at regular distances.

    Args:
        start: address of the first element.
        shape: without dimensions in which nothing moves.
        strides: in bytes, of the same dimensions.
        itemsize: bytes of one element.
        space: the accelerator whose addresses these are; empty for the host.
    """

    start: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    itemsize: int
    space: str = ""

    @property
    def low(self) -> int:
        return self.start + sum(
            min(0, (count - 1) * stride)
            for count, stride in zip(self.shape, self.strides, strict=True)
        )

    @property
    def high(self) -> int:
        """The address after the last byte."""
        steps = zip(self.shape, self.strides, strict=True)
        return self.start + self.itemsize + sum(max(0, (n - 1) * stride) for n, stride in steps)

    @property
    def nbytes(self) -> int:
        """Bytes of the elements; one that is repeated by a stride of 0 counts once."""
        return math.prod(self.shape) * self.itemsize

    @property
    def is_dense(self) -> bool:
        """Whether nothing else lies between its elements."""
        reach = self.itemsize
        for stride, count in sorted(zip(map(abs, self.strides), self.shape, strict=True)):
            if stride > reach:
                return False
            reach += (count - 1) * stride
        return True

    @property
    def may_repeat(self) -> bool:
        """Whether elements of its own may lie on each other, as those of sliding windows do."""
        reach = self.itemsize
        for stride, count in sorted(zip(map(abs, self.strides), self.shape, strict=True)):
            if stride < reach:
                return True
            reach += (count - 1) * stride
        return False

    def array(self) -> np.ndarray[Any, Any]:
        """The same as an array, for its addresses alone: nothing keeps its memory alive."""
        return np.asarray(_Addresses(self))


class _Addresses:
    def __init__(self, block: Block) -> None:
        self.__array_interface__ = {
            "shape": block.shape,
            "strides": block.strides,
            "typestr": f"|V{block.itemsize}",
            "data": (block.start, True),
            "version": 3,
        }


def block_of(memory: Any) -> Block | None:
    """Where an array, tensor or buffer lies; None where it has no bytes anywhere."""
    if isinstance(memory, np.ndarray):
        start = memory.__array_interface__["data"][0]
        return _block(start, memory.shape, memory.strides, memory.itemsize)
    if is_tensor(memory):
        return _of_tensor(memory)
    if hasattr(memory, "data_ptr"):  # a storage of torch
        space = _space(memory)
        return _block(memory.data_ptr(), (memory.nbytes(),), (1,), 1, space or "")
    view = buffer_of(memory)
    if view is None:
        return None
    with view:
        return block_of(np.frombuffer(view, np.uint8) if view.contiguous else np.asarray(view))


def _of_tensor(tensor: Any) -> Block | None:
    storage = tensor.untyped_storage()
    space = _space(storage)
    if space is None:
        return None
    size = tensor.element_size()
    strides = [step * size for step in tensor.stride()]
    block = _block(tensor.data_ptr(), tensor.shape, strides, size, space)
    if block is not None and block.high > storage.data_ptr() + storage.nbytes():
        # Several elements share a byte, as those of torch.quint4x2 do.
        return _block(storage.data_ptr(), (storage.nbytes(),), (1,), 1, space)
    return block


def _space(storage: Any) -> str | None:
    """Whose addresses a storage has; None where it has none, as of tensors without data."""
    kind = storage.device.type
    return None if kind == "meta" else "" if kind == "cpu" else str(storage.device)


def _block(
    start: int, shape: Sequence[int], strides: Sequence[int], itemsize: int, space: str = ""
) -> Block | None:
    if 0 in shape or not itemsize:
        return None
    moving = [
        (int(count), int(stride))
        for count, stride in zip(shape, strides, strict=True)
        if count > 1 and stride
    ]
    counts, steps = tuple(n for n, _ in moving), tuple(stride for _, stride in moving)
    return Block(start, counts, steps, itemsize, space)


def distinct_bytes(blocks: Sequence[Block]) -> tuple[int, bool]:
    """Bytes that some blocks cover, each counted once, and whether that is exact.

    Where many views of much memory overlap in part, it is no more than the memory between them.
    """
    found = [_covered(cluster) for cluster in _clusters(blocks)]
    return sum(size for size, _ in found), all(exact for _, exact in found)


def _clusters(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """Blocks whose extents overlap, together."""
    cluster: list[Block] = []
    high = 0
    for block in sorted(set(blocks), key=attrgetter("space", "low")):
        if cluster and (block.space != cluster[0].space or block.low >= high):
            yield cluster
            cluster, high = [], 0
        cluster.append(block)
        high = max(high, block.high)
    if cluster:
        yield cluster


def _covered(cluster: list[Block]) -> tuple[int, bool]:
    low, high = min(block.low for block in cluster), max(block.high for block in cluster)
    longest = max(cluster, key=lambda block: block.high - block.low)
    if longest.is_dense and (longest.low, longest.high) == (low, high):
        return high - low, True
    most = min(high - low, sum(block.nbytes for block in cluster))
    step = math.gcd(*(number for one in cluster for number in (one.itemsize, *one.strides)))
    step = math.gcd(step, *(one.start - low for one in cluster))
    marks = (high - low) // step
    if marks > MOST_MARKS or sum(one.nbytes for one in cluster) // step > 2 * MOST_MARKS:
        return most, _are_apart(cluster)
    marked = np.zeros(marks, bool)
    for one in cluster:
        np.lib.stride_tricks.as_strided(
            marked[(one.start - low) // step :],
            (*one.shape, one.itemsize // step),
            (*(stride // step for stride in one.strides), 1),
        )[...] = True
    return int(np.count_nonzero(marked)) * step, True


def _are_apart(cluster: Sequence[Block]) -> bool:
    """Whether it is certain that no two elements share a byte."""
    pairs = list(islice(combinations(cluster, 2), _MOST_APART + 1))
    return (
        len(pairs) <= _MOST_APART
        and not any(block.may_repeat for block in cluster)
        and all(_pair_meets(one, other) is False for one, other in pairs)
    )


def meet(ours: Sequence[Block], theirs: Sequence[Block]) -> bool | None:
    """Whether some of our elements lie where some of theirs do, in the host's memory.

    Returns:
        None where finding out would take too long.
    """
    unknown = False
    for count, (one, other) in enumerate(_near(ours, theirs)):
        if one.is_dense and other.is_dense:
            return True
        if count >= MOST_PAIRS:
            return None
        found = _pair_meets(one, other)
        if found:
            return True
        unknown = unknown or found is None
    return None if unknown else False


def _pair_meets(one: Block, other: Block) -> bool | None:
    try:
        return bool(_share(one.array(), other.array(), max_work=MOST_STEPS))
    except np.exceptions.TooHardError:
        return None


def _near(ours: Sequence[Block], theirs: Sequence[Block]) -> Iterator[tuple[Block, Block]]:
    """Pairs of one of ours and one of theirs whose extents overlap."""
    every = [(block.low, side, block) for side, blocks in enumerate((ours, theirs)) for block in
             set(blocks) if not block.space]  # fmt: skip
    active: tuple[list[Block], list[Block]] = ([], [])
    for low, side, block in sorted(every, key=lambda entry: entry[:2]):
        others = active[1 - side]
        others[:] = [other for other in others if other.high > low]
        yield from ((block, other) for other in others)
        active[side].append(block)
