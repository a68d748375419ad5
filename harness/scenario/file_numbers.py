"""Which rows of a file samples are, told by their values; of the file only digests are kept.

A digest is made of the bits of all values of a sample. A change of one value always changes it; two
samples that differ in more have equal digests by a chance of 1 in 2**64.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.scenario.sample_files import Array, as_floats, read_header, read_pieces, read_rows

Digests = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]

_BLOCK = 2**14
"""Values whose bits are weighed together."""
_PIECE_VALUES = 2**18
_CARRY = np.uint64(0x9E3779B97F4A7C15)
_WEIGHTS: Digests = np.random.default_rng(0).integers(0, 2**63, _BLOCK, np.uint64) * 2 + 1
# All of them odd: multiplying by such a number modulo 2**64 loses nothing.


def digests(samples: Array) -> Digests:
    """A number for each sample of float32, of all of its values and their places."""
    flat = samples.reshape(len(samples), -1)
    result = np.zeros(len(flat), np.uint64)
    step = max(1, _PIECE_VALUES // min(max(1, flat.shape[1]), _BLOCK))
    for start in range(0, len(flat), step):
        rows = slice(start, start + step)
        for first in range(0, flat.shape[1], _BLOCK):
            bits = np.ascontiguousarray(flat[rows, first : first + _BLOCK]).view(np.uint32)
            weighed = bits.astype(np.uint64) @ _WEIGHTS[: bits.shape[1]]
            result[rows] = result[rows] * _CARRY + weighed
    return result


class FileRows:
    """The samples of a .npy file, which come as float32: see
    :func:`harness.scenario.sample_files.as_floats`.

    Args:
        path: the file.

    Raises:
        OSError: it cannot be read.
    """

    by_value = True
    dtype = np.dtype(np.float32)

    def __init__(self, path: Path) -> None:
        header = read_header(path)
        self.path = path
        self.header = header
        self.rows = header.rows
        self.shape = header.shape[1:]
        pieces = read_pieces(path, header)
        self._digests = np.concatenate([digests(as_floats(piece)) for piece in pieces])
        self._order = np.argsort(self._digests, kind="stable")
        self._sorted = self._digests[self._order]

    def times(self) -> Rows:
        """How often each row must come, in whatever order: equal ones count for the first."""
        first = np.searchsorted(self._sorted, self._sorted)
        return np.bincount(self._order[first], minlength=self.rows)

    def recognise(self, samples: Array, due: Rows | None) -> Rows:
        """Which rows samples are: of equal ones that which is due, or else the first; -1: none."""
        found = digests(samples)
        place = np.minimum(np.searchsorted(self._sorted, found), self.rows - 1)
        rows = np.where(self._sorted[place] == found, self._order[place], -1)
        return rows if due is None else np.where(self._digests[due] == found, due, rows)

    def compare(self, rows: Rows, samples: Array) -> None:
        """Raise AssertionError unless samples are equal to rows."""
        for place in np.flatnonzero(digests(samples) != self._digests[rows])[:1]:
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
        expected = as_floats(read_rows(self.path, self.header, row, 1))[0]
        ours, theirs = (np.ascontiguousarray(x).view(np.uint32) for x in (expected, sample))
        where = np.unravel_index(np.argmax(ours != theirs), self.shape)
        return [*map(int, where)], f"{sample[where]!r}, expected {expected[where]!r}"
