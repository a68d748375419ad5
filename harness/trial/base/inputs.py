"""Inputs made once per run and loaded by every trial, with strides and alignment preserved.

A value is kept as the bytes its elements lie in, with a description; loading it gives a view of
the same shape, strides, byte order, writability and misalignment, over memory allocated the way
its library allocates it. A file is not copied: its Path is kept, and the folder it lies in.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.trial.base.pointers import array_extent


class FixtureError(Exception):
    """Inputs that cannot be kept for the trials."""


def folder_of(path: Path) -> Path:
    """Where files that are inputs lie, beside what :func:`save` writes to ``path``."""
    return path.with_suffix(".files")


def keep_on_disk(folder: Path) -> None:
    """Have every file in a folder written out: pages that are not cannot be evicted."""
    for file in folder.rglob("*"):
        if file.is_file():
            with file.open("rb") as stream:
                os.fsync(stream.fileno())


def save(value: Any, path: Path) -> None:
    """Write inputs to ``path`` (bytes) and ``path.json`` (description).

    Raises:
        FixtureError: a part of the inputs is neither array, tensor, plain value nor tuple.
    """
    with path.open("wb") as stream:
        description = _save(value, stream)
    # The description last: its presence says that the bytes are complete.
    path.with_suffix(".json").write_text(json.dumps(description))


def _save(value: Any, stream: Any) -> dict[str, Any]:
    if isinstance(value, tuple | list):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {"kind": kind, "items": [_save(item, stream) for item in value]}
    if isinstance(value, np.ndarray):
        return _save_array(value, stream)
    if isinstance(value, torch.Tensor):
        return _save_tensor(value, stream)
    if value is None or isinstance(value, str | int | float | bool):
        return {"kind": "value", "value": value}
    if isinstance(value, Path):
        return {"kind": "path", "path": str(value)}
    raise FixtureError(
        f"inputs returned {type(value).__name__}; an array, a tensor, a Path, a plain value or a "
        "tuple or list of these can be handed to trials"
    )


def _save_array(array: np.ndarray[Any, Any], stream: Any) -> dict[str, Any]:
    if array.dtype.hasobject or array.dtype.names:
        raise FixtureError(f"inputs returned an array of dtype {array.dtype}, which is not plain")
    if isinstance(array, np.ma.MaskedArray):
        raise FixtureError("inputs returned a masked array, whose mask would be lost")
    low, high = array_extent(array)
    start = array.__array_interface__["data"][0]
    description = {
        "kind": "array",
        "at": stream.tell(),
        "bytes": high - low,
        "offset": start - low,
        "dtype": array.dtype.str,
        "shape": array.shape,
        "strides": array.strides,
        "writeable": array.flags.writeable,
        "misaligned": start % array.dtype.alignment,
    }
    if high > low:
        _bytes_at(array, low, high).tofile(stream)
    return description


def _bytes_at(array: np.ndarray[Any, Any], low: int, high: int) -> np.ndarray[Any, Any]:
    """The raw bytes between two addresses that ``array`` keeps alive."""

    class Bytes:
        def __init__(self) -> None:
            self.owner = array
            self.__array_interface__ = {
                "shape": (high - low,),
                "typestr": "|u1",
                "data": (low, True),
                "version": 3,
            }

    return np.asarray(Bytes())


def _save_tensor(tensor: torch.Tensor, stream: Any) -> dict[str, Any]:
    conjugate = tensor.is_conj()
    negative = tensor.is_neg()
    plain = tensor.detach().conj() if conjugate else tensor.detach()
    plain = _negative_view(plain) if negative else plain
    storage = plain.untyped_storage()
    description = {
        "kind": "tensor",
        "at": stream.tell(),
        "bytes": storage.nbytes(),
        "offset": plain.storage_offset(),
        "dtype": str(plain.dtype).removeprefix("torch."),
        "shape": tuple(plain.shape),
        "strides": plain.stride(),
        "conjugate": conjugate,
        "negative": negative,
        "requires_grad": tensor.requires_grad,
    }
    if storage.nbytes():
        torch.empty(0, dtype=torch.uint8).set_(storage).numpy().tofile(stream)
    return description


def _negative_view(tensor: torch.Tensor) -> torch.Tensor:
    """The same memory read with the other sign, as ``tensor.conj().imag`` does."""
    view: torch.Tensor = torch._neg_view(tensor)  # noqa: SLF001 — torch has no public name for it
    return view


def load(path: Path) -> Any:
    """The inputs kept at ``path``, in memory that nothing else has touched."""
    description = json.loads(path.with_suffix(".json").read_text())
    with path.open("rb", buffering=0) as stream:
        return _load(description, stream)


def _load(description: dict[str, Any], stream: Any) -> Any:
    kind = description["kind"]
    if kind in ("tuple", "list"):
        items = [_load(item, stream) for item in description["items"]]
        return tuple(items) if kind == "tuple" else items
    if kind == "value":
        return description["value"]
    if kind == "path":
        return Path(description["path"])
    stream.seek(description["at"])
    return (_load_array if kind == "array" else _load_tensor)(description, stream)


def _fill(array: np.ndarray[Any, Any], stream: Any) -> None:
    buffer = array.data
    while buffer:
        count = stream.readinto(buffer)
        if not count:
            raise FixtureError("the inputs' file is shorter than its description says")
        buffer = buffer[count:]


def _load_array(description: dict[str, Any], stream: Any) -> np.ndarray[Any, Any]:
    dtype, shape = np.dtype(description["dtype"]), tuple(description["shape"])
    if not description["misaligned"] and _is_c_contiguous(description, dtype):
        array = np.empty(shape, dtype)  # owns its memory, as an array fresh from NumPy does
        if array.nbytes:
            _fill(array.reshape(-1).view(np.uint8), stream)
    else:
        raw = np.empty(description["bytes"] + 2 * dtype.alignment, np.uint8)
        address = raw.__array_interface__["data"][0] + description["offset"]
        shift = (description["misaligned"] - address) % dtype.alignment
        _fill(raw[shift : shift + description["bytes"]], stream)
        array = np.ndarray(
            shape, dtype, raw, description["offset"] + shift, tuple(description["strides"])
        )
    array.flags.writeable = description["writeable"]
    return array


def _is_c_contiguous(description: dict[str, Any], dtype: np.dtype[Any]) -> bool:
    expected = dtype.itemsize
    for count, stride in zip(
        reversed(description["shape"]), reversed(description["strides"]), strict=True
    ):
        if stride != expected:
            return False
        expected *= count
    return True


def _load_tensor(description: dict[str, Any], stream: Any) -> torch.Tensor:
    raw = torch.empty(description["bytes"], dtype=torch.uint8)
    if description["bytes"]:
        _fill(raw.numpy(), stream)
    tensor = torch.empty(0, dtype=getattr(torch, description["dtype"])).set_(
        raw.untyped_storage(), description["offset"], description["shape"], description["strides"]
    )
    tensor = _negative_view(tensor) if description["negative"] else tensor
    tensor = tensor.conj() if description["conjugate"] else tensor
    return tensor.requires_grad_() if description["requires_grad"] else tensor
