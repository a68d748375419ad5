"""What is found in objects, how many bytes that really is, and what is said not to be seen."""

from __future__ import annotations

import array
import contextvars
import ctypes
import functools
import io
import mmap
import operator
import queue
import threading
import types
import warnings
import weakref
from collections import OrderedDict, deque, namedtuple
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse
import torch
from torch.utils.data import DataLoader, Subset, TensorDataset

from harness.trial.base import blocks, contents
from harness.trial.base.contents import contents_of
from harness.trial.base.pointers import data_bytes, overlap, sharing

X = np.arange(1024.0).reshape(32, 32)  # 8 KiB
T = torch.from_numpy(X)
Pair = namedtuple("Pair", "label data")


@dataclass
class Sample:
    label: str
    data: Any


class Holder:
    def __init__(self, data: Any) -> None:
        self.data = data

    def method(self) -> Any:
        return self.data

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


class Classwide:
    data = X


class Tagged(np.ndarray):
    """An array with an attribute of its own."""

    extra: Any


def tagged() -> Any:
    made = np.zeros(3).view(Tagged)
    made.extra = X
    return made


def with_gradient() -> Any:
    made = torch.zeros(32, 32, dtype=torch.float64, requires_grad=True)
    made.grad = T
    return made


class Slotted:
    __slots__ = ("data", "unset")

    def __init__(self, data: Any) -> None:
        self.data = data


class Interface:
    """As other libraries let NumPy see their memory."""

    def __init__(self, data: Any) -> None:
        self.__array_interface__ = data.__array_interface__
        self.owner = id(data)


class Exporter:
    """A tensor of another library, of which nothing but DLPack is known."""

    __slots__ = ()

    def __dlpack__(self, **options: Any) -> Any:
        return T.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return T.__dlpack_device__()


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("table", T)


def enclosing(data: Any) -> Callable[[], Any]:
    return lambda: data


def with_default(data: Any = X) -> Any:
    return data


HOLDERS: dict[str, Callable[[], Any]] = {
    "second of a tuple": lambda: (1, X),
    "after a number": lambda: [0.5, T],
    "dict": lambda: {"label": 1, "image": X},
    "ordered": lambda: OrderedDict(a=X),
    "proxy": lambda: MappingProxyType({"a": X}),
    "deque": lambda: deque([X]),
    "namedtuple": lambda: Pair(1, X),
    "dataclass": lambda: Sample("a", T),
    "attribute": lambda: Holder(X),
    "slot": lambda: Slotted(X),
    "class": Classwide,
    "class itself": lambda: Classwide,
    "subclass": tagged,
    "gradient": with_gradient,
    "values": lambda: {"a": X}.values(),
    "set of objects": lambda: {Holder(X)},
    "nested": lambda: Holder({"a": [Slotted((1, X))]}),
    "bound": lambda: Holder(X).method,
    "bound in C": lambda: X.sum,
    "partial": lambda: functools.partial(np.add, 1, X),
    "keyword": lambda: functools.partial(np.add, x=X),
    "closure": lambda: enclosing(X),
    "default": lambda: with_default,
    "module": Net,
    "dataset": lambda: Subset(TensorDataset(T), [1, 2]),
    "loader": lambda: DataLoader(TensorDataset(T)),
    "masked": lambda: np.ma.array(X),
    "interface": lambda: Interface(X),
    "dlpack": Exporter,
    "memoryview": lambda: memoryview(X),  # type: ignore[arg-type]
    "frame": lambda: pd.DataFrame(X, copy=False),
    "series": lambda: pd.Series(X[0], copy=False),
    "arrow of bits": lambda: [pa.array([True]), HOLDERS["arrow array"]()],
    "index": lambda: pd.Index(X[0], copy=False),
    "arrow": lambda: pa.py_buffer(X),
    "arrow array": lambda: pa.Array.from_buffers(pa.float64(), 1024, [None, pa.py_buffer(X)]),
    "table": lambda: pa.table({"a": HOLDERS["arrow array"]()}),
    "storage": lambda: T.untyped_storage(),
    "ctypes": lambda: (ctypes.c_double * 1024).from_buffer(X),  # type: ignore[arg-type]
    "objects": lambda: np.array([None, X, "a"], object),
}


@pytest.mark.parametrize("name", HOLDERS)
def test_what_holds_an_array_shares_its_memory(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        held = HOLDERS[name]()
    assert overlap(X, held) is True
    assert overlap(held, X) is True
    assert overlap(X.copy(), held) is False, contents_of([held]).hidden


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (lambda: (n for n in range(3)), "what a generator has yet to give"),
        (lambda: iter([X]), "what a list_iterator has yet to give"),
        (lambda: [X.copy(), map(abs, X)], "what a map has yet to give"),
        (queue.SimpleQueue, "what a SimpleQueue holds"),
        (lambda: torch.eye(3).to_mkldnn(), "the memory of a tensor of layout torch._mkldnn"),
    ],
)
def test_what_cannot_be_seen_is_said_and_never_taken_for_none(
    value: Callable[[], Any], what: str
) -> None:
    held = value()
    assert contents_of([held]).hidden == [what]
    assert sharing(contents_of([X]), contents_of([held])) == (None, f"{what} cannot be seen")
    assert overlap((X, held), X.copy()) is None
    assert overlap((X, held), X) is True


def test_what_lies_in_a_file_is_not_in_memory(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "data.h5", "w") as file:
        dataset = file.create_dataset("x", data=X)
        hidden = contents_of([dataset]).hidden
        assert overlap(dataset, X) is None
        assert hidden == ["the elements of a h5py.Dataset, which are not in memory"]


def test_what_claims_to_be_an_array_has_memory_or_hides_it() -> None:
    class Stored:
        """As zarr, dask and others have them."""

        shape = property(lambda self: (3,))
        dtype = property(lambda self: np.dtype("f4"))

        def __init__(self, *chunks: Any) -> None:
            self.chunks = chunks

    said = "the elements of a test_contents.Stored, which are not in memory"
    assert contents_of([X, Stored()]).hidden == [said]
    assert contents_of([Stored(X)]).hidden == []


def test_an_object_that_raises_cannot_be_seen() -> None:
    class Breaks:
        @property
        def __dict__(self) -> Any:  # type: ignore[override]
            raise RuntimeError("not now")

    assert contents_of([Breaks()]).hidden == [
        "what a test_contents.Breaks holds, which raises RuntimeError"
    ]
    assert overlap((X, Breaks()), X.copy()) is None


@pytest.mark.parametrize(
    "value",
    [
        None, 3, "text", np.float32, np.add, threading.Lock(), len, object(), torch.float32,
        np.random.default_rng(0), {"a": [1, 2]}, ValueError("x"), torch.nn.ReLU(), Path("a"),
    ],
)  # fmt: skip
def test_what_holds_no_array_hides_none(value: Any) -> None:
    found = contents_of([value])
    assert found.hidden == []
    assert found.blocks == []


def test_the_work_is_bounded() -> None:
    many = [np.ones(1) for _ in range(200)]
    found = contents_of([many], most=100)
    assert found.hidden == ["what is beyond the first 100 objects"]
    assert found.size_unknown == "what is beyond the first 100 objects cannot be seen"
    assert sharing(found, contents_of([X]))[0] is None
    beyond = [[[] for _ in range(contents.MOST_VALUES)], X]
    assert overlap(X, beyond) is None
    assert data_bytes(beyond) == X.nbytes  # a number that is wanted is that of all of them


def columns(*spans: tuple[int, int]) -> list[Any]:
    """Views of some columns of an array of 2 GiB, of which no page is touched."""
    whole = np.empty((1 << 27, 4), "f4")
    return [whole[:, begin:end] for begin, end in spans]


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([(0, 2)], 8 << 27),
        ([(0, 1), (1, 2), (3, 4)], 12 << 27),
        ([(0, 4), (1, 2)], 16 << 27),
        ([(0, 2), (1, 3)], None),
    ],
)
def test_bytes_that_were_not_counted_are_not_known(
    spans: list[tuple[int, int]], expected: int | None
) -> None:
    found = contents_of(columns(*spans))
    said = "" if expected else "how much its views overlap cannot be counted"
    assert found.size_unknown == said
    assert found.hidden == []
    assert expected is None or found.nbytes == expected


def test_windows_that_were_not_counted_are_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MOST_MARKS", 4)
    windows = np.lib.stride_tricks.as_strided(X.ravel(), (9, 3), (16, 16))
    assert contents_of([windows]).size_unknown
    apart = np.lib.stride_tricks.as_strided(X.ravel(), (9, 3), (80, 16))
    assert (contents_of([apart]).size_unknown, contents_of([apart]).nbytes) == ("", 27 * 8)


def returning(value: Any) -> Any:
    return lambda *_: value


@pytest.mark.parametrize(
    "value",
    [
        weakref.ref(X), ValueError(X), KeyError("x", {"x": X}), property(returning(X)),
        staticmethod(returning(X)), classmethod(returning(X)), operator.methodcaller("sum", X),
        functools.cmp_to_key(returning(0))(X), StopIteration(X),
        types.CellType(X),
    ],
)  # fmt: skip
def test_what_python_itself_holds_is_found(value: Any) -> None:
    assert contents_of([value]).nbytes == X.nbytes
    assert contents_of([Holder(value)]).nbytes == X.nbytes


VARIABLE: contextvars.ContextVar[Any] = contextvars.ContextVar("x")


@functools.lru_cache
def cached() -> Any:
    return X


@pytest.mark.parametrize(
    "make",
    [
        lambda: cached, lambda: T.__dlpack__(), lambda: VARIABLE.set(X),
        lambda: functools.lru_cache(maxsize=None)(returning(X)),
    ],
)  # fmt: skip
def test_what_nobody_can_look_into_is_hidden(make: Callable[[], Any]) -> None:
    value = make()
    (hidden,) = contents_of([value]).hidden
    assert type(value).__name__ in hidden
    assert overlap(value, X.copy()) is None


def test_what_lies_beyond_the_bound_is_not_named() -> None:
    items = Named((n,) for n in range(1000))
    assert contents_of([items], most=10).hidden
    assert 10 <= Named.named <= 12
    Named.named = 0
    assert contents_of([Named([X] * 100 + [1.0] * 100)], most=10).nbytes == X.nbytes


class Named(dict[Any, Any]):
    """Counts how many of its keys are named."""

    named = 0

    def __init__(self, items: Iterable[Any]) -> None:
        super().__init__((Key(n), item) for n, item in enumerate(items))


class Key(int):
    def __repr__(self) -> str:
        Named.named += 1
        return super().__repr__()


def test_a_value_that_holds_itself_is_walked_once() -> None:
    ring: list[Any] = [X]
    ring.append(ring)
    assert contents_of([ring]).nbytes == X.nbytes


def test_millions_of_numbers_are_no_objects() -> None:
    assert contents_of([[1.0] * 1_000_000]).hidden == []


def compressed(dense: Any, layout: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(dense, f"to_sparse_{layout}")(*[(2, 2)] * layout.startswith("bs"))


DENSE = torch.eye(1000)
VALUES = 1000 * 4
INDICES = 1000 * 8


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (lambda: X, 8192),
        (lambda: (X, X), 8192),
        (lambda: (X, X[:4], T), 8192),
        (lambda: [X[:, n] for n in range(32)], 8192),
        (lambda: (X[:20], X[10:]), 8192),
        (lambda: (X[::2], X[1::2]), 8192),
        (lambda: (X[::2], X[::4]), 4096),
        (lambda: (X[:, ::2], X[:, ::4]), 4096),
        (lambda: X[::-1], 8192),
        (lambda: np.broadcast_to(X[0], (1000, 32)), 256),
        (lambda: T[:1].expand(1000, 32), 256),
        (lambda: np.lib.stride_tricks.sliding_window_view(X.ravel(), 100), 8192),
        (lambda: T.unfold(0, 4, 1), 8192),
        (lambda: DENSE.to_sparse(), VALUES + 2 * INDICES),
        (lambda: compressed(DENSE, "csr"), VALUES + INDICES + INDICES + 8),
        (lambda: compressed(DENSE, "csc"), VALUES + INDICES + INDICES + 8),
        (lambda: compressed(DENSE, "bsr"), 500 * (16 + 8) + 501 * 8),
        (lambda: scipy.sparse.csr_array(np.eye(1000)), 1000 * 12 + 1001 * 4),
        (lambda: torch.empty(1000, device="meta"), 0),
        (lambda: torch.quantize_per_tensor(torch.ones(100), 0.1, 0, torch.quint8), 100),
        (lambda: torch.nested.nested_tensor([torch.ones(3), torch.ones(2)]), 20),
        (lambda: torch.complex(T, T).conj(), 16384),
        (lambda: b"x" * 100, 100),
        (lambda: bytearray(100), 100),
        (lambda: array.array("d", [1.0] * 10), 80),
        (lambda: io.BytesIO(b"x" * 100), 100),
        (lambda: mmap.mmap(-1, 4096), 4096),
        (lambda: np.arange(100).astype("M8[s]"), 800),
        (lambda: np.zeros(10, np.dtype([("a", "u1"), ("b", "f8")], align=True)), 160),
        (lambda: np.array([np.ones(100)] * 3 + [np.ones(50)], object), 4 * 8 + 800 + 400),
        (lambda: pa.array(np.arange(100))[10:20], 80),
    ],
)
def test_bytes_are_counted_once_and_where_they_are(value: Callable[[], Any], expected: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = value()
    assert contents_of([made]).nbytes == expected


def test_objects_that_an_array_refers_to_count() -> None:
    texts = [f"{n:0100}" for n in range(1000)]
    own = contents_of([np.array(texts, object)]).nbytes
    assert own == 8 * 1000 + sum(text.__sizeof__() for text in texts)


def test_a_reader_sees_what_is_repeated_as_often() -> None:
    assert data_bytes(np.broadcast_to(X[0], (1000, 32))) == 256_000
    assert data_bytes(DENSE.to_sparse()) == VALUES + 2 * INDICES


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (T[:, :-1], T[:, -1]),
        (X[:, :-1], X[:, -1]),
        (X[::2], X[1::2]),
        (T[::2].t(), X[1::2]),
        (X.view("c16").real, X.view("c16").imag),
        (X.view("u1").reshape(-1, 8)[:, :4], X.view("u1").reshape(-1, 8)[:, 4:]),
    ],
)
def test_views_that_interleave_share_nothing(first: Any, second: Any) -> None:
    assert overlap(first, second) is False
    assert overlap([first, second], second) is True


def test_what_takes_too_long_to_find_out_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MOST_STEPS", 1)
    hard = np.lib.stride_tricks.as_strided
    base = np.zeros(100_000, np.uint8)
    first = hard(base, (50, 50, 50), (11, 211, 1301))
    second = hard(base[5:], (50, 50, 50), (13, 317, 1103))
    assert overlap(first, second) is None
    monkeypatch.setattr(blocks, "MOST_PAIRS", 3)
    rows, others = [X[:, n] for n in range(0, 32, 2)], [X[:, n] for n in range(1, 32, 2)]
    assert overlap(rows, others) is None
