"""What was varied beside the size: one small table per parameter, and one for the hosts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.analysis.rows import CaseRow
from harness.analysis.sweep import Sweep, setting
from harness.model import DEFAULT_HOST
from harness.report.text import format_ratio, size_text
from harness.units import format_seconds


@dataclass(frozen=True)
class Entry:
    """One case in a cell: its time and its ratio to the baseline, or why there is neither."""

    outcome: str
    steady: str
    ratio: str
    reason: str


@dataclass(frozen=True)
class Variation:
    """Strategies by the values of one parameter, or by host."""

    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Entry | None, ...]], ...]


def variations(sweep: Sweep) -> tuple[Variation, ...]:
    """Every parameter that took several values while all others stood still, then the hosts."""
    tables = [_parameter(sweep, name) for name in sweep.info.parameters if name != "size"]
    return tuple(table for table in (*tables, _hosts(sweep)) if table is not None)


def further(sweep: Sweep) -> tuple[tuple[str, str, str, Entry], ...]:
    """Cases that no variation shows, since several things were varied at once.

    Returns:
        Strategy, setting, size and entry of each.
    """
    rows = [row for row in sweep.others if _departures(sweep, row) != 1]
    return tuple(
        (row.name, setting(row, sweep.info), size_text(row.size_bytes), _entry(row))
        for row in rows
        if not (row.baseline and row.host == DEFAULT_HOST)
    )


def _departures(sweep: Sweep, row: CaseRow) -> int:
    """In how many respects a case differs from its strategy's main ones."""
    main = next((one for one in sweep.main if one.strategy == row.strategy), None)
    usual = dict(main.parameters) if main else {}
    changed = sum(usual.get(name) != value for name, value in row.parameters.items())
    return changed + (row.host != DEFAULT_HOST)


def _parameter(sweep: Sweep, name: str) -> Variation | None:
    usual = {row.strategy: row.parameters.get(name) for row in sweep.main}
    varied = [
        row
        for row in sweep.others
        if row.host == DEFAULT_HOST
        and _departures(sweep, row) == 1
        and row.parameters.get(name) != usual.get(row.strategy, row.parameters.get(name))
    ]
    # The baseline is measured wherever another strategy is: that alone is no variation.
    if not any(not row.baseline for row in varied):
        return None
    size = _one_size(sweep, varied)
    rows = [row for row in (*sweep.main, *varied) if row.size_bytes == size]
    info = sweep.info.parameters[name]
    known = [str(value) for value in info.choices or info.full]
    columns = sorted(
        dict.fromkeys(str(row.parameters.get(name)) for row in rows),
        key=lambda value: known.index(value) if value in known else len(known),
    )
    where = f"at {size_text(size)}" if size is not None else ""
    return Variation(
        name,
        "; ".join(part for part in (info.doc, where) if part),
        tuple(columns),
        _entries(sweep, rows, columns, lambda row: str(row.parameters.get(name))),
    )


def _hosts(sweep: Sweep) -> Variation | None:
    varied = [
        row for row in sweep.others if row.host != DEFAULT_HOST and _departures(sweep, row) == 1
    ]
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
        _entries(sweep, rows, columns, lambda row: row.host),
    )


def _one_size(sweep: Sweep, rows: Sequence[CaseRow]) -> int | None:
    """The reference size where the rows have it, else their largest."""
    sizes = {row.size_bytes for row in rows}
    if sweep.reference in sizes:
        return sweep.reference
    return max((size for size in sizes if size is not None), default=None)


def _entries(
    sweep: Sweep,
    rows: Sequence[CaseRow],
    columns: Sequence[str],
    column_of: Callable[[CaseRow], str],
) -> tuple[tuple[str, tuple[Entry | None, ...]], ...]:
    found = {(row.strategy, column_of(row)): _entry(row) for row in rows}
    names = [one.name for one in sweep.info.strategies]
    present = {strategy for strategy, _ in found}
    return tuple(
        (name, tuple(found.get((name, column)) for column in columns))
        for name in names
        if name in present
    )


def _entry(row: CaseRow) -> Entry:
    ratio = "" if row.baseline or math.isnan(row.ratio.median) else format_ratio(row.ratio.median)
    return Entry(row.outcome, format_seconds(row.steady.median), ratio, row.reason)
