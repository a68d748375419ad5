"""Files of samples to train from: made to be learnt, or a user's own with labels to match.

Everything goes through memory in pieces, so that a file may be larger than it. A sample's class
shows in the levels of a few stretches of it, whatever its length, so that a linear model learns it
as well as a small net that looks at the sample as an image.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from harness.scenario.checks import PIECE_BYTES

Array = npt.NDArray[Any]
Labels = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

CLASSES = 10
STRETCHES = 16
ID_BUCKETS = 4096
"""Ids are looked up by their remainder: whatever they are, the table has so many rows."""
ID_WIDTH = 16
HEADER_BYTES = 128
"""Where the data of a file by np.save begins, unless its shape takes many words."""
_LOOK_AT = 1024
"""So many samples of a user's file tell how large its values are."""


@dataclass(frozen=True)
class NpyHeader:
    """What a .npy file says of itself, or is said of a file without a header."""

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    offset: int  # bytes before the data

    @property
    def rows(self) -> int:
        return self.shape[0]

    @property
    def row_bytes(self) -> int:
        return prod(self.shape[1:]) * self.dtype.itemsize


def read_header(path: str | Path) -> NpyHeader:
    """The header of a .npy file whose rows are samples; nothing is mapped.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no such file.
    """
    with Path(path).open("rb") as file:
        read = np.lib.format.read_array_header_1_0
        if np.lib.format.read_magic(file) > (1, 0):
            read = np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
        return NpyHeader(shape, dtype, file.tell())


def read_rows(path: str | Path, header: NpyHeader, first: int, count: int) -> Array:
    """Some rows of a .npy file."""
    values = count * prod(header.shape[1:])
    at = header.offset + first * header.row_bytes
    return np.fromfile(path, header.dtype, values, offset=at).reshape(count, *header.shape[1:])


def read_pieces(path: str | Path, header: NpyHeader) -> Iterator[Array]:
    """All rows of a .npy file, some at a time."""
    step = max(1, PIECE_BYTES // header.row_bytes)
    for first in range(0, header.rows, step):
        yield read_rows(path, header, first, min(step, header.rows - first))


def holds_ids(dtype: npt.DTypeLike) -> bool:
    """Whether values are numbers of something, such as tokens: all integers but bytes."""
    kind = np.dtype(dtype)
    return kind.kind in "iu" and kind != np.uint8


def id_table() -> Floats:
    """What ids are looked up in when training begins, a row for each remainder."""
    return np.random.default_rng(0).standard_normal((ID_BUCKETS, ID_WIDTH), dtype=np.float32)


def given_dtype(dtype: npt.DTypeLike) -> np.dtype[np.generic]:
    """As what a model is given values: float32, or int64 for ids, which are looked up."""
    return np.dtype(np.int64 if holds_ids(dtype) else np.float32)


def as_given(samples: Array) -> Array:
    """Samples as what a model is given, where bytes become 0…1."""
    wanted = given_dtype(samples.dtype)
    with np.errstate(over="ignore"):  # of float64 too large for it
        given = samples.astype(wanted, copy=False)
    return np.divide(given, np.float32(255), out=given) if samples.dtype == np.uint8 else given


def write_samples(
    path: Path,
    rows: int,
    values: int,
    dtype: str,
    rng: np.random.Generator,
    *,
    offset: int = HEADER_BYTES,
) -> Labels:
    """Make a .npy file of samples between 0 and 1, or 0 and 255 for bytes; returns their classes.

    Args:
        path: the file.
        rows: how many samples.
        values: in each of them.
        dtype: uint8 or a float's.
        rng: where classes, their levels and the noise come from.
        offset: where in the file the data begins, a multiple of 64.
    """
    levels = rng.random((CLASSES, STRETCHES), dtype=np.float32)
    templates = levels[:, np.arange(values) * STRETCHES // values]
    labels = rng.integers(0, CLASSES, rows)
    step = max(1, PIECE_BYTES // (4 * values))
    with path.open("wb") as file:
        file.write(header_bytes((rows, values), dtype, offset))
        for start in range(0, rows, step):
            classes = labels[start : start + step]
            piece = rng.random((len(classes), values), dtype=np.float32)
            piece += templates[classes]
            piece *= 0.5
            _narrowed(piece, dtype).tofile(file)
    return labels


def _narrowed(piece: Floats, dtype: str) -> Array:
    if dtype == "uint8":
        return np.rint(np.multiply(piece, 255, out=piece), out=piece).astype(np.uint8)
    return piece.astype(dtype, copy=False)


def header_bytes(shape: tuple[int, ...], dtype: str, offset: int) -> bytes:
    """A .npy header, version 1.0, that is so many bytes long; as np.save's where it is 128.

    https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
    """
    fields = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": shape}
    text = "{" + "".join(f"'{key}': {value!r}, " for key, value in fields.items()) + "}"
    start = np.lib.format.magic(1, 0) + (offset - 10).to_bytes(2, "little")
    return start + text.ljust(offset - len(start) - 1).encode() + b"\n"


def label_samples(path: str | Path) -> Labels:
    """Classes for a user's samples that can be learnt from them, always the same.

    What is seen of a sample, each part measured by how much it varies over the file, is projected
    onto as many fixed random directions as there are classes; the furthest counts.
    """
    header = read_header(path)
    step = -(-header.rows // _LOOK_AT)
    some = (read_rows(path, header, row, 1) for row in range(0, header.rows, step))
    look = np.concatenate([_seen(row) for row in some])
    centre, spread = look.mean(0), look.std(0)
    spread[~(spread > 0)] = 1
    directions = np.random.default_rng(0).standard_normal((look.shape[1], CLASSES))
    labels = [
        ((_seen(piece) - centre) / spread @ directions).argmax(1)
        for piece in read_pieces(path, header)
    ]
    return np.concatenate(labels)


def _seen(samples: Array) -> npt.NDArray[np.float64]:
    """What a simple model sees of each sample: the mean of each stretch, or of what its ids are in
    the table.
    """
    given = as_given(samples).reshape(len(samples), -1)
    if holds_ids(samples.dtype):
        ids = torch.from_numpy(given % ID_BUCKETS)
        found = torch.nn.functional.embedding_bag(ids, torch.from_numpy(id_table()), mode="mean")
        return found.double().numpy()
    count = min(STRETCHES, given.shape[1])
    starts = np.arange(count) * given.shape[1] // count
    lengths = np.diff(starts, append=given.shape[1])
    return np.add.reduceat(given, starts, axis=1, dtype=np.float64) / lengths


def copy_leading(source: str | Path, header: NpyHeader, path: Path, size: int) -> None:
    """Copy the first rows of a file, at least two, into a .npy file of about ``size`` bytes."""
    rows = min(header.rows, max(2, size // header.row_bytes))
    with path.open("wb") as file:
        file.write(header_bytes((rows, *header.shape[1:]), header.dtype.name, HEADER_BYTES))
        for first in range(0, rows, step := max(1, PIECE_BYTES // header.row_bytes)):
            read_rows(source, header, first, min(step, rows - first)).tofile(file)
