"""The memory of inputs: written once, whatever lies in it, and made again by whoever made it.

Arrays and tensors that reach the same bytes lie in one block, and do so again on arrival: what is
written to one shows in the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal

import numpy as np
import numpy.typing as npt
import torch

from harness.trial.base.input_kinds import dtype_named

Maker = Literal["numpy", "torch", "shared"]
"""Who takes the memory: NumPy, torch, or torch for several processes."""
Bytes = npt.NDArray[np.uint8]


class ShortFileError(Exception):
    """There are fewer bytes than described."""


@dataclass
class Reached:
    """What one array or tensor reaches of memory."""

    low: int
    high: int
    maker: Maker
    align: int  # the remainder of its address by this stays
    owner: Any  # keeps the memory alive
    described: dict[str, Any]  # where the number of its block is put
    whole: dict[str, Any] | None = None  # dtype and shape, if it lies there in C order


@dataclass(frozen=True)
class KeptBlock:
    """Bytes that are kept once."""

    low: int
    high: int
    reached: Sequence[Reached]

    @property
    def nbytes(self) -> int:
        return self.high - self.low

    def description(self, at: int) -> dict[str, Any]:
        """All there is to know to make it again, its bytes being ``at`` in the file."""
        makers = {one.maker for one in self.reached}
        wholes = (one for one in self.reached if one.whole and one.high - one.low == self.nbytes)
        whole = next(wholes, None)
        align = whole.align if whole else max(one.align for one in self.reached)
        return {
            "at": at,
            "bytes": self.nbytes,
            "maker": "shared" if "shared" in makers else "torch" if "torch" in makers else "numpy",
            "align": align,
            "misaligned": self.low % align,
            "whole": whole.whole if whole else None,
        }

    def write(self, stream: BinaryIO) -> None:
        if self.nbytes:
            _bytes_at(self.low, self.nbytes, self.reached).tofile(stream)


def blocks_of(reached: Sequence[Reached]) -> list[KeptBlock]:
    """The blocks that all of it lies in; each learns the number of its own, and its place there.

    Arrays that touch stay neighbours, as the pieces of one array are.
    """
    groups = [[one] for one in reached if one.low == one.high]
    high = -1
    for one in sorted((one for one in reached if one.low < one.high), key=lambda one: one.low):
        touches = one.low == high and one.maker == groups[-1][-1].maker == "numpy"
        if not (one.low < high or touches):
            groups.append([])
        groups[-1].append(one)
        high = max(high, one.high)
    blocks = [
        KeptBlock(min(one.low for one in group), max(one.high for one in group), group)
        for group in groups
    ]
    for number, block in enumerate(blocks):
        for one in block.reached:
            one.described |= {"block": number, "offset": one.low - block.low}
    return blocks


def _bytes_at(address: int, size: int, owner: Any) -> Bytes:
    """The raw bytes at an address, which ``owner`` keeps alive."""

    class Raw:
        def __init__(self) -> None:
            self.owner = owner
            self.__array_interface__ = {
                "shape": (size,),
                "typestr": "|u1",
                "data": (address, False),
                "version": 3,
            }

    return np.asarray(Raw())


@dataclass
class ArrivedMemory:
    """A block that has arrived."""

    raw: Bytes
    made: npt.NDArray[Any] | None = None  # the array that has it as its own
    storage: torch.UntypedStorage | None = None  # the storage that it is
    parts: dict[tuple[int, int], torch.UntypedStorage] = field(default_factory=dict)

    @classmethod
    def of(cls, block: dict[str, Any], stream: BinaryIO) -> ArrivedMemory:
        """Take memory as it was taken before, and fill it."""
        memory = cls._taken(block)
        stream.seek(block["at"])
        _fill(memory.raw, stream)
        return memory

    @classmethod
    def _taken(cls, block: dict[str, Any]) -> ArrivedMemory:
        size, misaligned = block["bytes"], block["misaligned"]
        if block["maker"] != "numpy":
            tensor = torch.empty(size, dtype=torch.uint8)
            if block["maker"] == "shared":
                share: Callable[[], object] = tensor.share_memory_
                share()
            # After tensor.numpy(), nobody could resize it any more.
            raw = _bytes_at(tensor.data_ptr(), size, tensor) if size else np.empty(0, np.uint8)
            return cls(raw, storage=tensor.untyped_storage())
        if block["whole"] and not misaligned:
            array = np.empty(block["whole"]["shape"], dtype_named(block["whole"]["dtype"]))
            return cls(array.reshape(-1).view(np.uint8), made=array)
        raw = np.empty(size + 2 * block["align"], np.uint8)
        shift = (misaligned - raw.__array_interface__["data"][0]) % block["align"]
        return cls(raw[shift : shift + size])

    def is_made(self, view: npt.NDArray[Any]) -> bool:
        """Whether an array is no other than the one that has this memory as its own."""
        made = self.made
        return made is not None and (made.dtype, made.shape, made.strides) == (
            view.dtype,
            view.shape,
            view.strides,
        )

    def part(self, at: int, size: int) -> torch.UntypedStorage:
        """The storage of so many bytes of it: one and the same for the same bytes."""
        if self.storage is not None and size == len(self.raw):
            return self.storage
        if (at, size) not in self.parts:
            piece = torch.from_numpy(self.raw[at : at + size])
            self.parts[at, size] = piece.untyped_storage()
        return self.parts[at, size]

    def restore(self, original: ArrivedMemory) -> None:
        """Put back every byte of it."""
        if self.storage is None:
            self.raw[...] = original.raw
            return
        if self.storage.nbytes() < len(original.raw):
            self.storage.resize_(len(original.raw))
        # Not by way of ``raw``: resize_() moves what a storage holds.
        bytes_now = torch.empty(0, dtype=torch.uint8).set_(self.storage)
        bytes_now[: len(original.raw)] = torch.from_numpy(original.raw)


def _fill(raw: Bytes, stream: Any) -> None:
    buffer = raw.data
    while buffer:
        count = stream.readinto(buffer)
        if not count:
            raise ShortFileError
        buffer = buffer[count:]
