"""Times that a process notes while it works, in a file that survives however the process ends.

A file is mapped memory: a note is a copy of a few numbers, without a call to the system. Every
process, and every thread that notes, has a file of its own.
"""

from __future__ import annotations

import mmap
import os
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

_CAPACITY = 1 << 22
"""Numbers in a file. It takes room on the disk only as far as it is written."""
_BYTES = 8
_HEAD = 2  # how many numbers were noted, how many notes were dropped
FETCHED, PICKLED, USED = "fetched", "pickled", "used"
"""Stages of which there are notes."""
Numbers = npt.NDArray[np.int64]


class Stamps:
    """Notes of one thread of this process.

    Args:
        path: of their file, which is made anew.
    """

    def __init__(self, path: Path) -> None:
        with path.open("w+b") as file:
            file.truncate(_CAPACITY * _BYTES)
            mapped = mmap.mmap(file.fileno(), _CAPACITY * _BYTES)
        self._numbers = memoryview(mapped).cast("q")
        self._end = _HEAD

    def note(self, *numbers: int) -> None:
        """Append one note, preceded by its length; where there is no room, count it alone."""
        begin = self._end
        end = begin + 1 + len(numbers)
        if end > _CAPACITY:
            self._numbers[1] += 1
            return
        self._numbers[begin:end] = array("q", (len(numbers), *numbers))
        self._end = self._numbers[0] = end


_open: dict[Path, Stamps] = {}


def stamps_of(folder: str, stage: str, who: str) -> Stamps:
    """The notes of a stage in this process, begun once: every epoch goes on with them.

    Args:
        folder: shared with who reads them.
        stage: what they are of.
        who: the process, in words.
    """
    path = Path(folder) / f"{stage}.{who}.{os.getpid()}"
    if path not in _open:
        _open[path] = Stamps(path)
    return _open[path]


def files(folder: str, stage: str) -> Iterator[tuple[str, Path]]:
    """Who noted, and where, ordered by name and process."""
    for path in sorted(Path(folder).glob(f"{stage}.*")):
        yield path.name.split(".")[1], path


def read(path: Path) -> tuple[list[Numbers], int]:
    """The notes of a file, and how many were dropped."""
    end, dropped = (int(one) for one in np.fromfile(path, np.int64, _HEAD))
    numbers = np.fromfile(path, np.int64, end)
    notes, place = [], _HEAD
    while place < end:
        length = int(numbers[place])
        notes.append(numbers[place + 1 : place + 1 + length])
        place += 1 + length
    return notes, dropped
