"""The second table: what tests did to memory, below the one with their times."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from harness.units import MISSING, format_multiple, format_size

LEAST_WIDTH = 76


@dataclass(frozen=True)
class Column:
    """A heading, and what stands below it."""

    heading: str
    text: Callable[[Mapping[str, Any]], str]


def _size(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda row: format_size(max(0, row[name])) if name in row else MISSING


def _count(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda row: f"{row[name]:,.0f}" if name in row else MISSING


def _copies(row: Mapping[str, Any]) -> str:
    return format_multiple(row["copies"]) if "copies" in row else MISSING


def _shares(row: Mapping[str, Any]) -> str:
    shares = row.get("shares_memory")
    return MISSING if shares is None else "yes" if shares else "no"


TABLE_COLUMNS = (
    Column("Peak", _size("peak_extra_bytes")),
    Column("Copies", _copies),
    Column("Kept", _size("retained_bytes")),
    Column("Left", _size("left_bytes")),
    Column("Faults", _count("minor_faults_first")),
    Column("Shares", _shares),
)
TREE = Column("Tree", _size("tree_grown_bytes"))
LEGEND = (
    "Each call in its own process. Peak: memory above what was there before; Copies: of the "
    "payload, without mapped files; Kept: while the result is alive; Left: after it was dropped; "
    "Faults: page faults of the first call; Shares: the result shares the payload's memory."
)


def write_table(
    reporter: pytest.TerminalReporter, found: Iterable[tuple[str, Mapping[str, Any]]]
) -> None:
    """Write a row for every measurement; why, where there is none.

    Args:
        reporter: pytest's.
        found: what was noted, each with its test's node id.
    """
    rows = [(_name(node_id, row), row) for node_id, row in found]
    columns = [
        *TABLE_COLUMNS,
        *([TREE] if any("tree_grown_bytes" in row for _, row in rows) else []),
    ]
    lines = [[name, *(column.text(row) for column in columns)] for name, row in rows]
    headings = ["Name", *(column.heading for column in columns)]
    widths = [max(map(len, cells)) for cells in zip(headings, *lines, strict=True)]
    width = sum(widths) + 2 * len(columns)
    reporter.ensure_newline()
    title = f" ferrybench: memory of {len(rows)} {'calls' if len(rows) > 1 else 'call'} "
    reporter.write_line(title.center(width, "-"), yellow=True)
    reporter.write_line(_line(headings, widths))
    reporter.write_line("-" * width, yellow=True)
    for (_, row), cells in zip(rows, lines, strict=True):
        ok = row["outcome"] == "ok"
        text = _line(cells, widths) if ok else f"{cells[0]}: {row['outcome']}: {row['reason']}"
        reporter.write_line(text, red=not ok)
    reporter.write_line("-" * width, yellow=True)
    for line in textwrap.wrap(LEGEND, max(width, LEAST_WIDTH)):
        reporter.write_line(line)


def _name(node_id: str, row: Mapping[str, Any]) -> str:
    """The test, as pytest-benchmark calls it, and what it measured where it says so."""
    test = node_id.rpartition("::")[2] if "[" not in node_id else _with_parameters(node_id)
    label = row.get("label")
    return f"{test} {label}" if label else test


def _with_parameters(node_id: str) -> str:
    before, bracket, parameters = node_id.partition("[")
    return before.rpartition("::")[2] + bracket + parameters


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = cells
    padded = (cell.rjust(width + 2) for cell, width in zip(others, widths[1:], strict=True))
    return first.ljust(widths[0]) + "".join(padded)
