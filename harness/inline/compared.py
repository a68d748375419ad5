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
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import PurePath
from typing import Any

import numpy as np

from harness.inline.pieces import Elements, elements_of
from harness.trial.base.parts import (
    PLAIN,
    SCALARS,
    a,
    buffer_of,
    comes_from,
    has_state_in_c,
    is_tensor,
    look,
)  # fmt: skip

MOST_LEAVES = 100_000
DEEPEST = 100
_SHOWN = 80  # characters of a text; of a longer one, its beginning and a checksum
_SHOWN_KEY = 40
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
    """

    name: str
    kind: str
    text: str = ""
    elements: Elements | None = None
    unseen: str = ""


Parts = Iterable[tuple[str, Any]]
Opened = tuple[str, str, Parts]
"""What a value is, what of it must be equal, and what it consists of."""


def leaves_of(value: Any) -> Iterator[Leaf]:
    """All leaves of a value. Whatever an object raises meanwhile is raised."""
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
    kind, text, parts = _opened(value)
    yield Leaf(name, kind, text=text)
    for part, item in parts:
        yield from _leaves(item, name + part, (*around, id(value)))


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
        return Leaf(name, kind, text=_short(_printed(value)))
    if (comes_from(value, "pandas") and kind in _NAMED) or (
        comes_from(value, "torch") and kind in _OF_TORCH
    ):
        return Leaf(name, kind, text=_short(repr(value)))
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
    if comes_from(value, "pandas") or comes_from(value, "pyarrow") or _is_scipy_sparse(value):
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
        yield Leaf(name, nesting[0], text=_short(repr(value)))
        return
    others = [(at, item) for at, item in enumerate(items) if type(item) not in (float, complex)]
    structure = zlib.crc32(repr((nesting, lengths, others)).encode(errors="replace"))
    yield Leaf(name, nesting[0], text=f"{' of '.join(nesting)}, structure {structure}")
    yield Leaf(name, "numbers", elements=elements_of(np.array(floats)))


def _opened(value: Any) -> Opened:
    for reader in _READERS:
        found = reader(value)
        if found is not None:
            return found
    return _full_name(value), "", sorted(look(value).parts, key=itemgetter(0))


def _array(value: Any) -> Opened | None:
    if isinstance(value, np.ma.MaskedArray):
        filled: Any = np.ma.filled(value, np.zeros((), value.dtype).item())
        parts = ((".mask", np.ma.getmaskarray(value)), (".data", filled))
        return "masked array", f"{value.dtype} {list(value.shape)}", parts
    if not isinstance(value, np.ndarray | np.generic):
        return None
    array = np.asarray(value)
    names = array.dtype.names
    if names:  # field by field: what lies between them has no value
        return "records", f"{list(array.shape)}", [(f"[{name!r}]", array[name]) for name in names]
    return "objects", f"{list(array.shape)}", [("", list(array.flat))]


def _tensor(value: Any) -> Opened | None:
    if not is_tensor(value):
        return None
    about = f"{str(value.dtype).removeprefix('torch.')} "
    if value.is_nested:
        return "nested tensor", about, [(f"[{n}]", t) for n, t in enumerate(value.unbind())]
    about += str(list(value.shape))
    if value.is_quantized:
        return "quantized tensor", about, [("", value.detach().dequantize())]
    if hasattr(type(value), "__tensor_flatten__"):
        return _full_name(value), about, look(value).parts
    layout = str(value.layout).removeprefix("torch.")
    if layout == "_mkldnn":
        return layout, about, [("", value.detach().to_dense())]
    return layout, about, _nonzero(value.detach())


def _nonzero(sparse: Any) -> Parts:
    """Of a sparse tensor, what is not zero, in order and each place once."""
    whole = sparse.to_sparse_coo().coalesce()
    indices, values = whole.indices(), whole.values()
    kept = values.reshape(len(values), -1).ne(0).any(dim=1) if len(values) else slice(0)
    return (".indices", indices[:, kept]), (".values", values[kept])


def _sequence(value: Any) -> Opened | None:
    if not isinstance(value, list | tuple | deque):
        return None
    fields = getattr(value, "_fields", None)
    names = [f".{one}" for one in fields] if fields else [f"[{n}]" for n in range(len(value))]
    return _full_name(value), f"of {len(value)}", list(zip(names, value, strict=True))


def _mapping(value: Any) -> Opened | None:
    if not isinstance(value, dict):
        return None
    named = [(f"[{_key(key)}]", item) for key, item in value.items()]
    return _full_name(value), f"of {len(value)}", sorted(named, key=itemgetter(0))


def _key(key: Any) -> str:
    text = repr(key)
    return text if len(text) <= _SHOWN_KEY else f"{text[:_SHOWN_KEY]}… {zlib.crc32(text.encode())}"


def _set(value: Any) -> Opened | None:
    if not isinstance(value, set | frozenset):
        return None
    return _full_name(value), _short(str(sorted(map(repr, value)))), ()


def _frame(value: Any) -> Opened | None:
    """Of pandas: by columns, with their types, names and index."""
    if not comes_from(value, "pandas"):
        return None
    kind = type(value).__name__
    if hasattr(value, "columns"):
        columns = [(f"[{n}]", value.iloc[:, n].array) for n in range(value.shape[1])]
        labels = [(".columns", value.columns), (".index", value.index)]
        return kind, f"{list(value.shape)}", [*labels, *columns]
    if hasattr(value, "levels"):  # an index of several levels, which has no one array
        return kind, f"{list(value.names)!r}", [("", value.tolist())]
    if hasattr(value, "array"):
        labels = [(".index", value.index)] if hasattr(value, "index") else []
        return kind, f"{value.dtype} {value.name!r}", [*labels, ("", value.array)]
    if hasattr(value, "isna"):
        missing = np.asarray(value.isna())
        return kind, f"{value.dtype}", [(".isna", missing), ("", value[~missing].to_numpy())]
    return None


def _table(value: Any) -> Opened | None:
    """Of Arrow: by columns; what lies in memory where a value is missing is not looked at."""
    if not comes_from(value, "pyarrow"):
        return None
    kind = type(value).__name__
    if hasattr(value, "columns"):
        columns = [(f"[{n}]", column) for n, column in enumerate(value.columns)]
        return kind, _short(str(value.schema)), columns
    if not hasattr(value, "drop_null"):
        return kind, _short(repr(value)), ()
    there = value.drop_null()
    options = {} if hasattr(value, "chunks") else {"zero_copy_only": False}
    missing = value.is_null()
    return "arrow", str(value.type), [
        (".is_null", missing.to_numpy(**options)), ("", there.to_numpy(**options)),
    ]  # fmt: skip


def _scipy(value: Any) -> Opened | None:
    if not _is_scipy_sparse(value):
        return None
    whole = value.tocoo(copy=True)
    whole.sum_duplicates()
    whole.eliminate_zeros()
    about = f"{value.dtype} {list(value.shape)}"
    return "sparse matrix", about, [(".coords", list(whole.coords)), (".data", whole.data)]


def _is_scipy_sparse(value: Any) -> bool:
    return type(value).__module__.startswith("scipy.sparse") and hasattr(value, "tocoo")


_READERS: Sequence[Callable[[Any], Opened | None]] = (
    _array, _tensor, _sequence, _mapping, _set, _frame, _table, _scipy,
)  # fmt: skip


def _full_name(value: Any) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def _printed(value: Any) -> str:
    if isinstance(value, int) and value.bit_length() > _LONGEST_BITS:
        return hex(value)  # which has no limit of digits
    return repr(value)


def _short(text: str) -> str:
    if len(text) <= _SHOWN:
        return text
    return f"{text[:60]}… {zlib.crc32(text.encode(errors='replace'))}"
