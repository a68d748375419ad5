"""What tensors, data frames, tables and other objects of libraries hold.

None of the libraries is imported: nobody has such an object before it is.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from harness.trial.base.looks import (
    MEMORY,
    NOTHING,
    Look,
    a,
    attributes,
    comes_from,
    is_tensor,
    items_of,
    offers,
)

_IMAGES = "PIL"  # whose images read their file when they are asked for memory
_HOST = 1  # kDLCPU of DLPack


def tensor(value: Any) -> Look | None:
    if not is_tensor(value):
        return None
    torch: Any = sys.modules["torch"]
    inner = sparse_parts(value)
    if inner is not None:
        return Look(parts=inner)
    if hasattr(type(value), "__tensor_flatten__"):  # a tensor made of others
        names, _ = value.__tensor_flatten__()
        return Look(parts=[(f".{name}", getattr(value, name)) for name in names])
    if value.is_nested:
        return Look(parts=items_of(value.detach().unbind()))
    if value.layout is not torch.strided:
        return Look(hidden=f"the memory of a tensor of layout {value.layout}")
    grad = value.grad if value.is_leaf else None
    further = [*attributes(value), *([] if grad is None else [(".grad", grad)])]
    return Look(memory=True, parts=further)


def sparse_parts(tensor: Any) -> list[tuple[str, Any]] | None:
    """The dense tensors that a sparse one consists of; None for any other tensor."""
    torch: Any = sys.modules["torch"]
    names = {
        torch.sparse_coo: ("_indices", "_values"),
        torch.sparse_csr: ("crow_indices", "col_indices", "values"),
        torch.sparse_bsr: ("crow_indices", "col_indices", "values"),
        torch.sparse_csc: ("ccol_indices", "row_indices", "values"),
        torch.sparse_bsc: ("ccol_indices", "row_indices", "values"),
    }.get(tensor.layout)
    if names is None:
        return None
    plain = tensor.detach()
    return [(f".{name.lstrip('_')}", getattr(plain, name)()) for name in names]


def storage(value: Any) -> Look | None:
    torch: Any = sys.modules.get("torch")
    return MEMORY if torch is not None and isinstance(value, torch.UntypedStorage) else None


def pandas(value: Any) -> Look | None:
    if not comes_from(value, "pandas"):
        return None
    manager = getattr(value, "_mgr", None)  # of a frame or a series, whose memory lies in blocks
    if manager is not None:
        blocks = [block.values for block in manager.blocks]
        return Look(parts=items_of([*blocks, *value.axes]))
    own = getattr(value, "_ndarray", None)  # of an extension array, an attribute in C
    return Look(parts=[*attributes(value), *([] if own is None else [("", own)])])


def arrow(value: Any) -> Look | None:
    if not comes_from(value, "pyarrow"):
        return None
    if hasattr(value, "columns"):  # a table or a record batch
        return Look(parts=items_of(value.columns))
    if hasattr(value, "chunks"):
        return Look(parts=items_of(value.chunks))
    if hasattr(value, "address"):  # a buffer
        return MEMORY if value.is_cpu else Look(hidden="a buffer of an accelerator")
    if hasattr(value, "buffers"):
        dictionary = getattr(value, "dictionary", None)
        further = [] if dictionary is None else [(".dictionary", dictionary)]
        return Look(parts=[*items_of(_arrow_buffers(value)), *further])
    return None if hasattr(value, "read") else NOTHING  # a file of its own is an iterator


def _arrow_buffers(array: Any) -> list[Any]:
    """The buffers of an array: of a slice, no more than it covers where elements have one width."""
    buffers = [buffer for buffer in array.buffers() if buffer is not None]
    width = array.type.bit_width // 8 if _has_one_width(array) else 0
    if width:
        covered = array.buffers()[1].slice(array.offset * width, len(array) * width)
        buffers = [*buffers[:-1], covered]
    return buffers


def _has_one_width(array: Any) -> bool:
    """Whether all its elements lie in one buffer, beside that of which are missing."""
    try:
        return len(array.buffers()) == 2 and array.type.bit_width >= 8
    except ValueError:  # no width at all
        return False


def adopted(value: Any) -> Look | None:
    """What other libraries let NumPy see without a copy."""
    if comes_from(value, _IMAGES):
        return Look(hidden=f"the pixels of {a(value)}")
    if offers(value, "__array_interface__"):
        if isinstance(value.__array_interface__.get("data"), tuple):
            return Look(parts=[("", np.asarray(value))])
        return Look(hidden=f"the memory of {a(value)}")
    if offers(value, "__dlpack__") and offers(value, "__dlpack_device__"):
        if value.__dlpack_device__()[0] == _HOST:
            return Look(parts=[("", np.from_dlpack(value))])
        return Look(hidden=f"the memory of {a(value)} on an accelerator")
    return None
