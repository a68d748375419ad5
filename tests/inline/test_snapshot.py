"""What counts as the same result in another process, or from another function."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from harness.inline import snapshot
from harness.inline.pieces import PIECE_ITEMS, elements_of
from harness.inline.snapshot import BY_TYPE, COMPARED, DifferentError, Snapshot


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
]
DIFFERENT: list[tuple[Any, Any, str]] = [
    (np.arange(6.0), np.arange(6.0, dtype=np.float32), "dtype float32, not float64"),
    (np.arange(6), np.arange(6).reshape(2, 3), "shape [2, 3], not [6]"),
    (np.arange(6), np.arange(6)[::-1], "different values"),
    (np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.5]), "1 of 3 values differ, by up to 0.5"),
    (np.array([np.nan]), np.array([1.0]), "1 of 1 values differ"),
    (np.array([1.0], np.float32), np.array([1.001], np.float32), "1 of 1 values differ"),
    (torch.ones(2).bfloat16(), torch.tensor([1.0, 1.5]).bfloat16(), "1 of 2 values differ"),
    (torch.ones(2), np.array([True, True]), "dtype bool, not float32"),
    (1, 2, "value 2, not 1"),
    (1, True, "is bool, not int"),
    ("a" * 100, "a" * 99 + "b", "value 'aaaa"),
    ([1, 2], [2, 1], "value checksum"),
    (None, np.ones(1), "is array, not NoneType"),
    ([np.ones(1)], [np.ones(1), np.ones(1)], "2 parts instead of 1"),
    ({"x": np.ones(1)}, {"y": np.ones(1)}, "1 parts instead of 1, or other names"),
    ([np.ones(1), np.zeros(2)], [np.ones(1), np.ones(2)], "2 of 2 values differ at [1]"),
    ({"x": (np.ones(1),)}, {"x": (np.ones(1) + 1,)}, "differ at ['x'][0]"),
    (object(), np.ones(1), "is array, not object"),
]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_what_is_the_same(kept: Snapshot, first: Any, second: Any) -> None:
    assert kept.check(first, "f") == COMPARED
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


@pytest.mark.parametrize("value", [object(), (n for n in range(3)), np.array([object()])])
def test_what_can_only_be_told_by_its_type(kept: Snapshot, value: Any) -> None:
    assert kept.check(value, "f") == BY_TYPE
    assert kept.check(value, "f") == BY_TYPE


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
