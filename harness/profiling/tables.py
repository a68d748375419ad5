"""The lines of each function that was watched, with what was seen of them, in its own order."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.schema.profile import Function, LineRow, Lines, SampledLine
from harness.trial.profiling.statements import first_line, first_lines, parsed


@dataclass(frozen=True)
class LineView:
    """One line of source.

    Args:
        number: in its file.
        source: its text; empty where there is none.
        row: what was seen; None where its statement was not reached, or begins further up.
        sampled: what memory_profiler shows for the whole statement.
    """

    number: int
    source: str
    row: LineRow | None
    sampled: SampledLine | None = None


@dataclass(frozen=True)
class FunctionTable:
    """A function, with all its lines; of one without source, those that were reached."""

    name: str
    file: str
    first_line: int
    views: tuple[LineView, ...]
    has_source: bool

    @property
    def title(self) -> str:
        """``cast, mine.py:4``."""
        return f"{self.name}, {Path(self.file).name}:{self.first_line}"


@dataclass(frozen=True)
class _Span:
    function: Function
    first: int
    last: int

    def holds(self, file: int, line: int) -> bool:
        return self.function.file == file and self.first <= line <= self.last


def function_tables(lines: Lines, sampled: Sequence[SampledLine] = ()) -> list[FunctionTable]:
    """One table for each function that is in no other one, in the order in which they were called.

    Args:
        lines: what was seen.
        sampled: memory_profiler's table.
    """
    trees = [parsed(file) for file in lines.files]
    spans = _outermost(
        [_span(lines, function, trees[function.file]) for function in lines.functions]
    )
    shown = _by_statement(sampled)
    return [found for span in spans if (found := _table(lines, span, shown)).views]


def _span(lines: Lines, function: Function, tree: ast.Module) -> _Span:
    """From where to where a function goes: that of a lambda may be within a line of another."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = first_line(node)
            if first == function.first_line and node.name == function.name.rpartition(".")[2]:
                return _Span(function, first, node.end_lineno or first)
    index = lines.functions.index(function)
    own = [row.line for row in lines.rows if row.function == index] or [function.first_line]
    return _Span(function, min(own), max(own))


def _outermost(spans: Iterable[_Span]) -> list[_Span]:
    found: list[_Span] = []
    for span in spans:
        file, first, last = span.function.file, span.first, span.last
        if any(one.holds(file, first) and one.holds(file, last) for one in found):
            continue
        within = [one for one in found if span.holds(one.function.file, one.first)]
        found = [one for one in found if one not in within]
        found.append(span)
    return found


def _table(
    lines: Lines, span: _Span, sampled: Mapping[tuple[str, int], SampledLine]
) -> FunctionTable:
    file = lines.files[span.function.file]
    rows = {row.line: row for row in lines.rows if span.holds(row.file, row.line)}
    source = linecache.getlines(file)
    numbers = range(span.first, span.last + 1) if source else sorted(rows)
    views = (
        LineView(
            number,
            source[number - 1].rstrip() if number <= len(source) else "",
            rows.get(number),
            # Of the line of a def, memory_profiler shows all memory of the process.
            sampled.get((file, number)) if number in rows and number != span.first else None,
        )
        for number in numbers
    )
    return FunctionTable(
        span.function.name, file, span.first, tuple(views) if rows else (), bool(source)
    )


def _by_statement(sampled: Iterable[SampledLine]) -> dict[tuple[str, int], SampledLine]:
    """memory_profiler's lines, those of one statement added up."""
    statements = {file: first_lines(file) for file in {one.file for one in sampled}}
    found: dict[tuple[str, int], SampledLine] = {}
    for one in sampled:
        place = one.file, statements[one.file].get(one.line, one.line)
        before = found.get(place)
        increment = one.increment_bytes + (before.increment_bytes if before else 0.0)
        found[place] = SampledLine(*place, increment, one.occurrences)
    return found
