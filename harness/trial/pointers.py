"""Which memory a value occupies, to prove by addresses whether anything was copied."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

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


def extents(value: Any) -> Iterator[Extent]:
    """The memory of every array and host tensor in a value, or in its items."""
    if isinstance(value, np.ndarray):
        yield array_extent(value)
    elif isinstance(value, torch.Tensor):
        if value.device.type == "cpu" and value.layout is torch.strided:
            storage = value.untyped_storage()
            yield storage.data_ptr(), storage.data_ptr() + storage.nbytes()
    elif isinstance(value, list | tuple):
        for item in value if _holds_arrays(value) else ():
            yield from extents(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from extents(item)


def _holds_arrays(items: list[Any] | tuple[Any, ...]) -> bool:
    """Whether a sequence may hold arrays: not when it starts with a number, as millions may."""
    return bool(items) and not isinstance(items[0], int | float | complex | str | bytes)


def overlap(inputs: Any, result: Any) -> bool | None:
    """Whether the result can reach the inputs' memory; None when it holds no array at all."""
    ours, theirs = list(extents(inputs)), list(extents(result))
    if not theirs:
        return None
    return any(max(a, c) < min(b, d) for a, b in ours for c, d in theirs)


def data_bytes(value: Any) -> int:
    """Bytes of the elements of all arrays and tensors in a value, as a reader would see them."""
    if isinstance(value, np.ndarray):
        return int(value.nbytes)
    if isinstance(value, torch.Tensor):
        return value.numel() * value.element_size()
    if isinstance(value, list | tuple):
        return sum(data_bytes(item) for item in value) if _holds_arrays(value) else 0
    return sum(data_bytes(item) for item in value.values()) if isinstance(value, dict) else 0


def summary(value: Any) -> str:
    """What came back, in a few words: ``tensor float32 (64, 256)``."""
    if isinstance(value, torch.Tensor):
        layout = "" if value.is_contiguous() else " not contiguous"
        return f"tensor {str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}{layout}"
    if isinstance(value, np.ndarray):
        layout = "" if value.flags.c_contiguous else " not contiguous"
        return f"array {value.dtype} {value.shape}{layout}"
    if isinstance(value, list | tuple) and value:
        return f"{type(value).__name__} of {len(value)}, first: {summary(value[0])}"
    return type(value).__name__
