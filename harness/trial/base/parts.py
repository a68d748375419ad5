"""What one value holds, one level down: the only place that knows how objects are opened.

Arrays, tensors and buffers are memory. Containers, objects, functions, frames and tables of other
libraries hold further values. Plain values hold nothing. What none of this applies to, such as an
object written in C, hides what it holds, and says so.
"""

from __future__ import annotations

import enum
import functools
import gc
import io
import types
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from harness.trial.base.library_parts import adopted, arrow, pandas, storage, tensor
from harness.trial.base.looks import (
    MEMORY,
    NOTHING,
    PLAIN,
    SCALARS,
    Look,
    a,
    attributes,
    buffer_of,
    comes_from,
    has_state_in_c,
    is_of_python,
    items_of,
    of_class,
)

_SEQUENCES: tuple[type, ...] = (
    list, tuple, deque, set, frozenset, type({}.keys()), type({}.values()), type({}.items()),
)  # fmt: skip
_IN_C = frozenset({
    "SimpleQueue", "Future", "Task", "_local", "Context", "ContextVar", "coroutine",
    "async_generator", "frame", "traceback", "Token", "PyCapsule", "_lru_cache_wrapper",
})  # fmt: skip
"""Types of Python itself that hold whatever they are given, where nobody sees it."""


def look(value: Any) -> Look:
    """Look at one value. Whatever an object of a user raises meanwhile is raised."""
    if type(value) is np.ndarray and not value.dtype.hasobject:  # most of what there is
        return MEMORY
    if isinstance(value, type) and not issubclass(value, enum.Enum):
        return Look(parts=of_class(value))
    if isinstance(value, PLAIN):
        return NOTHING
    for reader in _READERS:
        found = reader(value)
        if found is not None:
            return found
    return _object(value)


def _array(value: Any) -> Look | None:
    if not isinstance(value, np.ndarray):
        return None
    if isinstance(value, np.ma.MaskedArray):
        mask = np.ma.getmask(value)
        parts = [(".data", np.ma.getdata(value))]
        return Look(parts=parts if mask is np.ma.nomask else [*parts, (".mask", mask)])
    further = () if isinstance(value, np.memmap) else attributes(value)  # of subclasses
    items = _objects(value) if value.dtype.hasobject else ()
    return Look(memory=True, parts=[*items, *further])


def _objects(array: np.ndarray[Any, Any]) -> Iterator[tuple[str, Any]]:
    if array.dtype.names is None:
        yield from ((f"[{index}]", item) for index, item in enumerate(array.flat))
        return
    for name in array.dtype.names:
        if array.dtype[name].hasobject:
            yield from _objects(array[name])


def _container(value: Any) -> Look | None:
    if isinstance(value, dict | types.MappingProxyType):
        items = list(value.items())
        inside = ((f"[{key!r:.40}]", item) for key, item in items)
        keys = [("", key) for key, _ in items if type(key) not in SCALARS]
        return Look(parts=chain(inside, keys, attributes(value)))
    if isinstance(value, _SEQUENCES):
        sequence: Any = value
        return Look(parts=chain(items_of(sequence), attributes(value)))
    return None


def _callable(value: Any) -> Look | None:
    if isinstance(value, functools.partial):
        given = [*items_of(value.args), *items_of(value.keywords.values())]
        return Look(parts=[(".func", value.func), *given])
    if isinstance(value, types.MethodType):
        return Look(parts=[(".__self__", value.__self__), (".__func__", value.__func__)])
    if isinstance(value, types.FunctionType):
        return Look(parts=[*enclosed(value), *defaults(value), *attributes(value)])
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
    yield from items_of(function.__defaults__ or ())
    yield from items_of((function.__kwdefaults__ or {}).values())


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


def _buffer(value: Any) -> Look | None:
    if not has_state_in_c(type(value)):
        return None
    view = buffer_of(value)
    if view is None:
        return None
    view.release()
    return MEMORY


_READERS: Sequence[Callable[[Any], Look | None]] = (
    _array, tensor, _container, _callable, pandas, arrow, _path, _iterator, storage, _buffer,
    adopted,
)  # fmt: skip


def _object(value: Any) -> Look:
    kind = type(value)
    arraylike = hasattr(kind, "shape") and hasattr(kind, "dtype")
    parts = [*attributes(value), *of_class(kind)]
    known = comes_from(value, "torch") or comes_from(value, "numpy") or is_of_python(kind)
    hidden = not known and not callable(value) and has_state_in_c(kind)
    hidden = hidden or kind.__name__ in _IN_C
    if isinstance(value, weakref.ref):
        parts.append(("()", value()))
    elif not hidden and is_of_python(kind):
        parts += _referents(value, parts)
    return Look(parts=parts, arraylike=arraylike, hidden=f"what {a(value)} holds" if hidden else "")


def _referents(value: Any, known: Sequence[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """What an object of Python's own refers to without a name: the arguments of an exception, the
    functions of a property.
    """
    apart = {id(part) for _, part in known} | {id(getattr(value, "__dict__", None))}
    for one in gc.get_referents(value):
        if id(one) not in apart and not isinstance(one, type):
            yield "", one
