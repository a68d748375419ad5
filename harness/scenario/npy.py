"""A user's own array, in a ``.npy`` file or without a header: nothing of it is loaded."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import TYPE_CHECKING, BinaryIO

from harness.errors import UsageError
from harness.scenario.other_files import NUMPY, is_zarr, what_it_is
from harness.units import format_size, parse_size

if TYPE_CHECKING:
    import numpy as np

NPY = "npy"
"""The parameter of a scenario that takes the path of such a file."""
RAW = "raw"
"""The parameter beside it that says how a file without a header is to be read."""
FLOATS = ("float16", "float32", "float64")
IDS = ("int8", "int16", "int32", "int64", "uint16", "uint32")
DTYPES = ("uint8", *FLOATS, *IDS)
_ALLOWED = f"use {', '.join(DTYPES[:-1])} or {DTYPES[-1]}"
_FEWEST_ROWS = 2
_FEWEST_DIMENSIONS = 2


@dataclass(frozen=True)
class OwnFile:
    """An array in a file, whose rows are samples."""

    path: Path
    dtype: str
    shape: tuple[int, ...]
    row_bytes: int
    raw: str = ""  # of a file without a header: its shape and first byte, see raw_text
    left_out_bytes: int = 0  # behind the last row
    first_byte: int = 0  # of the first value
    fortran: bool = False  # whether columns lie together, and not rows

    @property
    def data_bytes(self) -> int:
        return self.shape[0] * self.row_bytes

    @property
    def remark(self) -> str:
        """What a user should know; empty where there is nothing."""
        if not self.left_out_bytes:
            return ""
        return (
            f"{self.path.name}: {self.shape[0]} rows; its last {format_size(self.left_out_bytes)} "
            "do not make a whole row and are left out"
        )

    def values(self) -> dict[str, tuple[str, ...]]:
        """The parameters of the one point of the grid at which the file is measured."""
        return {
            NPY: (str(self.path),),
            "size": (str(self.data_bytes),),
            "dtype": (self.dtype,),
            "sample_bytes": (str(self.row_bytes),),
            **({RAW: (self.raw,)} if self.raw else {}),
        }


def read_npy(path: Path, *, rows: bool = True) -> OwnFile:
    """Look at a file's header and length.

    Args:
        path: the file.
        rows: whether the array must have rows, each in one place, and two of them at least.

    Raises:
        UsageError: no such array is there; the message says why and what would help.
    """
    given = f"--npy {path}"
    try:
        _refuse_special_file(path, given)
        with path.open("rb") as stream:
            shape, fortran, dtype = _header(path, stream)
            start = stream.tell()
            found_bytes = path.stat().st_size - start
    except OSError as error:
        raise UsageError(f"{given} cannot be read: {error.strerror}") from error
    problem = _dtype_problem(dtype) or _shape_problem(shape, fortran=fortran, rows=rows)
    if problem:
        raise UsageError(f"{given}: {problem}")
    row_bytes = math.prod(shape[1:]) * dtype.itemsize
    fortran = fortran and len(shape) > 1  # of one dimension, there is but one order
    if found_bytes < shape[0] * row_bytes:
        raise UsageError(
            f"{given} is cut short: its header promises {shape[0]} rows, "
            f"{format_size(shape[0] * row_bytes)}, but the file holds {format_size(found_bytes)}; "
            "save it again"
        )
    return OwnFile(path.resolve(), dtype.name, shape, row_bytes, first_byte=start, fortran=fortran)


def read_raw(
    path: Path, dtype: str, shape: str, offset: str = "0", *, rows: bool = True
) -> OwnFile:
    """Look at a file of values without a header.

    Args:
        path: the file.
        dtype: of its values, as NumPy names it.
        shape: numbers with commas between them; one may be -1.
        offset: bytes before the first value.
        rows: see :func:`read_npy`.

    Raises:
        UsageError: no such array is there; the message says why and what would help.
    """
    given = f"--raw {path}"
    try:
        _refuse_special_file(path, given)
        with path.open("rb") as stream:
            if stream.read(len(NUMPY)) == NUMPY:
                raise UsageError(f"{given} is a .npy file, which has a header: use --npy")
        file_bytes = path.stat().st_size
    except OSError as error:
        raise UsageError(f"{given} cannot be read: {error.strerror}") from error
    kind, first = _dtype_given(dtype), _offset_given(offset)
    there_bytes = max(0, file_bytes - first)
    problem = _dtype_problem(kind)
    lengths = () if problem else _filled_up(_shape_given(shape), there_bytes // kind.itemsize)
    problem = problem or _shape_problem(lengths, fortran=False, rows=rows)
    if problem:
        raise UsageError(f"{given}: {problem}")
    row_bytes = math.prod(lengths[1:]) * kind.itemsize
    if there_bytes < lengths[0] * row_bytes:
        raise UsageError(
            f"{given}: {lengths[0]} rows of {format_size(row_bytes)} are "
            f"{format_size(lengths[0] * row_bytes)}, but from byte {first} on the file holds "
            f"{format_size(there_bytes)}"
        )
    left_out = there_bytes - lengths[0] * row_bytes if "-1" in shape else 0
    raw = raw_text(lengths, first)
    return OwnFile(path.resolve(), kind.name, lengths, row_bytes, raw, left_out, first)


def said_array(dtype: str, shape: str, *, rows: bool = True) -> tuple[str, tuple[int, ...]]:
    """The dtype and the shape of an array that is only told of.

    Args:
        dtype: as NumPy names it.
        shape: positive numbers with commas between them.
        rows: see :func:`read_npy`.

    Raises:
        UsageError: there is no such array.
    """
    if "-" in shape:
        raise UsageError(f"--shape {shape}: every number must be positive where there is no file")
    kind, lengths = _dtype_given(dtype), _shape_given(shape)
    problem = _dtype_problem(kind)
    if problem:
        raise UsageError(f"--dtype {dtype}: {problem}")
    if math.prod(lengths) * kind.itemsize > sys.maxsize:
        raise UsageError(f"--shape {shape}: no machine can address that many bytes")
    problem = _shape_problem(lengths, fortran=False, rows=rows)
    if problem:
        raise UsageError(f"--shape {shape}: {problem}")
    return kind.name, lengths


def raw_text(shape: tuple[int, ...], first: int) -> str:
    """How a journal says where and how rows lie in a raw file: ``1000x1024+256``."""
    return "x".join(map(str, shape)) + (f"+{first}" if first else "")


def parse_raw(text: str) -> tuple[tuple[int, ...], int]:
    """The shape and the first byte of what :func:`raw_text` says."""
    shape, _, first = text.partition("+")
    return tuple(map(int, shape.split("x"))), int(first or 0)


def _refuse_special_file(path: Path, given: str) -> None:
    """Raise UsageError for devices, pipes and sockets, which would block when opened, and for Zarr
    folders.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise UsageError(f"{given} is not a regular file but a device, a pipe or a socket")
    if path.is_dir() and is_zarr(path):
        raise UsageError(f"{given} is {what_it_is(path)}")


def _dtype_given(text: str) -> np.dtype[np.generic]:
    import numpy as np

    try:
        return np.dtype(text)
    except (TypeError, ValueError, SyntaxError) as error:
        raise UsageError(f"--dtype {text} is not a NumPy dtype; {_ALLOWED}") from error


def _shape_given(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.strip("()").rstrip(",").split(",")]
    try:
        shape = tuple(map(int, parts))
    except ValueError as error:
        raise UsageError(f"--shape {text}: write numbers, such as 1000,1024 or -1,1024") from error
    if shape.count(-1) > 1 or any(length < -1 for length in shape):
        raise UsageError(f"--shape {text}: one number may be -1, for as many as there are")
    return shape


def _filled_up(shape: tuple[int, ...], values: int) -> tuple[int, ...]:
    """A shape with as much in place of its -1 as there are values for."""
    known = math.prod(length for length in shape if length != -1)
    return tuple(values // known if length == -1 and known else length for length in shape)


def _offset_given(text: str) -> int:
    if text == "0":
        return 0
    try:
        return parse_size(text)
    except ValueError as error:
        raise UsageError(f"--offset: {error}") from error


def _header(path: Path, stream: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    """Shape, whether columns come first, and dtype; nothing is ever unpickled."""
    from numpy.lib import format as npy  # takes a while to import, and few commands need it

    if path.stat().st_size == 0:
        raise UsageError(f"--npy {path} is empty; write an array to it with numpy.save")
    try:
        version = npy.read_magic(stream)
    except ValueError as error:
        raise UsageError(f"--npy {path} is {what_it_is(path)}") from error
    try:
        if version == (1, 0):
            return npy.read_array_header_1_0(stream)
        if version in ((2, 0), (3, 0)):  # which differ in names of fields alone
            return npy.read_array_header_2_0(stream)
    except (ValueError, SyntaxError, TypeError, TokenError) as error:
        said = " ".join(str(error).split())
        raise UsageError(f"--npy {path} has a damaged header: {said}; save it again") from error
    written = ".".join(map(str, version))
    raise UsageError(
        f"--npy {path} uses version {written} of the format, but only 1.0 to 3.0 can be read: "
        "save it again with numpy.save"
    )


def _dtype_problem(dtype: np.dtype[np.generic]) -> str:
    if dtype.hasobject:
        return f"it holds Python objects, which would have to be unpickled; {_ALLOWED}"
    if dtype.names is not None:
        fields = len(dtype.names)
        return f"its elements are records of {fields} fields; save one of them; {_ALLOWED}"
    if dtype.name not in DTYPES:
        return f"its dtype is {dtype.name}; {_ALLOWED}, as array.astype does"
    if not dtype.isnative:
        return f"it is {dtype.str}, in the other byte order; save array.astype('{dtype.name}')"
    return ""


def _shape_problem(shape: tuple[int, ...], *, fortran: bool, rows: bool) -> str:
    if math.prod(shape) == 0:
        return f"its shape is {shape}: it is empty"
    if not rows:
        return "" if shape else "it is a single number, and no array"
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
