"""Cells of the conversion matrix, from cases."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from harness.analysis.matrix import CELL_KINDS, SYMBOLS, cell, grid
from harness.analysis.matrix_dangers import dangers, summary
from harness.cases.summary import CaseSummary
from harness.schema.records import Case, Outcome, PlannedCase, Trial

ROW: dict[str, Any] = {
    "scenario": "matrix",
    "strategy": "api",
    "dtype": "int16",
    "layout": "C",
    "outcome": "ok",
    "reason": "",
    "result": "tensor int16 (4, 256)",
    "shares_memory": False,
    "warnings": "",
}


def case(seen: dict[str, Any]) -> CaseSummary:
    """A case of the matrix, as its one trial found it."""
    row = ROW | seen
    planned = PlannedCase(
        Case(row["scenario"], row["strategy"], {name: row[name] for name in ("dtype", "layout")})
    )
    probe = Trial(
        0, "probe", 0, Outcome("ok"), result=row["result"], shares_memory=row["shares_memory"]
    )
    return CaseSummary(
        "run",
        planned,
        row["outcome"],
        reason=row["reason"],
        warnings=row["warnings"],
        observed=probe,
    )


@pytest.mark.parametrize(
    ("seen", "kind", "text", "detail"),
    [
        ({"shares_memory": True}, "shares", "shares", "tensor int16 (4, 256)"),
        ({}, "copies", "copies", "tensor int16 (4, 256)"),
        ({"result": "tensor float32 (4, 256)"}, "casts", "→ float32", "tensor float32 (4, 256)"),
        (
            {"result": "array int32 (4, 128)", "shares_memory": True},
            "casts",
            "shares → int32",
            "array int32 (4, 128)",
        ),
        ({"result": "list of 4", "shares_memory": None}, "casts", "→ list", "list of 4"),
        (
            {"shares_memory": True, "warnings": "not writable"},
            "warns",
            "shares, warns",
            "not writable",
        ),
        (
            {"outcome": "error", "reason": "TypeError: no", "result": ""},
            "raises",
            "raises",
            "TypeError: no",
        ),
        ({"outcome": "oom", "reason": "no room"}, "raises", "no memory", "no room"),
        ({"outcome": "crash", "reason": "SIGABRT"}, "aborts", "aborts", "SIGABRT"),
        ({"outcome": "timeout", "reason": "60 s"}, "aborts", "hangs", "60 s"),
        ({"outcome": "wrong", "reason": "value 3"}, "wrong", "wrong", "value 3"),
        (
            {"outcome": "skipped", "reason": "no order", "result": "", "warnings": ""},
            "none",
            "–",
            "no order",
        ),
    ],
)
def test_a_cell_says_what_happened(seen: dict[str, Any], kind: str, text: str, detail: str) -> None:
    found = cell(case(seen))
    assert (found.kind, found.text, found.detail) == (kind, text, detail)


def test_every_kind_has_a_symbol_and_a_meaning() -> None:
    assert CELL_KINDS.keys() == SYMBOLS.keys()
    assert len(set(SYMBOLS.values())) == len(SYMBOLS)


def frame(rows: Iterable[dict[str, Any]]) -> list[CaseSummary]:
    return [case(row) for row in rows]


def test_dtypes_that_behave_alike_share_a_panel() -> None:
    found = grid(
        frame(
            {"dtype": dtype, "layout": layout, "strategy": api, "shares_memory": dtype != "f8"}
            | {"result": f"tensor {dtype} (4, 256)"}
            for dtype in ("f2", "f8", "f4")
            for layout in ("C", "step")
            for api in ("one", "two")
        ),
        "matrix",
    )
    assert [panel.dtypes for panel in found.panels] == [("f2", "f4"), ("f8",)]
    assert (found.apis, found.layouts) == (("one", "two"), ("C", "step"))
    assert found.counts["shares"] == 8
    assert found.counts["copies"] == 4


def test_the_wording_of_a_message_sets_no_dtypes_apart() -> None:
    rows = [{"dtype": d, "outcome": "error", "reason": f"no {d}"} for d in ("f2", "f4")]
    assert len(grid(frame(rows), "matrix").panels) == 1


def test_a_cell_that_was_not_planned_is_empty_and_other_scenarios_stay_out() -> None:
    rows = [
        {"strategy": "one", "layout": "C"},
        {"strategy": "two", "layout": "step"},
        {"strategy": "elsewhere", "scenario": "another"},
    ]
    found = grid(frame(rows), "matrix")
    assert found.apis == ("one", "two")
    (panel,) = found.panels
    assert [[one.kind for one in row] for row in panel.cells] == [
        ["copies", "none"],
        ["none", "copies"],
    ]


def test_dangers_are_told_together_when_alike() -> None:
    crash = {"outcome": "crash", "reason": "SIGABRT"}
    rows = [
        {"strategy": api, "dtype": dtype, "layout": "negative", **crash}
        for api in ("one", "two")
        for dtype in ("f2", "f4")
    ]
    rows += [{"strategy": "three", "outcome": "wrong", "reason": "value 3"}, {"strategy": "four"}]
    rows += [{"strategy": "five", "outcome": "error", "reason": "no"}]
    found = grid(frame(rows), "matrix")
    assert [(one.kind, one.apis, one.dtypes) for one in dangers(found)] == [
        ("aborts", ("one", "two"), ("f2", "f4")),
        ("wrong", ("three",), ("int16",)),
    ]
    assert summary(found) == (
        "Of 7 conversions 1 work and 1 raise.",
        "4 end the process: `one`, `two` with layout negative (f2, f4).",
        "1 return other values without an error: `three` with layout C (int16).",
    )


def test_a_matrix_of_which_nothing_was_measured_says_so() -> None:
    found = grid(frame([{"outcome": "skipped", "reason": "not reached"}]), "matrix")
    assert summary(found) == ("No cell of this matrix was measured.",)
