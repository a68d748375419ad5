"""Arrays and tensors as pieces of bytes in a common order, whatever their layout."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.trial.base.looks import is_tensor

PIECE_ITEMS = 1 << 17
Decode = Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]
_BITS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


@dataclass(frozen=True)
class Elements:
    """The elements of an array or tensor, in C order.

    Args:
        dtype: by the name that NumPy and torch share, such as float32.
        stored: the elements, or their bits where NumPy does not calculate with them.
        decode: from a piece of what is stored to numbers that may differ in their last digits;
            None where elements are equal or not.
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
            crc = zlib.crc32(bytes_of(piece).data, crc)
        return crc


def bytes_of(piece: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The bytes of a flat piece, of any type: not all types have a buffer that Python can read."""
    if not piece.dtype.itemsize:
        return np.empty(0, np.uint8)
    return np.ascontiguousarray(piece).view(np.uint8)


def elements_of(value: Any) -> Elements | None:
    """The elements of an array of plain type or of a dense tensor; None of everything else."""
    if is_tensor(value):
        return _of_tensor(value)
    if not isinstance(value, np.ndarray | np.generic):
        return None
    array = np.asarray(value)
    if array.dtype.hasobject or array.dtype.names:
        return None
    return _of_array(array)


def _of_array(array: np.ndarray[Any, Any]) -> Elements:
    dtype = array.dtype
    if dtype.kind in "fc":
        return Elements(str(dtype), array.shape, array, _as_is)
    # Dates have no buffer that Python reads, and types of other packages have no arithmetic here.
    if dtype.kind not in "mMV" and dtype.isbuiltin == 1:
        return Elements(str(dtype), array.shape, array, None)
    bits = _BITS.get(dtype.itemsize)
    stored = array.view(bits) if bits is not None else array
    floating = "float" in str(dtype) and dtype.kind not in "mM"
    return Elements(
        str(dtype), array.shape, stored, _by_type(dtype) if floating and bits is not None else None
    )


def _of_tensor(tensor: Any) -> Elements | None:
    torch: Any = sys.modules["torch"]  # somebody imported it, or there were no tensor
    if tensor.layout is not torch.strided or tensor.untyped_storage().device.type == "meta":
        return None
    dtype = str(tensor.dtype).removeprefix("torch.")
    shape = tuple(tensor.shape)
    plain = tensor.detach().cpu().resolve_conj().resolve_neg()
    try:
        stored = plain.numpy()
    except TypeError:  # NumPy has no such type
        bits = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
        if plain.element_size() not in bits:
            return None
        decode = _by_torch(tensor.dtype) if tensor.dtype.is_floating_point else None
        return Elements(dtype, shape, plain.view(bits[plain.element_size()]).numpy(), decode)
    numbers = stored.dtype.kind in "fc"
    return Elements(dtype, shape, stored, _as_is if numbers else None)


def _as_is(piece: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return piece


def _by_type(dtype: np.dtype[Any]) -> Decode:
    """For types that another package adds to NumPy, such as those of ml_dtypes."""
    return lambda piece: piece.view(dtype).astype(np.float32)


def _by_torch(dtype: Any) -> Decode:
    torch: Any = sys.modules["torch"]

    def decode(piece: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        numbers: np.ndarray[Any, Any] = torch.from_numpy(piece.copy()).view(dtype).float().numpy()
        return numbers

    return decode
