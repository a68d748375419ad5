"""Which rows of a file samples are, told by their values; of the file only digests are kept.

A digest is made of the bits of all values of a sample. A change of one value always changes it; two
samples that differ in several values collide with a probability of about 2**-64.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.scenario.sample_files import (
    Array,
    as_given,
    given_dtype,
    read_header,
    read_pieces,
    read_rows,
)

Digests = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]

_BLOCK = 2**14
"""Values whose bits are weighed together."""
_PIECE_VALUES = 2**18
_CARRY = np.uint64(0x9E3779B97F4A7C15)
_WEIGHTS: Digests = np.random.default_rng(0).integers(0, 2**63, _BLOCK, np.uint64) * 2 + 1
# All of them odd: multiplying by such a number modulo 2**64 loses nothing.


def digests(samples: Array) -> Digests:
    """A number for each row, of all of its values and their places."""
    flat = np.ascontiguousarray(samples).reshape(len(samples), -1)
    width = next(width for width in (8, 4, 2, 1) if flat.itemsize % width == 0)
    bits = flat.view(f"u{width}")
    result = np.zeros(len(bits), np.uint64)
    step = max(1, _PIECE_VALUES // min(max(1, bits.shape[1]), _BLOCK))
    for start in range(0, len(bits), step):
        rows = slice(start, start + step)
        for first in range(0, bits.shape[1], _BLOCK):
            piece = bits[rows, first : first + _BLOCK]
            weighed = piece.astype(np.uint64) @ _WEIGHTS[: piece.shape[1]]
            result[rows] = result[rows] * _CARRY + weighed
    return result


class FileRows:
    """The samples of a .npy file, as they come: see
    :func:`harness.scenario.sample_files.as_given`. Rows are alike if all their values are, and
    their labels.

    Args:
        path: the file.
        labels: of its samples.

    Raises:
        OSError: it cannot be read.
    """

    by_value = True

    def __init__(self, path: Path, labels: Array | None = None) -> None:
        header = read_header(path)
        self.path = path
        self.header = header
        self.rows = header.rows
        self.shape = header.shape[1:]
        self.dtype = given_dtype(header.dtype)
        pieces = read_pieces(path, header)
        self._samples = np.concatenate([digests(as_given(piece)) for piece in pieces])
        self._labelled = _with_labels(self._samples, labels)
        self._order = np.argsort(self._labelled, kind="stable")
        self._sorted = self._labelled[self._order]

    def names(self) -> Rows:
        """The row that each one is taken for: of those alike, the first."""
        return self._order[np.searchsorted(self._sorted, self._labelled)]

    def recognise(self, samples: Array, labels: Array | None, due: Rows | None) -> Rows:
        """Which rows samples are: of those alike that which is due, or else the first; -1: none.

        One with the label of another is the row that has its values.
        """
        found = digests(samples)
        if due is not None:
            rows = np.where(self._samples[due] == found, due, -1)
        else:
            labelled = _with_labels(found, labels)
            place = np.minimum(np.searchsorted(self._sorted, labelled), self.rows - 1)
            rows = np.where(self._sorted[place] == labelled, self._order[place], -1)
        if (rows < 0).any():
            order = np.argsort(self._samples, kind="stable")
            place = np.searchsorted(self._samples, found, sorter=order)
            row = order[np.minimum(place, self.rows - 1)]
            rows = np.where((rows < 0) & (self._samples[row] == found), row, rows)
        return rows

    def compare(self, rows: Rows, samples: Array) -> None:
        """Raise AssertionError unless samples are equal to rows."""
        for place in np.flatnonzero(digests(samples) != self._samples[rows])[:1]:
            at, values = self._difference(samples[place], rows[place])
            raise AssertionError(f"value {values} of row {rows[place]}, at {[int(place), *at]}")

    def strange(self, sample: Array, due: int | None) -> str:
        """What a sample is that is none of the rows, where ``due`` would come next."""
        if due is None:
            return f"not a row of the file; it begins with {sample.flat[0]!r}"
        at, values = self._difference(sample, due)
        return f"not row {due}: value {values}, at {at}"

    def _difference(self, sample: Array, row: int) -> tuple[list[int], str]:
        """Where a sample first differs from a row, and how."""
        expected = as_given(read_rows(self.path, self.header, row, 1))[0]
        bits = f"u{self.dtype.itemsize}"
        ours, theirs = (np.ascontiguousarray(x).view(bits) for x in (expected, sample))
        where = np.unravel_index(np.argmax(ours != theirs), self.shape)
        return [*map(int, where)], f"{sample[where]!r}, expected {expected[where]!r}"


def _with_labels(samples: Digests, labels: Array | None) -> Digests:
    return samples if labels is None else samples * _CARRY + digests(labels)
