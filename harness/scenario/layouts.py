"""Inputs for scenarios: random values of a dtype and exact size, laid out in memory as asked.

Values are finite and of both signs where the dtype has them: multiples of 1/1024 in [-1, 1), or
small whole numbers. float16 and every wider dtype hold them exactly, and float64 their sums; so a
cast that is honest compares equal, and a wrong value does not hide behind rounding.

Needs only NumPy: tensors are laid out by their own methods.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Shape = tuple[int, int]
Fill = Callable[[Shape], Any]
"""Makes random values in C order: an array or a tensor of the shape it is given."""

MATRIX_COLUMNS = 256
LEAST_ROWS = 16
BLOCK = 2**16
"""Numbers made at a time, in float32: arithmetic in float16 would take far longer."""

_NO_ORDER = "has one byte, which has no order"
_NO_MISALIGNMENT = "may lie at any address, so it is always aligned"


def shape_for(size: int, itemsize: int) -> Shape:
    """Rows and columns of ``size`` bytes: 256 columns, fewer where that would leave few rows.

    Raises:
        ValueError: the size is no whole number of elements.
    """
    elements, rest = divmod(size, itemsize)
    if rest or not elements:
        raise ValueError(f"size {size} is not a multiple of the {itemsize} bytes of an element")
    columns = math.gcd(elements, MATRIX_COLUMNS)
    while columns > 1 and elements // columns < LEAST_ROWS:
        columns //= 2
    return elements // columns, columns


def random_values(rng: np.random.Generator, shape: Shape, dtype: str) -> npt.NDArray[Any]:
    """Random values of a dtype in C order, in at most twice their memory."""
    kind = np.dtype(dtype).kind
    if kind in "fc":
        values = np.empty(shape, dtype)
        flat = values.reshape(-1)
        for start in range(0, flat.size, BLOCK):
            block = flat[start : start + BLOCK]
            numbers = rng.integers(-(2**10), 2**10, block.shape, dtype=np.int16)
            block[...] = numbers * np.float32(2**-10)
        if kind == "c":
            values.imag = values.real[::-1] + 1  # never zero everywhere, so that its loss is seen
        return values
    if kind in "biu":
        bits = {"b": 1}.get(kind, min(11, 8 * np.dtype(dtype).itemsize))
        low = -(2 ** (bits - 1)) if kind == "i" else 0
        return rng.integers(low, low + 2**bits, shape, dtype=np.dtype(dtype).type)
    # Dates and strings are made of numbers: days since 1970, and the digits themselves.
    return rng.integers(0, 2**11, shape).astype(dtype)


ARRAY_LAYOUTS: dict[str, Callable[[Fill, Shape], npt.NDArray[Any]]] = {
    "C": lambda fill, shape: fill(shape),
    "fortran": lambda fill, shape: fill(shape[::-1]).T,
    "step": lambda fill, shape: fill((shape[0], 2 * shape[1]))[:, ::2],
    "negative": lambda fill, shape: fill(shape)[::-1],
    "broadcast": lambda fill, shape: np.broadcast_to(fill((1, shape[1])), shape),
    "readonly": lambda fill, shape: _read_only(fill(shape)),
    "unaligned": lambda fill, shape: _unaligned(fill(shape)),
    "bigendian": lambda fill, shape: _big_endian(fill(shape)),
}
TENSOR_LAYOUTS: dict[str, Callable[[Fill, Shape], Any]] = {
    "contiguous": lambda fill, shape: fill(shape),
    "transposed": lambda fill, shape: fill(shape[::-1]).t(),
    "step": lambda fill, shape: fill((shape[0], 2 * shape[1]))[:, ::2],
    "expanded": lambda fill, shape: fill((1, shape[1])).expand(shape),
    "requires_grad": lambda fill, shape: fill(shape).requires_grad_(),
    "conjugate": lambda fill, shape: fill(shape).conj(),
}


def make_array(
    rng: np.random.Generator, size: int, dtype: str, layout: str = "C"
) -> npt.NDArray[Any]:
    """A random array of exactly ``size`` bytes as ``nbytes`` counts them."""
    shape = shape_for(size, np.dtype(dtype).itemsize)
    return ARRAY_LAYOUTS[layout](lambda shape: random_values(rng, shape, dtype), shape)


def make_tensor(fill: Fill, size: int, itemsize: int, layout: str = "contiguous") -> Any:
    """A tensor of exactly ``size`` bytes, counting every element of it as its own.

    Args:
        fill: makes a contiguous tensor of the shape it is given.
        size: bytes of the tensor.
        itemsize: bytes of one element.
        layout: a key of ``TENSOR_LAYOUTS``.
    """
    return TENSOR_LAYOUTS[layout](fill, shape_for(size, itemsize))


def no_such_array(dtype: str, layout: str) -> str | None:
    """Why no array can have this dtype and this layout; None when one can."""
    plain = np.dtype(dtype)
    if layout == "bigendian" and plain.newbyteorder(">") == plain:
        return f"{dtype} {_NO_ORDER}"
    if layout == "unaligned" and plain.alignment == 1:
        return f"{dtype} {_NO_MISALIGNMENT}"
    return None


def no_such_tensor(dtype: str, layout: str) -> str | None:
    """Why no tensor can have this dtype and this layout; None when one can."""
    if layout == "requires_grad" and not dtype.startswith(("float", "bfloat", "complex")):
        return f"{dtype} has no gradients: only floating point and complex tensors do"
    if layout == "conjugate" and not dtype.startswith("complex"):
        return f"{dtype} has no conjugate view: only complex tensors do"
    return None


def _read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    array.flags.writeable = False
    return array


def _unaligned(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    raw = np.empty(array.nbytes + 1, np.uint8)
    moved = raw[1:].view(array.dtype).reshape(array.shape)
    moved[...] = array
    return moved


def _big_endian(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return array.byteswap(inplace=True).view(array.dtype.newbyteorder(">"))
