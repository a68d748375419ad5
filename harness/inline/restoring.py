"""Arguments as they were before a call changed them, and the marks by which that is noticed."""

from __future__ import annotations

import array
import copy
import sys
import zlib
from typing import Any

import numpy as np

from harness.inline.compared import leaves_of, quietly_all
from harness.inline.own_pages import see_file_again
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

    def restore_pages(self) -> None:
        """Undo what was done to the pages of a mapped file, too, where those are its own."""
        is_array = is_tensor(self._memory) or isinstance(self._memory, np.ndarray)
        if not is_array or not see_file_again(self._memory) or not _has_bits(self._memory):
            self.restore()
            return
        ours, theirs = _bits(self._memory), _bits(self._copy)
        differs = ours != theirs  # changed before, or beside those pages
        ours[differs] = theirs[differs]


def _has_bits(memory: Any) -> bool:
    """Whether elements are what lies in memory, and not what that stands for."""
    if is_tensor(memory):
        return not (memory.is_quantized or memory.is_conj() or memory.is_neg())
    return True


def _bits(memory: Any) -> Any:
    """A view of the elements as they lie in memory, where a NaN equals itself."""
    if isinstance(memory, np.ndarray):
        return np.asarray(memory).view(np.dtype((np.void, memory.dtype.itemsize)))
    torch: Any = sys.modules["torch"]
    plain = memory.detach()
    if plain.is_complex():
        plain = torch.view_as_real(plain)
    same_size = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    return plain.view(same_size[plain.element_size()])


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
