"""Which arrays and tensors arrive in a trial as they are; all others are refused, with the reason.

Nothing may arrive as something else than what was returned: as a plain array where it was a matrix,
in memory of its own where it was a file's.
"""

from __future__ import annotations

import importlib
from bisect import bisect_right
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.trial.base.mapped import mappings
from harness.trial.base.pointers import Extent, array_extent
from harness.trial.base.unsupported import lacking

_SHARED = "/dev/shm/"  # noqa: S108 — nothing is written there
_OF_TORCH = f"{_SHARED}torch_"  # what share_memory_() maps

_ARRAYS: dict[type[np.ndarray[Any, Any]], tuple[str, str]] = {
    np.memmap: ("a memmap", "return the Path of its file, and map it in the strategy"),
    np.matrix: (
        "a matrix",
        "return numpy.asarray(matrix), and make it in a setup function",
    ),
    np.ma.MaskedArray: (
        "a masked array, whose mask would be lost",
        "return its data and its mask, and put them together in a setup function",
    ),
    np.recarray: ("a record array", "return an array for each of its fields"),
}
"""What to call a kind of array, and what to return instead."""


class Mapped:
    """Which memory of this process belongs to files, or is shared with other processes."""

    def __init__(self) -> None:
        found = sorted(_mapped())
        self._lows = [low for (low, _), _ in found]
        self._found = found

    def name(self, address: int) -> str:
        """The file that is mapped at an address; empty: none, or this system does not say."""
        place = bisect_right(self._lows, address) - 1
        if place < 0 or address >= self._found[place][0][1]:
            return ""
        return self._found[place][1]


def _mapped() -> Iterator[tuple[Extent, str]]:
    for one in mappings() or ():
        if one.name.startswith("/") or one.permissions.endswith("s"):
            yield (one.low, one.high), one.name.removesuffix(" (deleted)") or "shared memory"


def is_torchs_own(name: str) -> bool:
    """Whether a mapping is what ``share_memory_()`` makes."""
    return name.startswith(_OF_TORCH)


def array_problem(array: np.ndarray[Any, Any], mapped: Mapped) -> str:
    """Why an array would not arrive as it is; empty if it will."""
    if type(array) is not np.ndarray:
        return _subclass_problem(type(array))
    dtype = array.dtype
    if dtype.hasobject or dtype.names:
        return f"an array of dtype {dtype}, which is not plain"
    if dtype.metadata:
        return "an array whose dtype has metadata, which would be lost; return a view without it"
    if dtype_named(dtype_name(dtype)) != dtype:
        return f"an array of dtype {dtype}, which cannot be made again from its name"
    low, high = array_extent(array)
    return _mapped_problem("an array", mapped.name(low)) if high > low else ""


def _subclass_problem(kind: type[np.ndarray[Any, Any]]) -> str:
    for known, (called, instead) in _ARRAYS.items():
        if kind is known:
            return f"{called}; {instead}"
    return (
        f"{kind.__module__}.{kind.__qualname__}, a kind of array that would arrive as a plain one; "
        "return numpy.asarray(…), and make the rest in a setup function"
    )


def _mapped_problem(what: str, name: str) -> str:
    if not name or is_torchs_own(name):
        return ""
    if name.startswith(_SHARED) or not name.startswith("/"):
        return f"{what} in memory shared with other processes; share it in a setup function"
    return f"{what} mapped from {Path(name).name}; return its Path, and map it in the strategy"


def dtype_name(dtype: np.dtype[Any]) -> str:
    """A name by which :func:`dtype_named` finds a dtype again, one of another package too."""
    if dtype.kind == "V" and dtype.type is not np.void:
        return f"{dtype.type.__module__}:{dtype.type.__qualname__}"
    return dtype.str


def dtype_named(name: str) -> np.dtype[Any] | None:
    """The dtype of a name; None where there is none."""
    package, colon, attribute = name.partition(":")
    try:
        return np.dtype(getattr(importlib.import_module(package), attribute) if colon else name)
    except (AttributeError, ImportError, TypeError):
        return None


_TENSORS: tuple[tuple[Callable[[torch.Tensor], bool], str], ...] = (
    (lambda t: t.is_nested, "a nested tensor; return its parts as a list"),
    (
        lambda t: t.layout is not torch.strided,
        "a tensor of layout {layout}; return its parts, and make it in a setup function",
    ),
    (
        lambda t: t.device.type != "cpu",
        "a tensor on {device}; return it on the CPU, and move it later",
    ),
    (
        lambda t: t.is_quantized,
        "a quantised tensor; return tensor.int_repr(), and make it in a setup function",
    ),
    (
        lambda t: any(getattr(t, "names", ())),  # torch has given up names
        "a tensor with named dimensions; name them in a setup function",
    ),
    (
        lambda t: t.requires_grad and not t.is_leaf,
        "a tensor computed with gradients, whose graph would be lost; "
        "return tensor.detach().requires_grad_()",
    ),
    (
        lambda t: t.grad is not None,
        "a tensor with a gradient, which would be lost",
    ),
    (lambda t: bool(vars(t)), "a tensor with attributes of its own, which would be lost"),
    (lambda t: t._is_zerotensor(), "a tensor of zeros without memory; return tensor.clone()"),  # noqa: SLF001
    (lambda t: t.is_inference(), "a tensor made in inference mode; return tensor.clone()"),
    (lambda t: _is_pinned(t), "a pinned tensor; pin it in a setup function"),
)


def _is_pinned(tensor: torch.Tensor) -> bool:
    try:
        return tensor.is_pinned()
    except RuntimeError as error:
        if lacking(error):  # then nothing is pinned
            return False
        raise


def tensor_problem(tensor: torch.Tensor, mapped: Mapped) -> str:
    """Why a tensor would not arrive as it is; empty if it will."""
    kind = type(tensor)
    if kind not in (torch.Tensor, torch.nn.Parameter):
        return (
            f"{kind.__module__}.{kind.__qualname__}, a kind of tensor that would arrive as a plain "
            "one; make it in a setup function"
        )
    for applies, text in _TENSORS:
        if applies(tensor):
            return text.format(
                layout=str(tensor.layout).removeprefix("torch."), device=tensor.device
            )
    storage = tensor.untyped_storage()
    return _mapped_problem("a tensor", mapped.name(storage.data_ptr())) if storage.nbytes() else ""
