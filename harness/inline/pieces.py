"""Arrays and tensors as pieces of bytes in a common order, whatever their layout."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.trial.base import pointers

PIECE_ITEMS = 1 << 17
Decode = Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Elements:
    """The elements of an array or tensor, in C order.

    Args:
        dtype: by the name that NumPy and torch share, such as float32.
        stored: the elements, or their bits where NumPy has no such type.
        decode: from a piece of what is stored to numbers; None where only bits can be compared.
    """

    dtype: str
    shape: tuple[int, ...]
    stored: np.ndarray[Any, Any]
    decode: Decode | None

    @property
    def nbytes(self) -> int:
        return int(self.stored.nbytes)

    def pieces(self) -> Iterator[np.ndarray[Any, Any]]:
        """Flat pieces, which are valid until the next is asked for."""
        if not self.stored.size:
            return
        if not self.stored.ndim:
            yield self.stored.reshape(1)
            return
        yield from np.nditer(
            self.stored,
            flags=["external_loop", "buffered", "zerosize_ok"],
            order="C",
            buffersize=PIECE_ITEMS,
        )

    def digest(self) -> int:
        """A checksum of all elements, in order."""
        crc = 0
        for piece in self.pieces():
            crc = zlib.crc32(np.ascontiguousarray(piece).data.cast("B"), crc)
        return crc


def elements_of(value: Any) -> Elements | None:
    """The elements of an array or a tensor; None where they cannot be reached, as with objects."""
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        if array.dtype.hasobject:
            return None
        numbers = array.dtype.kind in "fc"
        return Elements(str(array.dtype), array.shape, array, _as_is if numbers else None)
    return _of_tensor(value) if pointers.is_tensor(value) else None


def _of_tensor(tensor: Any) -> Elements | None:
    torch: Any = sys.modules["torch"]  # somebody imported it, or there were no tensor
    if tensor.layout is not torch.strided or tensor.device.type == "meta" or tensor.is_quantized:
        return None
    dtype = str(tensor.dtype).removeprefix("torch.")
    plain = tensor.detach().cpu().resolve_conj().resolve_neg()
    try:
        stored = plain.numpy()
    except TypeError:  # NumPy has no such type
        bits = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
        if plain.element_size() not in bits:
            return None
        stored = plain.view(bits[plain.element_size()]).numpy()
        return Elements(
            dtype, tuple(tensor.shape), stored, _widened if "bfloat16" in dtype else None
        )
    numbers = stored.dtype.kind in "fc"
    return Elements(dtype, tuple(tensor.shape), stored, _as_is if numbers else None)


def _as_is(piece: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return piece


def _widened(piece: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Bits of bfloat16 as float32, of which they are the upper half."""
    upper = piece.view(np.uint16).astype(np.uint32) << 16
    return upper.view(np.float32)
