"""What was varied beside the size: one small table per parameter, and one for the hosts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.analysis.sweep import Sweep, setting
from harness.analysis.verdict_limit import largest_text
from harness.cases.summary import CaseSummary
from harness.planning.parameter_values import in_order
from harness.report.content.columns import NOT_MEASURED, Cell
from harness.report.words.limits import beyond_text
from harness.report.words.text import cache_text, epoch_text, format_ratio, tree_text
from harness.schema.records import DEFAULT_HOST
from harness.schema.values import value_text
from harness.units import format_multiple, format_seconds, size_text


@dataclass(frozen=True)
class Variation:
    """Strategies by the values of one parameter, or by host."""

    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


def quantity(sweep: Sweep) -> str:
    """What the entries of a scenario are, as the beginning of a sentence."""
    if sweep.by_memory:
        return "Growth of the whole process tree, in multiples of the data"
    if sweep.by_size:
        return "The largest data that survives, and how the next size fails"
    pace = "Time per sample" if sweep.info.epochs else "Steady state"
    return f"{pace}, and the ratio to the baseline with the same values"


def variations(sweep: Sweep) -> tuple[Variation, ...]:
    """Every parameter that took several values while all others stood still, then the hosts."""
    tables = [_parameter(sweep, name) for name in sweep.info.parameters if name != "size"]
    return tuple(table for table in (*tables, _hosts(sweep)) if table is not None)


def further(sweep: Sweep) -> tuple[tuple[str, str, str, Cell], ...]:
    """Cases that no variation shows, since several things were varied at once.

    Returns:
        Strategy, setting, size and cell of each.
    """
    shown = {
        id(row) for name in sweep.info.parameters if name != "size" for row in sweep.varying(name)
    } | {id(row) for row in _elsewhere(sweep)}
    return tuple(
        (row.name, setting(row, sweep.info), size_text(row.size_bytes), _cell(sweep, row))
        for row in sweep.others
        if id(row) not in shown and not (row.baseline and row.host == DEFAULT_HOST)
    )


def _elsewhere(sweep: Sweep) -> list[CaseSummary]:
    """The cases on other hosts in which nothing else was varied."""
    return [
        row
        for row in sweep.others
        if row.host != DEFAULT_HOST and dict(row.parameters) == sweep.usual.get(row.strategy)
    ]


def _parameter(sweep: Sweep, name: str) -> Variation | None:
    info = sweep.info.parameters[name]
    found = sweep.variation(name)
    if not found:
        return None
    size = found[0].size_bytes
    values_of = Counter(row.strategy for row in found)
    # A strategy that took but the default has nothing to add.
    rows = [
        row for row in found if values_of[row.strategy] > 1 or row.parameters[name] != info.default
    ]
    values = in_order((row.parameters[name] for row in rows), info.choices or info.full)
    where = f"at {size_text(size)}" if size is not None else ""
    beside = ", ".join(f"{other}={value}" for other, value in info.beside.items())
    parts = (info.doc, where, f"with {beside}" if beside else "")
    return Variation(
        name,
        "; ".join(part for part in parts if part),
        tuple(value_text(name, value) for value in values),
        _rows(sweep, rows, values, lambda row: row.parameters[name]),
    )


def _hosts(sweep: Sweep) -> Variation | None:
    varied = _elsewhere(sweep)
    if not varied:
        return None
    size = _one_size(sweep, varied)
    strategies = {row.strategy for row in varied}
    rows = [
        row
        for row in (*sweep.main, *varied)
        if row.size_bytes == size and row.strategy in strategies
    ]
    columns = list(dict.fromkeys([DEFAULT_HOST, *(row.host for row in varied)]))
    settings = "; ".join(
        f"{variant.name}: {' '.join(f'{key}={value}' for key, value in variant.env.items())}"
        for variant in sweep.info.variants
        if variant.name in columns
    )
    where = f"at {size_text(size)}" if size is not None else ""
    return Variation(
        "host",
        "; ".join(part for part in (settings, where) if part),
        tuple(columns),
        _rows(sweep, rows, columns, lambda row: row.host),
    )


def _one_size(sweep: Sweep, rows: Sequence[CaseSummary]) -> int | None:
    """The reference size where the rows have it, else their largest."""
    sizes = {row.size_bytes for row in rows}
    return sweep.reference if sweep.reference in sizes else max(sizes, key=lambda size: size or 0)


def _rows(
    sweep: Sweep,
    rows: Sequence[CaseSummary],
    columns: Sequence[object],
    column_of: Callable[[CaseSummary], object],
) -> tuple[tuple[str, tuple[Cell, ...]], ...]:
    found = {(row.strategy, column_of(row)): _cell(sweep, row) for row in rows}
    names = [one.name for one in sweep.info.strategies]
    present = {strategy for strategy, _ in found}
    return tuple(
        (name, tuple(found.get((name, column), NOT_MEASURED) for column in columns))
        for name in names
        if name in present
    )


def _cell(sweep: Sweep, row: CaseSummary) -> Cell:
    """What a scenario compares, and the ratio to the baseline or how the next size fails."""
    if not row.ok:
        return Cell("", tip=row.reason, mark=row.outcome, outcome=row.outcome)
    if sweep.by_memory:
        return Cell(format_multiple(row.tree_multiple), tip=tree_text(row))
    if sweep.by_size and row.limit:
        fails = "" if row.limit.beyond else row.limit.kind
        return Cell(largest_text(row), fails, beyond_text(row.limit))
    ratio = "" if row.baseline or math.isnan(row.ratio.median) else format_ratio(row.ratio.median)
    told = [epoch_text(row), cache_text(row) if row.cache else ""]
    return Cell(format_seconds(row.pace.median), ratio, "; ".join(text for text in told if text))
