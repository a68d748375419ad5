"""A user's own array, in a ``.npy`` file: what its header says, read without loading anything."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import TYPE_CHECKING, BinaryIO

from harness.errors import UsageError
from harness.units import format_size

if TYPE_CHECKING:
    import numpy as np

NPY = "npy"
"""The parameter of a scenario that takes the path of such a file."""
DTYPES = ("uint8", "float16", "float32", "float64")
_FEWEST_ROWS = 2
_FEWEST_DIMENSIONS = 2


@dataclass(frozen=True)
class NpyFile:
    """An array in a file, whose rows are samples."""

    path: Path
    dtype: str
    shape: tuple[int, ...]
    row_bytes: int

    @property
    def data_bytes(self) -> int:
        return self.shape[0] * self.row_bytes

    def values(self) -> dict[str, tuple[str, ...]]:
        """The parameters of the one point of the grid at which the file is measured."""
        return {
            NPY: (str(self.path),),
            "size": (str(self.data_bytes),),
            "dtype": (self.dtype,),
            "sample_bytes": (str(self.row_bytes),),
        }


def read_npy(path: Path) -> NpyFile:
    """Look at a file's header and length.

    Raises:
        UsageError: no array can be trained from there; the message says why and what would help.
    """
    try:
        with path.open("rb") as stream:
            shape, fortran, dtype = _header(path, stream)
            start = stream.tell()
            found_bytes = path.stat().st_size - start
    except OSError as error:
        raise UsageError(f"--npy {path} cannot be read: {error.strerror}") from error
    problem = _dtype_problem(dtype) or _shape_problem(shape, fortran=fortran)
    if problem:
        raise UsageError(f"--npy {path}: {problem}")
    row_bytes = math.prod(shape[1:]) * dtype.itemsize
    if found_bytes < shape[0] * row_bytes:
        raise UsageError(
            f"--npy {path} is cut short: its header promises {shape[0]} rows, "
            f"{format_size(shape[0] * row_bytes)}, but the file holds {format_size(found_bytes)}; "
            "save it again"
        )
    return NpyFile(path.resolve(), dtype.name, shape, row_bytes)


def _header(path: Path, stream: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    """Shape, whether columns come first, and dtype; nothing is ever unpickled."""
    from numpy.lib import format as npy  # takes a while to import, and few commands need it

    if path.stat().st_size == 0:
        raise UsageError(f"--npy {path} is empty; write an array to it with numpy.save")
    try:
        version = npy.read_magic(stream)
    except ValueError as error:
        raise UsageError(
            f"--npy {path} is not a .npy file by its first bytes; write it with numpy.save"
        ) from error
    try:
        if version == (1, 0):
            return npy.read_array_header_1_0(stream)
        if version == (2, 0):
            return npy.read_array_header_2_0(stream)
    except (ValueError, SyntaxError, TypeError, TokenError) as error:
        said = " ".join(str(error).split())
        raise UsageError(f"--npy {path} has a damaged header: {said}; save it again") from error
    written = ".".join(map(str, version))
    raise UsageError(
        f"--npy {path} uses version {written} of the format, but only 1.0 and 2.0 can be read: "
        "save it again with a plain dtype"
    )


def _dtype_problem(dtype: np.dtype[np.generic]) -> str:
    allowed = f"use {', '.join(DTYPES[:-1])} or {DTYPES[-1]}"
    if dtype.hasobject:
        return f"it holds Python objects, which would have to be unpickled; {allowed}"
    if dtype.names is not None:
        return f"its elements are records of {len(dtype.names)} fields; save one of them; {allowed}"
    if dtype.name not in DTYPES:
        return f"its dtype is {dtype.name}; {allowed}, as array.astype does"
    if not dtype.isnative:
        return f"it is {dtype.str}, in the other byte order; save array.astype('{dtype.name}')"
    return ""


def _shape_problem(shape: tuple[int, ...], *, fortran: bool) -> str:
    if math.prod(shape) == 0:
        return f"its shape is {shape}: it is empty"
    if len(shape) < _FEWEST_DIMENSIONS:
        return (
            f"its shape is {shape}; one row per sample is needed: save array.reshape(samples, -1)"
        )
    if fortran:
        return (
            "it is in Fortran order, in which no sample lies in one place; "
            "save numpy.ascontiguousarray(array)"
        )
    if shape[0] < _FEWEST_ROWS:
        return f"its shape is {shape}; at least {_FEWEST_ROWS} rows are needed, one per sample"
    return ""
