"""A scenario's cases as tables: what was measured of each strategy at one size, by group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.failure_wording import code_of, place_of
from harness.analysis.ranking import Ranking, rankings
from harness.analysis.sweep import Sweep, setting
from harness.cases.summary import CaseSummary
from harness.report.content.choices import best_word
from harness.report.content.columns import STRATEGY_COLUMNS, Cell, Column, cells, chosen
from harness.report.words.order import by_group
from harness.report.words.text import standing_at
from harness.units import size_text


@dataclass(frozen=True)
class TableLine:
    """One strategy, and what a reader should notice about it."""

    row: CaseSummary
    setting: str
    published: str  # where it was printed, if it is kept as published
    standing: str  # "fastest" or its like, "level" with that one, "undecided", or ""
    place: str  # where it failed, and the line there
    code: str
    cells: tuple[tuple[Column, Cell], ...]


@dataclass(frozen=True)
class TableGroup:
    """Strategies that make the same promise."""

    name: str
    promise: str
    lines: tuple[TableLine, ...]


@dataclass(frozen=True)
class Table:
    """Strategies by group, in columns."""

    columns: tuple[Column, ...]
    groups: tuple[TableGroup, ...]

    @property
    def width(self) -> int:
        """Columns in all, with the one of the strategies' names."""
        return 1 + len(self.columns)


@dataclass(frozen=True)
class Pane:
    """A scenario's table at one size."""

    size_bytes: int
    title: str
    where: str  # the size, and what stands at one value of several
    reference: bool
    table: Table


def panes(sweep: Sweep) -> tuple[Pane, ...]:
    """One table for every size, ascending."""
    return tuple(
        Pane(
            size or 0,
            size_text(size),
            ", ".join([*([size_text(size)] if size is not None else []), *standing_at(sweep)]),
            size == sweep.reference,
            table(sweep, sweep.at(size), STRATEGY_COLUMNS),
        )
        for size in sweep.sizes
    )


def table(sweep: Sweep, rows: Sequence[CaseSummary], columns: Sequence[Column]) -> Table:
    """One line for every strategy of some cases, which are of one size."""
    shown = chosen(columns, sweep, rows)
    standing = standings(rankings(sweep, rows))
    by_name = {row.strategy: row for row in rows}
    groups = []
    for group, names in by_group(sweep):
        lines = tuple(
            _line(sweep, by_name[name], standing.get(name, ""), shown)
            for name in names
            if name in by_name
        )
        if lines:
            groups.append(TableGroup(group, sweep.info.meaning(group) if group else "", lines))
    return Table(shown, tuple(groups))


def standings(found: Sequence[Ranking]) -> dict[str, str]:
    """By strategy: ``fastest`` or its like, ``level`` with that one, or ``undecided``."""
    contested = [ranking for ranking in found if len(ranking.rows) > 1 and not ranking.too_few]
    return {
        row.strategy: best_word(ranking) if ranking.winner is row else ranking.word
        for ranking in contested
        for row in ranking.leaders
    }


def _line(sweep: Sweep, row: CaseSummary, standing: str, columns: Sequence[Column]) -> TableLine:
    where = row.limit.where if row.limit else row.where
    return TableLine(
        row,
        "" if sweep.by_size else setting(row, sweep.info),  # a budget is that of the whole table
        sweep.info.strategy(row.strategy).published,
        standing,
        place_of(where),
        code_of(where),
        cells(columns, row) if row.ok else (),
    )
