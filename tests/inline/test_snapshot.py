"""What counts as the same result in another process, or from another function."""

from __future__ import annotations

import array
import math
import os
import threading
import warnings
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse
import torch

from harness.inline import compared, snapshot
from harness.inline.costs import UNVERIFIED
from harness.inline.pieces import PIECE_ITEMS, elements_of
from harness.inline.snapshot import COMPARED, KEPT, DifferentError, Snapshot


class Pair(NamedTuple):
    first: Any
    second: Any


@dataclass
class Sample:
    label: str
    data: Any


class Holder:
    def __init__(self, data: Any) -> None:
        self.data = data
        self._serial = 0


class Slotted:
    __slots__ = ("data",)

    def __init__(self, data: Any) -> None:
        self.data = data


class Empty:
    pass


def padded(fill: int, value: int = 2) -> Any:
    """Records with three bytes between their fields that belong to none."""
    dtype = np.dtype([("a", "u1"), ("b", "i4")], align=True)
    made = np.full(2 * dtype.itemsize, fill, np.uint8).view(dtype)
    made["a"], made["b"] = 1, [2, value]
    return made


def uncoalesced() -> Any:
    """What is at one place is the sum of two; at another there is a zero."""
    places = torch.tensor([[1, 1, 0]])
    return torch.sparse_coo_tensor(places, torch.tensor([1.5, 0.5, 0.0]), (2,))


def quantized(value: float) -> Any:
    return torch.quantize_per_tensor(torch.full((2,), value), 0.1, 0, torch.quint8)


def nested(value: float, layout: Any = torch.strided) -> Any:
    parts = [torch.full((2, 3), value), torch.zeros(1, 3)]
    return torch.nested.nested_tensor(parts, layout=layout)


SECOND_HIDDEN: Any = [(0, 1), (0, 0)]
FRAME = pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": pd.array([1, None], "Int64")})


@pytest.fixture
def kept() -> Iterator[Snapshot]:
    made = Snapshot()
    yield made
    made.close()


def test_the_first_result_is_kept_and_found_by_other_processes(kept: Snapshot) -> None:
    pid = os.fork()
    if pid == 0:
        kept.check(np.arange(5), "first")
        os._exit(0)
    os.waitpid(pid, 0)
    assert kept.check(np.arange(5), "first") == COMPARED
    with pytest.raises(DifferentError):
        kept.check(np.arange(5) + 1, "first")


with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # torch calls layouts and types of its own new
    SAME: list[tuple[Any, Any]] = [
        (np.arange(6.0), torch.arange(6.0, dtype=torch.float64)),
        (np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6.0).reshape(2, 3))),
        (np.arange(12)[::2], np.arange(0, 12, 2)),
        (np.array([np.nan, 1.0]), np.array([np.nan, 1.0])),
        (np.array([0.0]), np.array([-0.0])),
        (np.array([1.0], np.float32), np.array([1.0 + 1e-6], np.float32)),
        (torch.tensor([1.0, 2.0]).bfloat16(), torch.tensor([1.0, 2.0]).bfloat16()),
        (torch.tensor([1 + 2j]).conj(), torch.tensor([1 - 2j])),
        (torch.ones(3, requires_grad=True), torch.ones(3)),
        (3.0, 3.0 + 1e-12),
        (np.float64(3.0), 3.0),
        ([1, "a", None], [1, "a", None]),
        ({"x": np.ones(3), "y": (torch.ones(2), 1)}, {"x": np.ones(3), "y": (torch.ones(2), 1)}),
        (np.zeros((0, 3)), np.zeros((0, 3))),
        (list(range(100_000)), list(range(100_000))),
        # Containers with anything in them, wherever it lies.
        ((1, np.ones(2)), (1, torch.ones(2, dtype=torch.float64))),
        ({"b": 1, "a": np.ones(1)}, {"a": np.ones(1), "b": 1}),
        ({3, 1, 2}, {2, 1, 3}),
        (deque([1, np.ones(1)]), deque([1, np.ones(1)])),
        (Pair(1, np.ones(2)), Pair(1, np.ones(2))),
        (Sample("a", torch.ones(2)), Sample("a", torch.ones(2))),
        (Holder(np.ones(2)), Holder(np.ones(2))),
        (Slotted(np.ones(2)), Slotted(np.ones(2))),
        (np.array([np.ones(1), "a", None], object), np.array([np.ones(1), "a", None], object)),
        # Numbers of Python are rounded as arrays are.
        ([0.1 + 0.2, 1.0], [0.3, 1.0]),
        ([[0.1 + 0.2], [1.0]], [[0.3], [1.0]]),
        ([("a", 0.1 + 0.2)], [("a", 0.3)]),
        ([math.nan, 1.0], [math.nan, 1.0]),
        # What cannot be seen of an array is no part of its value.
        (np.ma.array([1, 2], mask=[False, True]), np.ma.array([1, 3], mask=[False, True])),
        (np.ma.array([1.0, 2.0]), np.ma.array([1.0, 2.0], mask=[False, False])),
        (
            np.ma.array(["2020", "2021"], "M8[s]", mask=[False, True]),
            np.ma.array(["2020", "2022"], "M8[s]", mask=[False, True]),
        ),
        (
            np.ma.array(padded(0), mask=SECOND_HIDDEN),
            np.ma.array(padded(9), mask=SECOND_HIDDEN),
        ),
        (padded(0), padded(255)),
        (padded(0)[0], padded(255)[0]),
        # Sparse, quantized and nested tensors by their values.
        (torch.eye(3).to_sparse(), torch.eye(3).to_sparse()),
        (uncoalesced(), torch.tensor([0.0, 2.0]).to_sparse()),
        (torch.eye(4).to_sparse_csr(), torch.eye(4).to_sparse_csr()),
        (torch.eye(4).to_sparse_csc(), torch.eye(4).to_sparse_csc()),
        (torch.eye(4).to_sparse_bsr((2, 2)), torch.eye(4).to_sparse_bsr((2, 2))),
        (quantized(1.0), quantized(1.0)),
        (nested(1.0), nested(1.0)),
        (nested(1.0, torch.jagged), nested(1.0, torch.jagged)),
        (scipy.sparse.csr_array(np.eye(3)), scipy.sparse.csr_array(np.eye(3))),
        # Types that have no buffer Python could read.
        (np.array(["2020", "NaT"], "M8[s]"), np.array(["2020", "NaT"], "M8[s]")),
        (np.array([1, 2], "m8[ns]"), np.array([1, 2], "m8[ns]")),
        (np.array([(1, "2020")], "i4,M8[D]"), np.array([(1, "2020")], "i4,M8[D]")),
        (np.array([b"abc"], "V3"), np.array([b"abc"], "V3")),
        (np.array(["ä", "b"]), np.array(["ä", "b"])),
        (torch.ones(2).to(torch.float8_e5m2), torch.ones(2).to(torch.float8_e5m2)),
        (torch.ones(2).to(torch.complex32), torch.ones(2).to(torch.complex32)),
        # Buffers, and what other libraries make.
        (b"abc", b"abc"),
        (bytearray(b"abc"), bytearray(b"abc")),
        (array.array("d", [1.0]), array.array("d", [1.0])),
        (FRAME, FRAME.copy()),
        (FRAME["a"], FRAME["a"].copy()),
        (FRAME.set_index(["a", "b"]), FRAME.set_index(["a", "b"])),
        ({"n": 10**5000}, {"n": 10**5000}),
        (pa.table(FRAME), pa.table(FRAME)),
        (pa.array([1, None, 3])[1:], pa.array([None, 3])),
        (torch.nn.Linear(1, 1).state_dict(), None),
        (Path("a"), Path("a")),
        (np.dtype("f4"), np.dtype("f4")),
        (torch.float32, torch.float32),
    ]
    SAME = [(first, first if second is None else second) for first, second in SAME]
    DIFFERENT: list[tuple[Any, Any, str]] = [
        (np.arange(6.0), np.arange(6.0, dtype=np.float32), "dtype float32, not float64"),
        (np.arange(6), np.arange(6).reshape(2, 3), "shape [2, 3], not [6]"),
        (np.arange(6), np.arange(6)[::-1], "6 of 6 values differ, by up to 5"),
        (
            np.array([0, 2**64 - 1], "u8"),
            np.array([0, 0], "u8"),
            "1 of 2 values differ, by up to 1.84",
        ),
        (np.array([True, False]), np.array([True, True]), "1 of 2 values differ"),
        (np.array(["a", "b"]), np.array(["a", "c"]), "1 of 2 values differ"),
        (np.array(["2020"], "M8[s]"), np.array(["2021"], "M8[s]"), "1 of 1 values differ"),
        (np.array(["NaT"], "M8[s]"), np.array(["2021"], "M8[s]"), "1 of 1 values differ"),
        (np.array([b"abc"], "V3"), np.array([b"abd"], "V3"), "1 of 1 values differ"),
        (
            torch.ones(2).to(torch.float8_e5m2),
            torch.zeros(2).to(torch.float8_e5m2),
            "2 of 2 values",
        ),
        ((1, np.ones(2)), (1, -np.ones(2)), "2 of 2 values differ at [1]"),
        ((1, np.ones(2)), [1, np.ones(2)], "is list, not tuple"),
        (Pair(1, np.ones(2)), Pair(1, np.zeros(2)), "2 of 2 values differ at .second"),
        (Pair(1, np.ones(2)), Pair(2, np.ones(2)), "value 2, not 1 at .first"),
        (Sample("a", torch.ones(2)), Sample("a", torch.zeros(2)), "2 of 2 values differ at .data"),
        (Holder(np.ones(2)), Holder(np.zeros(2)), "2 of 2 values differ at .data"),
        (Slotted(np.ones(2)), Slotted(np.zeros(2)), "2 of 2 values differ at .data"),
        (np.array([np.ones(1), 1], object), np.array([np.zeros(1), 1], object), "differ at [0]"),
        ([1.0, 2.0], [1.0, 2.5], "1 of 2 values differ, by up to 0.5"),
        ([[1.0], [2.0]], [[1.0], [2.5]], "1 of 2 values differ, by up to 0.5"),
        ([[1.0], [2.0, 3.0]], [[1.0, 2.0], [3.0]], "value list of list, structure"),
        ([1, 2.0], [1.0, 2.0], "value list, structure"),
        ({1, 2}, {1, 3}, "value ['1', '3'], not ['1', '2']"),
        (
            np.ma.array([1, 2], mask=[False, True]),
            np.ma.array([1, 2], mask=[True, False]),
            "2 of 2 values differ",
        ),
        (
            np.ma.array([1, 2], mask=[False, True]),
            np.ma.array([3, 2], mask=[False, True]),
            "differ at .data",
        ),
        (padded(0), padded(0, value=3), "1 of 2 values differ at ['b']"),
        (torch.eye(3).to_sparse(), 2 * torch.eye(3).to_sparse(), "3 of 3 values differ at .values"),
        (torch.eye(3).to_sparse(), torch.eye(3).flip(0).to_sparse(), "differ at .indices"),
        (torch.eye(4).to_sparse_csr(), 2 * torch.eye(4).to_sparse_csr(), "differ at .values"),
        (torch.eye(3).to_sparse(), torch.eye(3), "is array, not sparse_coo"),
        (quantized(1.0), quantized(2.0), "values differ"),
        (nested(1.0), nested(2.0), "values differ at [0]"),
        (nested(1.0, torch.jagged), nested(2.0, torch.jagged), "values differ at [0]"),
        (
            scipy.sparse.csr_array(np.eye(3)),
            2 * scipy.sparse.csr_array(np.eye(3)),
            "differ at .data",
        ),
        (b"abc", b"abd", "1 of 3 values differ"),
        (array.array("d", [1.0]), array.array("d", [2.0]), "values differ"),
        (FRAME, FRAME.assign(a=[1, 3]), "1 of 2 values differ at [0]"),
        (FRAME, FRAME.assign(b=["x", "z"]), "value ['x', 'z'], not ['x', 'y'] at [1]"),
        (FRAME, FRAME.rename(columns={"a": "c"}), "at .columns"),
        (FRAME["a"], FRAME["a"].set_axis([5, 6]), "at .index"),
        (pa.table(FRAME), pa.table(FRAME.assign(a=[1, 3])), "1 of 2 values differ at [0]"),
        (Path("a"), Path("b"), "value PosixPath('b')"),
        (torch.float32, torch.float16, "value torch.float16, not torch.float32"),
        (
            np.array([1.0, 2.0, 3.0]),
            np.array([1.0, 2.0, 3.5]),
            "1 of 3 values differ, by up to 0.5",
        ),
        (np.array([np.nan]), np.array([1.0]), "1 of 1 values differ"),
        (np.array([1.0], np.float32), np.array([1.001], np.float32), "1 of 1 values differ"),
        (torch.ones(2).bfloat16(), torch.tensor([1.0, 1.5]).bfloat16(), "1 of 2 values differ"),
        (torch.ones(2), np.array([True, True]), "dtype bool, not float32"),
        (1, 2, "value 2, not 1"),
        (1, True, "is bool, not int"),
        ("a" * 100, "a" * 99 + "b", "value 'aaaa"),
        ([1, 2], [2, 1], "value [2, 1], not [1, 2]"),
        (None, np.ones(1), "is array, not NoneType"),
        ([np.ones(1)], [np.ones(1), np.ones(1)], "value of 2, not of 1"),
        ({"x": np.ones(1)}, {"y": np.ones(1)}, "or other names: ['y'], not ['x']"),
        ([np.ones(1), np.zeros(2)], [np.ones(1), np.ones(2)], "2 of 2 values differ at [1]"),
        ({"x": (np.ones(1),)}, {"x": (np.ones(1) + 1,)}, "differ at ['x'][0]"),
        (object(), np.ones(1), "is array, not object"),
        (torch.empty(2, device="meta"), torch.empty(3, device="meta"), "value torch.float32 [3]"),
    ]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_what_is_the_same(kept: Snapshot, first: Any, second: Any) -> None:
    assert kept.check(first, "f") == KEPT
    assert kept.check(second, "f").startswith(COMPARED)


@pytest.mark.parametrize(("first", "second", "said"), DIFFERENT)
def test_what_differs(kept: Snapshot, first: Any, second: Any, said: str) -> None:
    kept.check(first, "f")
    with pytest.raises(DifferentError) as caught:
        kept.check(second, "f")
    assert said in str(caught.value)


def test_rounding_is_told(kept: Snapshot) -> None:
    kept.check(np.array([1.0, 2.0]), "f")
    assert kept.check(np.array([1.0, 2.0 + 2e-8]), "f") == f"{COMPARED}, apart by up to 2e-08"


def test_another_function_is_named(kept: Snapshot) -> None:
    kept.check(np.ones(3), "first way")
    with pytest.raises(
        DifferentError, match=r"^differs from the result of first way: 3 of 3 values differ"
    ):
        kept.check(np.zeros(3), "second way")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (object(), "it is an object"),
        ((n for n in range(3)), "it is a generator"),
        (np.array([object()]), "[0] is an object"),
        ([np.ones(1), iter([1])], "[1] is a list_iterator"),
        ({"f": len}, "['f'] is a builtin_function_or_method"),
        ({object(): 1}, "it is a dict with objects for keys"),
        (lambda: 1, "it is a function"),
        (Holder(threading.Lock()), ".data is a lock"),
        (torch.empty(2, device="meta"), "it is a torch.Tensor without data"),
        (map(abs, [1]), "it is a map"),
        (Empty(), "it is a test_snapshot.Empty"),
    ],
)
def test_what_cannot_be_compared_is_not_verified(kept: Snapshot, value: Any, said: str) -> None:
    for _ in range(2):
        assert kept.check(value, "f") == f"{UNVERIFIED}: {said}"


def test_what_is_an_objects_own_business_may_differ(kept: Snapshot) -> None:
    made = Holder(np.ones(2))
    made._serial = 1
    kept.check(made, "f")
    made._serial = 2
    assert kept.check(made, "f") == f"{UNVERIFIED}: ._serial differs, which may mean nothing"
    made.data = np.zeros(2)
    with pytest.raises(DifferentError, match=r"differ at \.data"):
        kept.check(made, "f")


def test_a_value_that_holds_itself_is_compared(kept: Snapshot) -> None:
    def ring(number: int) -> Any:
        made: list[Any] = [np.array([number])]
        made.append(made)
        return made

    kept.check(ring(1), "f")
    assert kept.check(ring(1), "f") == COMPARED
    with pytest.raises(DifferentError, match="differ at"):
        kept.check(ring(2), "f")


def test_there_is_a_bound_beyond_which_nothing_is_verified(
    kept: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compared, "MOST_LEAVES", 10)
    assert kept.check([np.ones(1)] * 20, "f") == f"{UNVERIFIED}: it is more than 10 parts"
    deep: Any = np.ones(1)
    for _ in range(compared.DEEPEST + 1):
        deep = [deep]
    monkeypatch.setattr(compared, "MOST_LEAVES", 1000)
    assert any("levels deep" in leaf.unseen for leaf in compared.leaves_of(deep))


def test_a_difference_is_found_wherever_it_lies(kept: Snapshot) -> None:
    """Results are compared piece by piece; none of them may be left out."""
    values = np.arange(3 * PIECE_ITEMS + 7, dtype=np.float32).reshape(-1, 1)
    kept.check(values, "f")
    for place in (0, PIECE_ITEMS - 1, PIECE_ITEMS, -1):
        changed = values.copy()
        changed[place] += 1000
        with pytest.raises(DifferentError, match=f"1 of {values.size} values differ"):
            kept.check(changed, "f")
    kept.check(values, "f")


def test_a_large_result_must_be_equal_bit_for_bit(
    kept: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "KEEP_BYTES", 100)
    values = np.ones(1000)
    kept.check(values, "f")
    assert kept.check(values, "f") == COMPARED
    with pytest.raises(DifferentError, match="different values"):
        kept.check(values + 1e-15, "f")


@pytest.mark.parametrize(
    "layout",
    [
        lambda a: a,
        lambda a: a.T.copy().T,
        lambda a: np.repeat(a, 2, axis=1)[:, ::2],
        lambda a: a[::-1].copy()[::-1],
        lambda a: np.asfortranarray(a),
    ],
)
def test_pieces_come_in_one_order_whatever_the_layout(layout: Any) -> None:
    array = np.random.default_rng(1).random((700, 500))
    elements = elements_of(layout(array))
    assert elements is not None
    pieces = [piece.copy() for piece in elements.pieces()]
    assert max(piece.size for piece in pieces) <= PIECE_ITEMS
    assert np.array_equal(np.concatenate(pieces), array.ravel())


@pytest.mark.parametrize("key", ["a._b", "._b", "x']._"])
def test_a_key_is_no_attribute_whatever_it_looks_like(kept: Snapshot, key: str) -> None:
    kept.check({key: 1}, "f")
    with pytest.raises(DifferentError, match="value 2, not 1"):
        kept.check({key: 2}, "f")


def test_what_lies_in_an_objects_own_business_is_its_own_too(kept: Snapshot) -> None:
    made = Holder(1)
    vars(made)["_serial"] = {"times": [Sample("made", 1.0)]}
    kept.check(made, "f")
    vars(made)["_serial"] = {"times": [Sample("made", 2.0)]}
    said = "._serial['times'][0].data differs, which may mean nothing"
    assert kept.check(made, "f") == f"{UNVERIFIED}: {said}"


def test_the_first_result_is_compared_with_none(kept: Snapshot) -> None:
    assert kept.check(1, "f") == KEPT
    assert kept.check(1, "f") == COMPARED
