"""The conversion matrix: what every API makes of every dtype and layout, as a grid of cells.

Rows come from ``probe`` scenarios, whose strategies are APIs and whose parameters include dtype
and layout. A cell is derived from what the trial saw, never from what the API documents.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.cases.summary import CaseSummary

CellKind = Literal["shares", "copies", "casts", "warns", "raises", "aborts", "wrong", "none"]
CELL_KINDS: dict[CellKind, str] = {
    "shares": "the result is the same memory",
    "copies": "the result has memory of its own",
    "casts": "the result has another dtype, named in the cell",
    "warns": "it works, with a warning",
    "raises": "an exception, with nothing lost",
    "aborts": "the process ended or hung",
    "wrong": "a result without an error, but not the same values",
    "none": "there is no such input, or it was not measured",
}
"""Every kind of cell and what it means, the best first."""
SYMBOLS: dict[CellKind, str] = {
    "shares": "=", "copies": "+", "casts": "→", "warns": "!", "raises": "×", "aborts": "†",
    "wrong": "≠", "none": "·",
}  # fmt: skip
_FAILED: dict[str, tuple[CellKind, str]] = {
    "wrong": ("wrong", "wrong"),
    "error": ("raises", "raises"),
    "oom": ("raises", "no memory"),
    "crash": ("aborts", "aborts"),
    "timeout": ("aborts", "hangs"),
    "skipped": ("none", "–"),
}


@dataclass(frozen=True)
class MatrixCell:
    """What one API did with one input."""

    kind: CellKind
    text: str  # a word or two, such as "shares" or "→ float32"
    detail: str  # the exception, the warning, or what came back

    @property
    def symbol(self) -> str:
        return SYMBOLS[self.kind]


NOTHING = MatrixCell("none", "–", "not planned")


@dataclass(frozen=True)
class Panel:
    """The cells of all dtypes that behave alike, as APIs by layouts."""

    dtypes: tuple[str, ...]
    cells: tuple[tuple[MatrixCell, ...], ...]  # one row per API, one column per layout


@dataclass(frozen=True)
class Grid:
    """The whole matrix of a scenario."""

    scenario: str
    apis: tuple[str, ...]
    layouts: tuple[str, ...]
    panels: tuple[Panel, ...]  # in the order of their first dtypes
    counts: Mapping[CellKind, int]  # cells by kind, over all dtypes


def cell(case: CaseSummary) -> MatrixCell:
    """Classify one case."""
    if not case.ok:
        kind, word = _FAILED[case.outcome]
        return MatrixCell(kind, word, case.reason)
    result, warning, shares = case.result, case.warnings, case.shares_memory
    to = _dtype_of(result)
    casts = bool(to) and to != case.parameters.get("dtype")
    word = f"→ {to}" if casts else "shares" if shares else "copies"
    if shares and casts:
        word = f"shares → {to}"
    if not to and shares is None:
        word = f"→ {result.partition(' ')[0] or 'nothing'}"
        casts = True
    if warning:
        return MatrixCell("warns", f"{word}, warns", warning)
    return MatrixCell("casts" if casts else "shares" if shares else "copies", word, result)


def _dtype_of(result: str) -> str:
    """The dtype in a trial's summary of its result; "" when that was no array or tensor."""
    words = result.split()
    return words[1] if len(words) > 1 and words[0] in ("tensor", "array") else ""


def grid(cases: Sequence[CaseSummary], scenario: str) -> Grid:
    """Arrange a scenario's cells; dtypes whose cells all agree share one panel."""
    found = {_key(case): cell(case) for case in cases if case.scenario == scenario}
    apis, dtypes, layouts = (
        tuple(dict.fromkeys(key[place] for key in found)) for place in range(3)
    )
    alike: dict[tuple[tuple[str, ...], ...], list[str]] = {}
    by_dtype = {}
    for dtype in dtypes:
        rows = [[found.get((api, dtype, layout), NOTHING) for layout in layouts] for api in apis]
        by_dtype[dtype] = tuple(tuple(row) for row in rows)
        alike.setdefault(_looks(rows), []).append(dtype)
    panels = [Panel(tuple(names), by_dtype[names[0]]) for names in alike.values()]
    return Grid(
        scenario,
        apis,
        layouts,
        tuple(panels),
        Counter(one.kind for one in found.values()),
    )


def _key(case: CaseSummary) -> tuple[str, str, str]:
    """API, dtype and layout."""
    given = case.parameters
    return case.strategy, str(given.get("dtype")), str(given.get("layout"))


def _looks(rows: Sequence[Sequence[MatrixCell]]) -> tuple[tuple[str, ...], ...]:
    """What two dtypes must have in common to be shown as one: all but the wording of messages."""
    return tuple(tuple(f"{one.kind} {one.text}" for one in row) for row in rows)
