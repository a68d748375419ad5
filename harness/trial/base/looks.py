"""What there is to see of a value, and what tells the types of values apart."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import fractions
import io
import sys
import types
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
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
_WITHOUT_DATA = ("torch", "numpy", "pandas", "pyarrow", "scipy", "builtins")
"""Libraries whose classes hold no arrays for all their objects."""


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


def items_of(values: Iterable[Any]) -> Iterable[tuple[str, Any]]:
    """The items of a sequence, without those that hold nothing where there is nothing else; each
    is named only when it is wanted.
    """
    items = list(values)
    if set(map(type, items)) <= SCALARS:
        return ()
    return ((f"[{index}]", item) for index, item in enumerate(items))


def attributes(value: Any) -> Iterator[tuple[str, Any]]:
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


def of_class(kind: type) -> Iterator[tuple[str, Any]]:
    """What a class holds for all its objects."""
    for one in kind.__mro__:
        library = one.__module__.partition(".")[0]
        if library in _WITHOUT_DATA or library in sys.stdlib_module_names:
            continue
        for name, item in list(vars(one).items()):
            data = not name.startswith("__") and not callable(item)
            if data and type(item) not in SCALARS and not hasattr(type(item), "__get__"):
                yield f".{name}", item


def offers(value: Any, name: str) -> bool:
    """Whether its type or its own attributes have a name; nothing made up by __getattr__."""
    return hasattr(type(value), name) or name in getattr(value, "__dict__", ())


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


def is_of_python(kind: type) -> bool:
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
