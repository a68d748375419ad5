"""How values are taken apart to be compared: by what they mean, and not by what they lie in.

Masked elements, padding and the order in which a sparse tensor keeps its elements have no meaning.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from harness.trial.base.looks import comes_from, is_tensor
from harness.trial.base.parts import look

_SHOWN = 80  # characters of a text; of a longer one, its beginning and a checksum
_SHOWN_KEY = 40
Parts = Iterable[tuple[str, Any]]
Opened = tuple[str, str, Parts]
"""What a value is, what of it must be equal, and what it consists of."""


def opened(value: Any) -> Opened:
    """What a value is, where it is more than a leaf. Whatever an object raises is raised."""
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
    return _full_name(value), short(str(sorted(map(repr, value)))), ()


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
        return kind, short(str(value.schema)), columns
    if not hasattr(value, "drop_null"):
        return kind, short(repr(value)), ()
    there = value.drop_null()
    options = {} if hasattr(value, "chunks") else {"zero_copy_only": False}
    missing = value.is_null()
    return "arrow", str(value.type), [
        (".is_null", missing.to_numpy(**options)), ("", there.to_numpy(**options)),
    ]  # fmt: skip


def _scipy(value: Any) -> Opened | None:
    if not is_scipy_sparse(value):
        return None
    whole = value.tocoo(copy=True)
    whole.sum_duplicates()
    whole.eliminate_zeros()
    about = f"{value.dtype} {list(value.shape)}"
    return "sparse matrix", about, [(".coords", list(whole.coords)), (".data", whole.data)]


def is_scipy_sparse(value: Any) -> bool:
    return type(value).__module__.startswith("scipy.sparse") and hasattr(value, "tocoo")


_READERS: Sequence[Callable[[Any], Opened | None]] = (
    _array, _tensor, _sequence, _mapping, _set, _frame, _table, _scipy,
)  # fmt: skip


def _full_name(value: Any) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def short(text: str) -> str:
    if len(text) <= _SHOWN:
        return text
    return f"{text[:60]}… {zlib.crc32(text.encode(errors='replace'))}"
