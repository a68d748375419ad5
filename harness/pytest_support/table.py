"""The second table: what tests did to memory, below the one with their times."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from harness.cases.quantities.quantity import Quantity
from harness.cases.quantities.registry import QUANTITIES
from harness.inline.costs import UNVERIFIED
from harness.pytest_support.facts import VERIFIED
from harness.schema.texts import clipped, one_line
from harness.units import MISSING, format_multiple, format_size

LEAST_WIDTH = 76


@dataclass(frozen=True)
class TableColumn:
    """A heading, and what stands below it."""

    heading: str
    text: Callable[[Mapping[str, Any]], str]


def _writer(quantity: Quantity) -> Callable[[Mapping[str, Any]], str]:
    write, name = _WRITERS[quantity.unit], quantity.name
    return lambda row: write(row[name]) if name in row else MISSING


_WRITERS: Mapping[str, Callable[[Any], str]] = {
    "bytes": lambda value: format_size(max(0, value)),
    "×": format_multiple,
    "faults": lambda value: f"{value:,.0f}",
    "yes/no": lambda value: "yes" if value else "no",
}
_HEADED = sorted(
    ((one.heading, one) for one in QUANTITIES if one.heading), key=lambda pair: pair[0].place
)
LEGEND = (
    "Each call in its own process. "
    + "; ".join(f"{heading.text}: {heading.legend}" for heading, _ in _HEADED if heading.legend)
    + "."
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
        TableColumn(heading.text, _writer(quantity))
        for heading, quantity in _HEADED
        if heading.legend or any(quantity.name in row for _, row in rows)
    ]
    if any(VERIFIED in row for _, row in rows):
        columns.append(TableColumn("Result", _checked))
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
        if row.get("memory_unknown"):
            reporter.write_line(f"{cells[0]}: memory is not known: {row['memory_unknown']}")
    reporter.write_line("-" * width, yellow=True)
    for line in textwrap.wrap(LEGEND, max(width, LEAST_WIDTH)):
        reporter.write_line(line)


def _checked(row: Mapping[str, Any]) -> str:
    """Whether what was asked to be checked could be."""
    if VERIFIED not in row:
        return MISSING
    return UNVERIFIED if row[VERIFIED].startswith(UNVERIFIED) else "verified"


def _name(node_id: str, row: Mapping[str, Any]) -> str:
    """The test, as pytest-benchmark calls it, and what it measured where it says so."""
    test = node_id.rpartition("::")[2] if "[" not in node_id else _with_parameters(node_id)
    label = row.get("label")
    return clipped(one_line(f"{test} {label}" if label else test))


def _with_parameters(node_id: str) -> str:
    before, bracket, parameters = node_id.partition("[")
    return before.rpartition("::")[2] + bracket + parameters


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = cells
    padded = (cell.rjust(width + 2) for cell, width in zip(others, widths[1:], strict=True))
    return first.ljust(widths[0]) + "".join(padded)
