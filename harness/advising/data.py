"""The user's array: in a file, or only told of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.errors import UsageError
from harness.scenario.npy import OwnFile, read_npy, read_raw, said_array
from harness.schema.records import Value


@dataclass(frozen=True)
class Data:
    """An array.

    Args:
        shape: of the whole of it.
        dtype: as NumPy names it.
        file: where it lies; None where it is only told of.
    """

    shape: tuple[int, ...]
    dtype: str
    file: OwnFile | None = None

    @classmethod
    def of(
        cls,
        *,
        npy: Path | None = None,
        raw: Path | None = None,
        shape: str | None = None,
        dtype: str | None = None,
        offset: str | None = None,
        rows: bool = True,
    ) -> Data:
        """What the user said of it.

        Args:
            npy: a file by ``numpy.save``.
            raw: one without a header, of which shape, dtype and offset are said.
            shape: numbers with commas between them.
            dtype: as NumPy names it.
            offset: bytes before the first value of a raw file.
            rows: whether the task takes it row by row.

        Raises:
            UsageError: there is no such array, or too little or too much was said of it.
        """
        if npy is not None and raw is not None:
            raise UsageError("--npy and --raw exclude each other: one file at a time")
        if npy is not None:
            for option, given in (("shape", shape), ("dtype", dtype), ("offset", offset)):
                if given is not None:
                    raise UsageError(
                        f"--{option}: the header of --npy {npy} says that; leave it out"
                    )
            return cls._in(read_npy(npy, rows=rows))
        if shape is None or dtype is None:
            missing = "say which data: --npy FILE, --raw FILE, or --shape 50000,1024"
            raise UsageError(f"{missing}, the last two with --dtype float32 or the like")
        if raw is not None:
            return cls._in(read_raw(raw, dtype, shape, offset or "0", rows=rows))
        if offset is not None:
            raise UsageError("--offset is for a file without a header, given by --raw")
        name, lengths = said_array(dtype, shape, rows=rows)
        return cls(lengths, name)

    @classmethod
    def _in(cls, file: OwnFile) -> Data:
        return cls(file.shape, file.dtype, file)

    @property
    def rows(self) -> int:
        return self.shape[0]

    @property
    def row_bytes(self) -> int:
        return math.prod(self.shape[1:]) * np.dtype(self.dtype).itemsize

    @property
    def nbytes(self) -> int:
        return self.rows * self.row_bytes

    def first(self, size_bytes: float) -> int:
        """Bytes of the first whole rows, two at least, that take about so many."""
        rows = max(2, int(size_bytes / self.row_bytes))
        return min(rows, self.rows) * self.row_bytes

    def parameters(self, size_bytes: int) -> dict[str, Value]:
        """What a trial is told of the first so many bytes."""
        file = self.file
        return {
            "size": size_bytes,
            "dtype": self.dtype,
            "shape": "x".join(map(str, self.shape)),
            "npy": str(file.path) if file else "",
            "offset": file.first_byte if file else 0,
            "order": "F" if file and file.fortran else "C",
            "header": file is None or not file.raw,
        }

    def __str__(self) -> str:
        name = f"{self.file.path.name}, " if self.file else ""
        order = ", columns first" if self.file and self.file.fortran else ""
        return f"{name}{self.dtype} {self.shape}{order}"
