"""Inputs made once per run and loaded by every trial, with strides, alignment and aliasing kept.

A value is kept as the memory its elements lie in, with a description; loading it gives values of
the same shape, strides, byte order, writability and misalignment, over memory allocated the way
its library allocates it. A file is not copied: its Path is kept, and the folder it lies in.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.trial.base.input_kinds import (
    Mapped,
    array_problem,
    dtype_name,
    dtype_named,
    is_torchs_own,
    tensor_problem,
)
from harness.trial.base.input_memory import (
    ArrivedMemory,
    KeptBlock,
    Maker,
    Reached,
    ShortFileError,
    blocks_of,
)
from harness.trial.base.pointers import array_extent
from harness.units import format_size

WASTE_FROM_BYTES = 256 * 1024**2
"""Up to this, inputs may lie in as much memory as they like."""
WASTE_MULTIPLE = 16
"""And beyond it, in this much more than their elements take."""
_TENSOR_ALIGN = 64
"""What torch's addresses are multiples of, and NumPy's are not."""
_PLAIN = (str, int, float, bool, type(None))
_SEQUENCES: dict[str, type[Any]] = {"tuple": tuple, "list": list, "Size": torch.Size}
_ALLOWED = (
    "an array, a tensor, a Path, a plain value or a tuple or list of these can be handed to trials"
)


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


@dataclass(frozen=True)
class Described:
    """Inputs that can be kept, of which nothing has been written yet."""

    value: dict[str, Any]
    blocks: Sequence[KeptBlock]

    @property
    def nbytes(self) -> int:
        """What it takes to keep them."""
        return sum(block.nbytes for block in self.blocks)

    def refuse_waste(self, data_bytes: int) -> None:
        """Raise FixtureError if they take far more than the data: a column takes its matrix."""
        most = max(WASTE_FROM_BYTES, WASTE_MULTIPLE * data_bytes)
        if self.nbytes > most:
            raise FixtureError(
                f"inputs returned {format_size(data_bytes)} of data that lie in "
                f"{format_size(self.nbytes)} of memory, all of which would be kept: return copies, "
                "such as array[:, 0].copy() or tensor.clone()"
            )

    def save(self, path: Path) -> None:
        """Write them to ``path`` (bytes) and ``path.json`` (description)."""
        blocks: list[dict[str, Any]] = []
        with path.open("wb") as stream:
            for block in self.blocks:
                blocks.append(block.description(stream.tell()))
                block.write(stream)
        # The description last: its presence says that the bytes are complete.
        path.with_suffix(".json").write_text(json.dumps({"blocks": blocks, "value": self.value}))


def described(value: Any) -> Described:
    """How inputs are kept.

    Raises:
        FixtureError: a part of them would not arrive as it is.
    """
    describer = _Describer()
    found = describer.describe(value)
    return Described(found, blocks_of(describer.reached))


def save(value: Any, path: Path) -> None:
    """Write inputs to ``path`` (bytes) and ``path.json`` (description).

    Raises:
        FixtureError: a part of them would not arrive as it is.
    """
    described(value).save(path)


class _Describer:
    """Goes through a value; what comes a second time is named, so that it arrives as one."""

    def __init__(self) -> None:
        self.mapped = Mapped()
        self.reached: list[Reached] = []
        self.begun: set[int] = set()  # ids of what is described just now
        self.done: dict[int, int] = {}  # numbers of what has been, by id

    def describe(self, value: Any) -> dict[str, Any]:
        if type(value) in _PLAIN:
            return {"kind": "value", "value": value}
        if type(value) is type(Path()):
            return {"kind": "path", "path": str(value)}
        if id(value) in self.done:
            return {"kind": "again", "number": self.done[id(value)]}
        if id(value) in self.begun:
            raise FixtureError(f"inputs returned a {type(value).__name__} that contains itself")
        self.begun.add(id(value))
        found = self._object(value)
        self.done[id(value)] = len(self.done)
        return found

    def _object(self, value: Any) -> dict[str, Any]:
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        if isinstance(value, np.generic) and not array_problem(np.asarray(value), self.mapped):
            return {"kind": "scalar", "of": self._array(np.asarray(value))}
        name = type(value).__name__
        if _SEQUENCES.get(name) is type(value):
            return {"kind": name, "items": [self.describe(item) for item in value]}
        kinds = (tuple, list, str, int, float, Path)
        plain = next((kind.__name__ for kind in kinds if isinstance(value, kind)), "")
        would = f", which would arrive as a plain {plain}" if plain else ""
        raise FixtureError(f"inputs returned {name}{would}; {_ALLOWED}")

    def _array(self, array: np.ndarray[Any, Any]) -> dict[str, Any]:
        _refuse(array_problem(array, self.mapped))
        low, high = array_extent(array)
        start = array.__array_interface__["data"][0]
        name = dtype_name(array.dtype)
        found = {
            "kind": "array",
            "start": start - low,
            "dtype": name,
            "shape": array.shape,
            "strides": array.strides,
            "writeable": array.flags.writeable,
        }
        whole = {"dtype": name, "shape": array.shape} if array.flags.c_contiguous else None
        align = array.dtype.alignment
        self.reached.append(Reached(low, high, "numpy", align, array, found, whole))
        return found

    def _tensor(self, tensor: torch.Tensor) -> dict[str, Any]:
        _refuse(tensor_problem(tensor, self.mapped))
        plain = tensor.detach().conj() if tensor.is_conj() else tensor.detach()
        plain = _negative_view(plain) if tensor.is_neg() else plain
        storage = plain.untyped_storage()
        low = storage.data_ptr()
        found = {
            "kind": "tensor",
            "bytes": storage.nbytes(),
            "start": plain.storage_offset(),
            "dtype": str(plain.dtype).removeprefix("torch."),
            "shape": tuple(plain.shape),
            "strides": plain.stride(),
            "conjugate": tensor.is_conj(),
            "negative": tensor.is_neg(),
            "parameter": type(tensor) is torch.nn.Parameter,
            "requires_grad": tensor.requires_grad,
        }
        maker: Maker = "torch" if storage.resizable() else "numpy"
        if is_torchs_own(self.mapped.name(low)):
            maker = "shared"
        high = low + storage.nbytes()
        self.reached.append(Reached(low, high, maker, _TENSOR_ALIGN, tensor, found))
        return found


def _refuse(problem: str) -> None:
    if problem:
        raise FixtureError(f"inputs returned {problem}")


def _negative_view(tensor: torch.Tensor) -> torch.Tensor:
    """The same memory read with the other sign, as ``tensor.conj().imag`` does."""
    view: torch.Tensor = torch._neg_view(tensor)  # noqa: SLF001 — torch has no public name for it
    return view


@dataclass
class Loaded:
    """Inputs that have arrived."""

    value: Any
    memory: list[ArrivedMemory]
    lists: list[tuple[list[Any], list[Any]]]  # each with the items it came with

    def restore(self, original: Loaded) -> None:
        """Undo what was done to them."""
        for ours, theirs in zip(self.memory, original.memory, strict=True):
            ours.restore(theirs)
        for own, items in self.lists:
            own[:] = items


def load(path: Path) -> Any:
    """The inputs kept at ``path``, in memory that nothing else has touched."""
    return load_restorable(path).value


def load_restorable(path: Path) -> Loaded:
    """The same, and what it takes to restore them."""
    description = json.loads(path.with_suffix(".json").read_text())
    try:
        with path.open("rb", buffering=0) as stream:
            memory = [ArrivedMemory.of(block, stream) for block in description["blocks"]]
    except ShortFileError as error:
        raise FixtureError("the inputs' file is shorter than its description says") from error
    loader = _Loader(memory)
    value = loader.load(description["value"])
    for array in loader.read_only:  # once nothing is made of it any more
        array.flags.writeable = False
    return Loaded(value, memory, loader.lists)


@dataclass
class _Loader:
    memory: list[ArrivedMemory]
    done: list[Any] = field(default_factory=list)
    lists: list[tuple[list[Any], list[Any]]] = field(default_factory=list)
    read_only: list[np.ndarray[Any, Any]] = field(default_factory=list)

    def load(self, description: dict[str, Any]) -> Any:
        kind = description["kind"]
        if kind == "value":
            return description["value"]
        if kind == "path":
            return Path(description["path"])
        if kind == "again":
            return self.done[description["number"]]
        self.done.append(made := self._object(kind, description))
        return made

    def _object(self, kind: str, description: dict[str, Any]) -> Any:
        if kind == "array":
            return self._array(description)
        if kind == "scalar":
            return self._array(description["of"])[()]
        if kind == "tensor":
            return self._tensor(description)
        made = _SEQUENCES[kind]([self.load(item) for item in description["items"]])
        if kind == "list":
            self.lists.append((made, list(made)))
        return made

    def _array(self, description: dict[str, Any]) -> np.ndarray[Any, Any]:
        memory = self.memory[description["block"]]
        start = description["offset"] + description["start"]
        array: np.ndarray[Any, Any] = np.ndarray(
            tuple(description["shape"]),
            dtype_named(description["dtype"]),
            memory.raw,
            start,
            tuple(description["strides"]),
        )
        if memory.is_made(array):
            assert memory.made is not None
            array, memory.made = memory.made, None  # another one like it is a view
        if not description["writeable"]:
            self.read_only.append(array)
        return array

    def _tensor(self, description: dict[str, Any]) -> torch.Tensor:
        memory = self.memory[description["block"]]
        storage = memory.part(description["offset"], description["bytes"])
        tensor = torch.empty(0, dtype=getattr(torch, description["dtype"])).set_(
            storage, description["start"], description["shape"], description["strides"]
        )
        tensor = _negative_view(tensor) if description["negative"] else tensor
        tensor = tensor.conj() if description["conjugate"] else tensor
        if description["parameter"]:
            return torch.nn.Parameter(tensor, description["requires_grad"])
        return tensor.requires_grad_() if description["requires_grad"] else tensor
