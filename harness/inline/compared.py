"""What of a value is compared: its leaves, in one order, each with a name.

A leaf is an array, numbers, or text that must be equal. What cannot be compared is a leaf of its
own that says so: a value is never taken for another because both are of one type.
"""

from __future__ import annotations

import inspect
import itertools
import sys
import types
import warnings
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

import numpy as np

from harness.inline.openings import is_scipy_sparse, opened, short
from harness.inline.pieces import Elements, elements_of
from harness.trial.base.looks import (
    PLAIN,
    SCALARS,
    a,
    buffer_of,
    comes_from,
    has_state_in_c,
    is_tensor,
)
from harness.trial.base.parts import look

MOST_LEAVES = 100_000
DEEPEST = 100
_LONGEST_BITS = 4096
_NAMED = ("NAType", "NaTType", "Timestamp", "Timedelta", "Period", "Interval")
"""Scalars of pandas."""
_KEYS = (*PLAIN, PurePath, bytes, tuple)
_CONTAINERS = (list, tuple, deque, dict, set, frozenset)
_OF_TORCH = ("dtype", "device", "layout", "memory_format")


@dataclass(frozen=True)
class Leaf:
    """One thing to be compared.

    Args:
        name: where it lies in the value, such as ``.images[3]``.
        kind: what it is; nothing else is equal to it.
        text: what must be equal.
        elements: numbers that must be equal, up to rounding.
        unseen: what cannot be compared, in words; empty where all can.
        private: whether it is an object's own business, as an attribute that begins with an
            underscore is, and what lies in one.
    """

    name: str
    kind: str
    text: str = ""
    elements: Elements | None = None
    unseen: str = ""
    private: bool = False


def leaves_of(value: Any) -> Iterator[Leaf]:
    """All leaves of a value; beyond a bound, one that says so.

    Whatever an object raises meanwhile is raised.
    """
    for count, leaf in enumerate(_leaves(value, "", ())):
        if count >= MOST_LEAVES:
            yield Leaf("", "more", unseen=f"more than {MOST_LEAVES:,} parts")
            return
        yield leaf


def quietly_all(leaves: Iterator[Leaf]) -> list[Leaf]:
    """All of some leaves; what torch and others warn of meanwhile is not the function's doing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(leaves)


def _leaves(value: Any, name: str, around: tuple[int, ...]) -> Iterator[Leaf]:
    own = _leaf(value, name)
    if own is not None:
        yield own
        return
    if id(value) in around:
        yield Leaf(name, "itself", text=f"{len(around) - around.index(id(value))} levels up")
        return
    if len(around) >= DEEPEST:
        yield Leaf(name, "more", unseen=f"more than {DEEPEST} levels deep")
        return
    sequence = list(_plain_sequence(value, name))
    if sequence:
        yield from sequence
        return
    kind, text, parts = opened(value)
    yield Leaf(name, kind, text=text)
    for part, item in parts:
        inside = _leaves(item, name + part, (*around, id(value)))
        yield from _as_private(inside) if part.startswith("._") else inside


def _as_private(leaves: Iterator[Leaf]) -> Iterator[Leaf]:
    return (replace(leaf, private=True) for leaf in leaves)


def _leaf(value: Any, name: str) -> Leaf | None:
    """A value that is no more than one leaf."""
    if isinstance(value, float | complex) and not isinstance(value, np.generic):
        return Leaf(name, "array", elements=elements_of(np.asarray(value)))
    elements = _dense(value)
    if elements is not None:
        return Leaf(name, "array", elements=elements)
    kind = type(value).__name__
    if isinstance(value, types.CodeType):
        return Leaf(name, kind, unseen=a(value))
    if isinstance(value, (*PLAIN, PurePath)) and not isinstance(value, np.generic):
        return Leaf(name, kind, text=short(_printed(value)))
    if (comes_from(value, "pandas") and kind in _NAMED) or (
        comes_from(value, "torch") and kind in _OF_TORCH
    ):
        return Leaf(name, kind, text=short(repr(value)))
    if _is_buffer(value):
        view = buffer_of(value)
        if view is None:
            return Leaf(name, kind, unseen=a(value))
        return Leaf(name, kind, elements=elements_of(np.frombuffer(view.tobytes(), np.uint8)))
    why = _why_not(value)
    about = f"{value.dtype} {list(value.shape)}" if why and is_tensor(value) else ""
    return Leaf(name, kind, text=about, unseen=why) if why else None


def _dense(value: Any) -> Elements | None:
    if isinstance(value, np.ma.MaskedArray):
        return None
    if is_tensor(value) and (
        value.is_quantized or value.is_nested or hasattr(type(value), "__tensor_flatten__")
    ):
        return None
    return elements_of(value)


def _is_buffer(value: Any) -> bool:
    inside = isinstance(value, (np.ndarray, np.generic, *_CONTAINERS)) or is_tensor(value)
    return not inside and has_state_in_c(type(value)) and look(value).memory


def _why_not(value: Any) -> str:
    """Why a value cannot be compared; empty where it can."""
    if isinstance(value, dict):
        plain = all(isinstance(key, _KEYS) for key in value)
        return "" if plain else f"{a(value)} with objects for keys"
    if isinstance(value, np.ndarray | np.generic | list | tuple | deque):
        return ""
    if is_tensor(value):
        meta = value.untyped_storage().device.type == "meta" if _has_storage(value) else False
        return f"{a(value)} without data" if meta else ""
    if isinstance(value, set | frozenset):
        return "" if all(isinstance(item, PLAIN) for item in value) else f"{a(value)} of objects"
    if comes_from(value, "pandas") or comes_from(value, "pyarrow") or is_scipy_sparse(value):
        return ""
    if isinstance(value, types.FunctionType | types.MethodType) or inspect.isroutine(value):
        return a(value)
    seen = look(value)
    if seen.hidden or seen.iterator or has_state_in_c(type(value)) or not list(seen.parts):
        return a(value)
    return ""


def _has_storage(tensor: Any) -> bool:
    torch: Any = sys.modules["torch"]
    return tensor.layout is torch.strided and not hasattr(type(tensor), "__tensor_flatten__")


def _plain_sequence(value: Any, name: str) -> Iterator[Leaf]:
    """Numbers and text in a list, or in lists of lists: there may be millions."""
    if type(value) not in (list, tuple, deque):
        return
    items, nesting = value, [type(value).__name__]
    lengths = [len(items)]
    kinds = set(map(type, items))
    while len(kinds) == 1 and kinds & {list, tuple} and len(nesting) < DEEPEST:
        nesting.append(next(iter(kinds)).__name__)
        lengths += map(len, items)
        items = list(itertools.chain.from_iterable(items))
        kinds = set(map(type, items))
    if not kinds <= SCALARS:
        return
    floats = [item for item in items if type(item) in (float, complex)]
    if not floats:
        yield Leaf(name, nesting[0], text=short(repr(value)))
        return
    others = [(at, item) for at, item in enumerate(items) if type(item) not in (float, complex)]
    structure = zlib.crc32(repr((nesting, lengths, others)).encode(errors="replace"))
    yield Leaf(name, nesting[0], text=f"{' of '.join(nesting)}, structure {structure}")
    yield Leaf(name, "numbers", elements=elements_of(np.array(floats)))


def _printed(value: Any) -> str:
    if isinstance(value, int) and value.bit_length() > _LONGEST_BITS:
        return hex(value)  # which has no limit of digits
    return repr(value)
