"""Which memory a value occupies, to prove by addresses whether anything was copied."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

_MAPS = Path("/proc/self/maps")
_BEFORE_NAME = 5  # fields of a line before the name of what is mapped
Extent = tuple[int, int]
"""First address and the address after the last, of memory a value can reach."""


def array_extent(array: np.ndarray[Any, Any]) -> Extent:
    """The addresses between which an array's elements lie, whatever its strides."""
    start: int = array.__array_interface__["data"][0]
    low = high = start
    for count, stride in zip(array.shape, array.strides, strict=True):
        if count == 0:
            return start, start
        span = (count - 1) * stride
        low, high = low + min(0, span), high + max(0, span)
    return low, high + array.itemsize


def is_tensor(value: Any) -> bool:
    """Whether a value is a tensor; torch is not imported for that, nobody has one before it is."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def extents(value: Any) -> Iterator[Extent]:
    """The memory of every array and host tensor in a value, or in its items; of a file, where it
    is mapped.
    """
    if isinstance(value, np.ndarray):
        yield array_extent(value)
    elif is_tensor(value):
        if value.device.type == "cpu" and str(value.layout) == "torch.strided":
            storage = value.untyped_storage()
            yield storage.data_ptr(), storage.data_ptr() + storage.nbytes()
    elif isinstance(value, list | tuple):
        for item in value if holds_arrays(value) else ():
            yield from extents(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from extents(item)
    elif isinstance(value, Path):
        yield from _mappings(value)


def _mappings(file: Path) -> Iterator[Extent]:
    """Where this process has a file mapped; nowhere on systems that do not tell."""
    if not _MAPS.exists():
        return
    name = str(file.resolve())
    for line in _MAPS.read_text(errors="replace").splitlines():
        fields = line.split(maxsplit=_BEFORE_NAME)
        if fields[_BEFORE_NAME:] == [name]:
            low, _, high = fields[0].partition("-")
            yield int(low, 16), int(high, 16)


def holds_arrays(items: list[Any] | tuple[Any, ...]) -> bool:
    """Whether a sequence may hold arrays: not when it starts with a number, as millions may."""
    return bool(items) and not isinstance(items[0], int | float | complex | str | bytes)


def overlap(inputs: Any, result: Any) -> bool | None:
    """Whether the result can reach the inputs' memory; None when it holds no array at all."""
    ours, theirs = list(extents(inputs)), list(extents(result))
    if not theirs:
        return None
    return any(max(a, c) < min(b, d) for a, b in ours for c, d in theirs)


def data_bytes(value: Any) -> int:
    """Bytes of the elements of all arrays and tensors in a value, as a reader would see them.

    A file counts with all of its bytes.
    """
    if isinstance(value, np.ndarray):
        return int(value.nbytes)
    if is_tensor(value):
        return int(value.numel() * value.element_size())
    if isinstance(value, Path):
        return value.stat().st_size
    if isinstance(value, list | tuple):
        return sum(data_bytes(item) for item in value) if holds_arrays(value) else 0
    return sum(data_bytes(item) for item in value.values()) if isinstance(value, dict) else 0


def main_part(value: Any) -> Any:
    """The array or tensor that most of a value's bytes lie in; None where there is none."""
    if isinstance(value, np.ndarray) or is_tensor(value):
        return value
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list | tuple) or not holds_arrays(value):
        return None
    parts = [part for part in map(main_part, value) if part is not None]
    return max(parts, key=data_bytes, default=None)


def dtype_of(value: Any) -> str:
    """The dtype of most of a value's bytes, as its library writes it; "" where it has none."""
    part = main_part(value)
    return "" if part is None else str(part.dtype).removeprefix("torch.")


def row_bytes(value: Any) -> int:
    """What one index of the first dimension holds, of most of a value's bytes; 0 of a scalar."""
    part = main_part(value)
    return data_bytes(part) // max(1, len(part)) if part is not None and part.ndim else 0


def summary(value: Any) -> str:
    """What came back, in a few words: ``tensor float32 (64, 256)``."""
    if is_tensor(value):
        layout = "" if value.is_contiguous() else " not contiguous"
        return f"tensor {str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}{layout}"
    if isinstance(value, np.ndarray):
        layout = "" if value.flags.c_contiguous else " not contiguous"
        return f"array {value.dtype} {value.shape}{layout}"
    if isinstance(value, list | tuple) and value:
        return f"{type(value).__name__} of {len(value)}, first: {summary(value[0])}"
    return type(value).__name__
