"""What one value holds, one level down: the only place that knows how objects are opened.

Arrays, tensors and buffers are memory. Containers, objects, functions, frames and tables of other
libraries hold further values. Plain values hold nothing. What none of this applies to, such as an
object written in C, hides what it holds, and says so.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import fractions
import functools
import io
import sys
import types
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SCALARS: frozenset[type] = frozenset({int, float, complex, bool, str, type(None)})
"""Types of values that hold nothing, and come in lists of millions."""
PLAIN: tuple[type, ...] = (
    *SCALARS, range, slice, type(...), np.generic, np.dtype, type, types.ModuleType, types.CodeType,
    enum.Enum, dt.date, dt.time, dt.timedelta, dt.tzinfo, decimal.Decimal,
    fractions.Fraction, uuid.UUID,
)  # fmt: skip
"""Hold nothing, and are known by what they print."""
_SEQUENCES: tuple[type, ...] = (
    list, tuple, deque, set, frozenset, type({}.keys()), type({}.values()), type({}.items()),
)  # fmt: skip
_IN_C = frozenset({
    "SimpleQueue", "Future", "Task", "_local", "Context", "ContextVar", "coroutine",
    "async_generator", "frame", "traceback",
})  # fmt: skip
"""Types of Python itself that hold whatever they are given, where nobody sees it."""
_WITHOUT_DATA = ("torch", "numpy", "pandas", "pyarrow", "scipy", "builtins")
"""Libraries whose classes hold no arrays for all their objects."""
_IMAGES = "PIL"  # whose images read their file when they are asked for memory
_HOST = 1  # kDLCPU of DLPack


@dataclass(frozen=True)
class Look:
    """What there is to see of a value.

    Args:
        memory: whether it is memory itself: an array, a tensor, a buffer.
        parts: what it holds, by names such as ``[0]`` and ``.data``.
        hidden: what cannot be seen, in words; empty where everything can.
        iterator: whether it gives values one by one, and each only once.
        file: whether it is the path of a file.
        arraylike: whether it claims to be an array; then memory should be found in its parts.
    """

    memory: bool = False
    parts: Iterable[tuple[str, Any]] = ()
    hidden: str = ""
    iterator: bool = False
    file: bool = False
    arraylike: bool = False


NOTHING = Look()
MEMORY = Look(memory=True)


def look(value: Any) -> Look:
    """Look at one value. Whatever an object of a user raises meanwhile is raised."""
    if type(value) is np.ndarray and not value.dtype.hasobject:  # most of what there is
        return MEMORY
    if isinstance(value, type) and not issubclass(value, enum.Enum):
        return Look(parts=_of_class(value))
    if isinstance(value, PLAIN):
        return NOTHING
    for reader in _READERS:
        found = reader(value)
        if found is not None:
            return found
    return _object(value)


def is_tensor(value: Any) -> bool:
    """Whether a value is a tensor; torch is not imported for that, nobody has one before it is."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def comes_from(value: Any, library: str) -> bool:
    """Whether the type of a value is of a library, which need not be installed."""
    return type(value).__module__.partition(".")[0] == library


def buffer_of(value: Any) -> memoryview | None:
    """The bytes of an object with the buffer protocol, to be let go of soon: while they are
    looked at, some objects cannot be resized.
    """
    if isinstance(value, io.BytesIO):
        return value.getbuffer()
    try:
        return memoryview(value)
    except (TypeError, ValueError, BufferError):  # it has none, or is closed
        return None


def _array(value: Any) -> Look | None:
    if not isinstance(value, np.ndarray):
        return None
    if isinstance(value, np.ma.MaskedArray):
        mask = np.ma.getmask(value)
        parts = [(".data", np.ma.getdata(value))]
        return Look(parts=parts if mask is np.ma.nomask else [*parts, (".mask", mask)])
    further = () if isinstance(value, np.memmap) else _attributes(value)  # of subclasses
    items = _objects(value) if value.dtype.hasobject else ()
    return Look(memory=True, parts=[*items, *further])


def _objects(array: np.ndarray[Any, Any]) -> Iterator[tuple[str, Any]]:
    if array.dtype.names is None:
        yield from ((f"[{index}]", item) for index, item in enumerate(array.flat))
        return
    for name in array.dtype.names:
        if array.dtype[name].hasobject:
            yield from _objects(array[name])


def _tensor(value: Any) -> Look | None:
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
        return Look(parts=_items(value.detach().unbind()))
    if value.layout is not torch.strided:
        return Look(hidden=f"the memory of a tensor of layout {value.layout}")
    grad = value.grad if value.is_leaf else None
    further = [*_attributes(value), *([] if grad is None else [(".grad", grad)])]
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


def _container(value: Any) -> Look | None:
    if isinstance(value, dict | types.MappingProxyType):
        inside = [(f"[{key!r:.40}]", item) for key, item in value.items()]
        keys = [("", key) for key in value if type(key) not in SCALARS]
        return Look(parts=[*inside, *keys, *_attributes(value)])
    if isinstance(value, _SEQUENCES):
        items: Any = value
        return Look(parts=[*_items(items), *_attributes(value)])
    return None


def _items(values: Iterable[Any]) -> Iterable[tuple[str, Any]]:
    """The items of a sequence, without those that hold nothing where there is nothing else."""
    items = list(values)
    if set(map(type, items)) <= SCALARS:
        return ()
    return [(f"[{index}]", item) for index, item in enumerate(items)]


def _callable(value: Any) -> Look | None:
    if isinstance(value, functools.partial):
        given = [*_items(value.args), *_items(value.keywords.values())]
        return Look(parts=[(".func", value.func), *given])
    if isinstance(value, types.MethodType):
        return Look(parts=[(".__self__", value.__self__), (".__func__", value.__func__)])
    if isinstance(value, types.FunctionType):
        return Look(parts=[*enclosed(value), *defaults(value), *_attributes(value)])
    if isinstance(value, types.BuiltinMethodType | types.MethodWrapperType):
        return Look(parts=[(".__self__", value.__self__)])
    return None


def enclosed(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """What the variables of enclosing functions stand for."""
    for cell in function.__closure__ or ():
        yield from enclosed_in(cell)


def enclosed_in(cell: types.CellType) -> list[tuple[str, Any]]:
    """What one of these variables stands for; nothing before it is assigned."""
    try:
        return [("", cell.cell_contents)]
    except ValueError:
        return []


def defaults(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """What its parameters are unless they are given."""
    yield from _items(function.__defaults__ or ())
    yield from _items((function.__kwdefaults__ or {}).values())


def _pandas(value: Any) -> Look | None:
    if not comes_from(value, "pandas"):
        return None
    manager = getattr(value, "_mgr", None)  # of a frame or a series, whose memory lies in blocks
    if manager is not None:
        blocks = [block.values for block in manager.blocks]
        return Look(parts=_items([*blocks, *value.axes]))
    own = getattr(value, "_ndarray", None)  # of an extension array, an attribute in C
    return Look(parts=[*_attributes(value), *([] if own is None else [("", own)])])


def _arrow(value: Any) -> Look | None:
    if not comes_from(value, "pyarrow"):
        return None
    if hasattr(value, "columns"):  # a table or a record batch
        return Look(parts=_items(value.columns))
    if hasattr(value, "chunks"):
        return Look(parts=_items(value.chunks))
    if hasattr(value, "address"):  # a buffer
        return MEMORY if value.is_cpu else Look(hidden="a buffer of an accelerator")
    if hasattr(value, "buffers"):
        dictionary = getattr(value, "dictionary", None)
        further = [] if dictionary is None else [(".dictionary", dictionary)]
        return Look(parts=[*_items(_arrow_buffers(value)), *further])
    return NOTHING if not hasattr(value, "read") else _iterator(value)


def _arrow_buffers(array: Any) -> list[Any]:
    """The buffers of an array: of a slice, no more than it covers where elements have one width."""
    buffers = [buffer for buffer in array.buffers() if buffer is not None]
    width = getattr(array.type, "byte_width", 0) if len(array.buffers()) == 2 else 0
    if width:
        covered = array.buffers()[1].slice(array.offset * width, len(array) * width)
        buffers = [*buffers[:-1], covered]
    return buffers


def _path(value: Any) -> Look | None:
    return Look(file=True) if isinstance(value, Path) else None


def _iterator(value: Any) -> Look | None:
    if isinstance(value, io.BytesIO):
        return MEMORY
    if isinstance(value, io.IOBase):
        return Look(iterator=True)
    if hasattr(type(value), "__next__"):
        return Look(iterator=True, hidden=f"what {a(value)} has yet to give")
    return None


def _storage(value: Any) -> Look | None:
    torch: Any = sys.modules.get("torch")
    return MEMORY if torch is not None and isinstance(value, torch.UntypedStorage) else None


def _buffer(value: Any) -> Look | None:
    if not has_state_in_c(type(value)):
        return None
    view = buffer_of(value)
    if view is None:
        return None
    view.release()
    return MEMORY


def _adopted(value: Any) -> Look | None:
    """What other libraries let NumPy see without a copy."""
    if comes_from(value, _IMAGES):
        return Look(hidden=f"the pixels of {a(value)}")
    if _offers(value, "__array_interface__"):
        if isinstance(value.__array_interface__.get("data"), tuple):
            return Look(parts=[("", np.asarray(value))])
        return Look(hidden=f"the memory of {a(value)}")
    if _offers(value, "__dlpack__") and _offers(value, "__dlpack_device__"):
        if value.__dlpack_device__()[0] == _HOST:
            return Look(parts=[("", np.from_dlpack(value))])
        return Look(hidden=f"the memory of {a(value)} on an accelerator")
    return None


def _offers(value: Any, name: str) -> bool:
    """Whether its type or its own attributes have a name; nothing made up by __getattr__."""
    return hasattr(type(value), name) or name in getattr(value, "__dict__", ())


_READERS: Sequence[Callable[[Any], Look | None]] = (
    _array, _tensor, _container, _callable, _pandas, _arrow, _path, _iterator, _storage, _buffer,
    _adopted,
)  # fmt: skip


def _object(value: Any) -> Look:
    kind = type(value)
    arraylike = hasattr(kind, "shape") and hasattr(kind, "dtype")
    parts = [*_attributes(value), *_of_class(kind)]
    if isinstance(value, types.CellType):
        parts += enclosed_in(value)
    known = comes_from(value, "torch") or comes_from(value, "numpy") or _is_of_python(kind)
    hidden = not known and not callable(value) and has_state_in_c(kind)
    hidden = hidden or kind.__name__ in _IN_C
    return Look(parts=parts, arraylike=arraylike, hidden=f"what {a(value)} holds" if hidden else "")


def _of_class(kind: type) -> Iterator[tuple[str, Any]]:
    """What a class holds for all its objects."""
    for one in kind.__mro__:
        library = one.__module__.partition(".")[0]
        if library in _WITHOUT_DATA or library in sys.stdlib_module_names:
            continue
        for name, item in list(vars(one).items()):
            data = not name.startswith("__") and not callable(item)
            if data and type(item) not in SCALARS and not hasattr(type(item), "__get__"):
                yield f".{name}", item


def _attributes(value: Any) -> Iterator[tuple[str, Any]]:
    """What an object holds by names of its own."""
    own = getattr(value, "__dict__", None)
    if isinstance(own, dict):
        yield from ((f".{name}", item) for name, item in list(own.items()))
    for one in type(value).__mro__:
        if "__slots__" not in vars(one):
            continue
        for name, slot in vars(one).items():
            if isinstance(slot, types.MemberDescriptorType):
                try:
                    yield f".{name}", slot.__get__(value)
                except AttributeError:  # not assigned yet
                    continue


def has_state_in_c(kind: type) -> bool:
    """Whether objects of a type hold more than attributes that Python can list."""
    return any(
        one.__basicsize__ > object.__basicsize__ and not _is_written_in_python(one)
        for one in kind.__mro__
    )


def _is_written_in_python(kind: type) -> bool:
    return any(name in vars(kind) for name in ("__dict__", "__weakref__", "__slots__")) or any(
        one is not object and one.__basicsize__ == kind.__basicsize__ for one in kind.__bases__
    )


def _is_of_python(kind: type) -> bool:
    """Locks, patterns and the like hold no arrays."""
    bases = [one for one in kind.__mro__ if not _is_written_in_python(one) and one is not object]
    return all(one.__module__.partition(".")[0] in sys.stdlib_module_names for one in bases)


def a(value: Any) -> str:
    """The type of a value with an article, as messages name it."""
    kind = type(value)
    module = kind.__module__.partition(".")[0]
    ours = module == "__main__" or module in sys.stdlib_module_names
    name = kind.__name__ if ours else f"{module}.{kind.__name__}"
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
