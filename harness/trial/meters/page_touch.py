"""Read every page of a value, as computing on it would, without taking memory for it.

A batch that maps a file has read nothing yet; its pages come in when somebody looks at them.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch

Block = tuple[int, list[tuple[int, int]]]
"""Where elements lie: the lowest address, and (count, stride in bytes) of each dimension."""


def touch_pages(value: Any) -> None:
    """Read a byte of every page that an array or host tensor in a value, or in its items, takes."""
    for address, dimensions in blocks(value):
        run_bytes, outer = _run(dimensions)
        pages = -(-run_bytes // mmap.PAGESIZE)
        _read(address, [*outer, (pages, mmap.PAGESIZE)])
        _read(address + run_bytes - 1, outer)  # a run may begin in the middle of a page


def blocks(value: Any) -> Iterator[Block]:
    """Where the elements of every array and host tensor lie; none for those without elements."""
    if isinstance(value, np.ndarray):
        address = value.__array_interface__["data"][0]
        yield from _block(address, value.itemsize, zip(value.shape, value.strides, strict=True))
    elif isinstance(value, torch.Tensor):
        if value.device.type == "cpu" and value.layout is torch.strided:
            size = value.element_size()
            strides = (step * size for step in value.stride())
            yield from _block(value.data_ptr(), size, zip(value.shape, strides, strict=True))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from blocks(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from blocks(item)


def _block(address: int, itemsize: int, dimensions: Iterable[tuple[int, int]]) -> Iterator[Block]:
    found = list(dimensions)
    if any(count == 0 for count, _ in found):
        return
    # A negative stride goes down from the address that an array gives.
    low = address + sum((count - 1) * stride for count, stride in found if stride < 0)
    lying = [(count, abs(stride)) for count, stride in found if count > 1 and stride]
    yield low, [*sorted(lying, key=lambda one: -one[1]), (itemsize, 1)]


def _run(dimensions: list[tuple[int, int]]) -> tuple[int, list[tuple[int, int]]]:
    """How many bytes lie without a gap at the innermost, and the dimensions around them."""
    outer = list(dimensions)
    run_bytes = outer.pop()[0]
    while outer and outer[-1][1] <= run_bytes:  # equal, or less where elements overlap
        count, stride = outer.pop()
        run_bytes += (count - 1) * stride
    return run_bytes, outer


class _Bytes:
    """Single bytes at an address, for NumPy to read; whoever asks keeps the memory alive."""

    def __init__(self, address: int, dimensions: list[tuple[int, int]]) -> None:
        self.__array_interface__ = {
            "shape": tuple(count for count, _ in dimensions),
            "strides": tuple(stride for _, stride in dimensions),
            "typestr": "|u1",
            "data": (address, True),
            "version": 3,
        }


def _read(address: int, dimensions: list[tuple[int, int]]) -> None:
    np.asarray(_Bytes(address, dimensions)).max()
