"""Arguments as they were before a call changed them, and the marks by which that is noticed."""

from __future__ import annotations

import array
import copy
import sys
import zlib
from typing import Any

import numpy as np

from harness.inline.compared import leaves_of, quietly_all
from harness.trial.base.looks import buffer_of, is_tensor

_RESIZABLE = (bytearray, array.array)


class Saved:
    """A copy of an array, tensor or buffer, to be put back into it."""

    def __init__(self, memory: Any) -> None:
        self._memory = memory
        if is_tensor(memory):
            self._copy = memory.detach().clone()
        elif isinstance(memory, (np.ndarray, *_RESIZABLE)):
            self._copy = copy.deepcopy(memory)
        else:
            view = buffer_of(memory)
            self._copy = b"" if view is None else view.tobytes()

    def restore(self) -> None:
        """Undo what was done to it."""
        if is_tensor(self._memory):
            torch: Any = sys.modules["torch"]
            with torch.no_grad():
                self._memory.detach().copy_(self._copy)
        elif isinstance(self._memory, np.ndarray):
            self._memory[...] = self._copy
        elif isinstance(self._memory, _RESIZABLE):
            self._memory[:] = self._copy
        elif (view := buffer_of(self._memory)) is not None:
            with view, view.cast("B") as plain:
                plain[:] = self._copy


def is_writable(memory: Any) -> bool:
    """Whether an array, tensor or buffer can be written to through itself."""
    if isinstance(memory, np.ndarray):
        return bool(memory.flags.writeable)
    view = None if is_tensor(memory) else buffer_of(memory)
    return view is None or not view.readonly


def mark_of(memory: Any) -> int | None:
    """A number that changes with the elements; None where they cannot be compared."""
    mark = 0
    for leaf in quietly_all(leaves_of(memory)):
        if leaf.unseen:
            return None
        told = leaf.elements.digest() if leaf.elements is not None else leaf.text
        mark = zlib.crc32(repr(told).encode(), mark)
    return mark
