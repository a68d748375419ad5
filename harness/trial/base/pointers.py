"""Which memory values occupy, to prove by addresses whether anything was copied."""

from __future__ import annotations

import array
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.trial.base.blocks import Block, meet
from harness.trial.base.contents import Contents, contents_of
from harness.trial.base.looks import buffer_of, is_tensor
from harness.trial.base.mapped import mappings

NO_ARRAYS = "it was given no arrays"
Extent = tuple[int, int]
"""First address and the address after the last."""


def array_extent(array: np.ndarray[Any, Any]) -> Extent:
    """The addresses between which an array's elements lie, whatever its strides."""
    start: int = array.__array_interface__["data"][0]
    low = high = start
    for count, stride in zip(array.shape, array.strides, strict=True):
        if count == 0:
            return start, start
        span = (count - 1) * stride
        low, high = low + min(0, span), high + max(0, span)
    return low, high + array.itemsize


def overlap(inputs: Any, result: Any) -> bool | None:
    """Whether the result shares memory with the inputs, element by element; a file counts as the
    memory it is mapped to. None where that cannot be known: see :func:`sharing`.
    """
    return sharing(contents_of([inputs]), contents_of([result]))[0]


def sharing(inputs: Contents, made: Contents) -> tuple[bool | None, str]:
    """Whether a result shares memory with the inputs and, where that cannot be known, why."""
    if not inputs.memory and not inputs.files:
        return None, f"{inputs.hidden[0]} cannot be seen" if inputs.hidden else NO_ARRAYS
    on_host = [block for block in made.blocks if not block.space]
    if not on_host and not made.hidden:
        empty = made.memory and not made.blocks
        return (False, "") if empty else (None, "it returns no array in the host's memory")
    mapped = _mapped(inputs.files)
    found = meet([*inputs.blocks, *(mapped or ())], on_host)
    if found:
        return True, ""
    if found is None:
        return None, "its views are too many or too complex to check for overlap"
    unseen = [*made.hidden, *inputs.hidden]
    if unseen:
        return None, f"{unseen[0]} cannot be seen"
    return (False, "") if mapped is not None else (None, "this system does not say what is mapped")


def _mapped(files: Sequence[Path]) -> list[Block] | None:
    """Where this process has files mapped; None where the system does not say."""
    names = {str(file.resolve()) for file in files}
    found = mappings() if names else []
    if found is None:
        return None
    wanted = (one for one in found if one.name in names)
    return [Block(one.low, (one.high - one.low,), (1,), 1) for one in wanted]


def may_be_mapped(memory: Any) -> bool:
    """Whether memory is anything but what Python, NumPy or torch took for itself, by what it says
    of that: the mapping of a file, or memory that other processes share.
    """
    while isinstance(memory, np.ndarray):
        if memory.flags.owndata:
            return False
        memory = memory.base
    if is_tensor(memory):
        memory = memory.untyped_storage()
    if isinstance(memory, memoryview):
        memory = memory.obj
    if hasattr(memory, "resizable"):  # a storage of torch; not where it took over an array's memory
        return bool(memory.is_shared() or not memory.resizable())
    return not isinstance(memory, bytes | bytearray | array.array | io.BytesIO)


def data_bytes(value: Any) -> int:
    """Bytes of the elements of all arrays and tensors in a value, as a reader would see them:
    repeated by a stride of 0, they count as often. A file counts with all of its bytes.
    """
    return read_bytes(contents_of([value], most=None))


def read_bytes(found: Contents) -> int:
    """The same of what was found, all of which has to have been looked at."""
    files = sum(file.stat().st_size for file in found.files)
    return files + found.referred_bytes + sum(_read_bytes(one.value) for one in found.memory)


def _read_bytes(memory: Any) -> int:
    if is_tensor(memory):
        return 0 if memory.device.type == "meta" else int(memory.numel() * memory.element_size())
    if isinstance(memory, np.ndarray):
        return int(memory.nbytes)
    if hasattr(memory, "data_ptr"):  # a storage of torch
        return 0 if memory.device.type == "meta" else int(memory.nbytes())
    view = buffer_of(memory)
    return 0 if view is None else view.nbytes


def dtype_of(found: Contents) -> str:
    """The dtype of most of what was found, as its library writes it; "" where it has none."""
    part = _main_part(found)
    return "" if part is None else str(part.dtype).removeprefix("torch.")


def row_bytes(found: Contents) -> int:
    """What one index of the first dimension holds, of most of what was found; 0 of a scalar."""
    part = _main_part(found)
    return _read_bytes(part) // max(1, len(part)) if part is not None and part.ndim else 0


def _main_part(found: Contents) -> Any:
    """The array or tensor that most of the bytes lie in; None where there is none."""
    values = (one.value for one in found.memory)
    arrays = [one for one in values if isinstance(one, np.ndarray) or is_tensor(one)]
    return max(arrays, key=_read_bytes, default=None)


def summary(value: Any, levels: int = 4) -> str:
    """What came back, in a few words: ``tensor float32 (64, 256)``; no deeper than some levels."""
    if is_tensor(value):
        return f"tensor {str(value.dtype).removeprefix('torch.')} {_shape(value)}{_layout(value)}"
    if isinstance(value, np.ndarray):
        layout = "" if value.flags.c_contiguous else " not contiguous"
        return f"array {value.dtype} {value.shape}{layout}"
    if isinstance(value, list | tuple) and value and levels:
        return f"{type(value).__name__} of {len(value)}, first: {summary(value[0], levels - 1)}"
    return type(value).__name__


def _shape(tensor: Any) -> str:
    return f"of {tensor.size(0)} nested" if tensor.is_nested else str(tuple(tensor.shape))


def _layout(tensor: Any) -> str:
    layout = str(tensor.layout).removeprefix("torch.")
    if layout != "strided":
        return f" {layout}"
    return "" if tensor.is_nested or tensor.is_contiguous() else " not contiguous"
