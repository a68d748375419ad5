"""What a column is, and those columns that page and summary show of a case, each stated once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.analysis.remarks import model_error
from harness.analysis.stalls import stall_text
from harness.analysis.sweep import Sweep
from harness.analysis.wording import comparison
from harness.cases.summary import CaseSummary
from harness.report.words.text import (
    SMALL_RATIO,
    cache_text,
    ceiling_text,
    count_text,
    epoch_text,
    format_ratio,
    interval_text,
    loss_text,
    peak_text,
    rate_text,
    ratio_text,
    samples_per_s_text,
    share_text,
    tree_text,
    yes_no,
)
from harness.schema.numbers import finite
from harness.units import MISSING, format_multiple, format_seconds, format_size

TWO_MODES = "samples fall into two clusters; the median describes neither"


@dataclass(frozen=True)
class Cell:
    """What a table shows of one case in one column."""

    text: str
    range: str = ""  # in small print behind it: an interval, or a remark
    tip: str = ""  # what a reader sees on pointing at it
    star: str = ""  # why there is an asterisk behind it; "" where there is none
    mark: str = ""  # set off from the rest, as a contradiction is
    outcome: str = "wrong"  # what the mark looks like
    place: str = ""  # ``file.py:12``
    code: str = ""  # the line there
    looks: str = ""  # classes of the style sheet
    width: int = 1  # columns that it covers; those it covers have no cell

    @property
    def whole(self) -> str:
        """All in one text: ``12.3 ms (11.9–13.1 ms)``."""
        return f"{self.text} ({self.range})" if self.range else self.text


NOT_MEASURED = Cell(MISSING, looks="quiet")


@dataclass(frozen=True)
class Column:
    """A heading, and what stands below it."""

    heading: str | Callable[[Sweep], str]
    cell: Callable[[CaseSummary], Cell | None]  # None below a cell that covers this column
    when: Callable[[Sweep], bool] = lambda _: True
    number: bool = True  # set flush right
    optional: bool = False  # left out where no case has anything to show in it

    def head(self, sweep: Sweep) -> str:
        """The heading, in which `code` may stand and lines may end."""
        return self.heading if isinstance(self.heading, str) else self.heading(sweep)


def chosen(
    columns: Sequence[Column], sweep: Sweep, rows: Sequence[CaseSummary] = ()
) -> tuple[Column, ...]:
    """The columns that a table of some cases has; of another program's, those with anything."""
    foreign = any(not row.ours for row in rows)
    return tuple(
        column
        for column in columns
        if column.when(sweep) and not ((column.optional or foreign) and _empty(column, rows))
    )


def _empty(column: Column, rows: Sequence[CaseSummary]) -> bool:
    return all(cell is None or cell.text == MISSING for cell in map(column.cell, rows))


def cells(columns: Sequence[Column], row: CaseSummary) -> tuple[tuple[Column, Cell], ...]:
    """The cells of one case, each with its column."""
    found = ((column, column.cell(row)) for column in columns)
    return tuple((column, cell) for column, cell in found if cell is not None)


def pace_name(sweep: Sweep) -> str:
    """What the steady state is given for."""
    return "per sample" if sweep.info.epochs else "steady state"


def _first_name(sweep: Sweep) -> str:
    return "first batch" if sweep.info.epochs else "first call"


def _trains(sweep: Sweep) -> bool:
    return sweep.info.trains


def _only_calls(sweep: Sweep) -> bool:
    return not sweep.info.trains


def _pace(row: CaseSummary) -> Cell:
    return Cell(
        format_seconds(row.pace.median),
        interval_text(row.pace, format_seconds),
        epoch_text(row),
        TWO_MODES if row.two_modes else "",
    )


def _outcome(row: CaseSummary) -> Cell:
    partly = row.ok and row.unverified
    text = "partly verified" if partly else ""
    return Cell(
        row.outcome, text, f"not verified: {row.unverified}" if partly else "", looks="quiet"
    )


def _ratio(row: CaseSummary) -> Cell:
    """With its interval where that is of interest: not of what costs next to nothing."""
    small = row.baseline or row.ratio.high < SMALL_RATIO
    return Cell(
        format_ratio(row.ratio.median), "" if small else interval_text(row.ratio, format_ratio)
    )


def _share_of_ceiling(row: CaseSummary) -> Cell:
    return Cell(
        share_text(row),
        "above it" if row.above_ceiling else "",
        f"of {ceiling_text(row.ceiling)}" if row.ceiling else "",
    )


def _peak(row: CaseSummary) -> Cell:
    """In multiples of the data, or in bytes where its size is not known."""
    as_multiple = row.payload_bytes > 0 or math.isnan(row.extra_bytes)
    text = format_multiple(row.peak_multiple) if as_multiple else format_size(row.extra_bytes)
    return Cell(text, tip=peak_text(row))


def _stated(name: str, write: Callable[[float], str] = format_seconds) -> Column:
    """A statistic of another program."""

    def cell(row: CaseSummary) -> Cell:
        value = finite(row.stated.get(name))
        return Cell(MISSING if value is None else write(value))

    return Column(name, cell, optional=True)


def _copies(row: CaseSummary) -> Cell:
    declared = format_multiple(row.expected_copies)
    if not (row.ok and model_error(row)):
        return Cell(format_multiple(row.copies))
    return Cell(format_multiple(row.copies), tip=f"declared: {declared}", mark=f"≠ {declared}")


PACE = Column(pace_name, _pace)
FIRST = Column(
    _first_name,
    lambda row: Cell(
        format_seconds(row.first.median), tip=interval_text(row.first, format_seconds)
    ),
)
PEAK = Column("extra memory", _peak)
COPIES = Column("copies", _copies)
AGAINST = Column(
    "against the baseline",
    lambda row: Cell(MISSING if row.baseline else comparison(row.ratio) or ratio_text(row.ratio)),
)
STALL = Column(
    "stalled",
    lambda row: Cell(stall_text(row.training.stall) if row.training else MISSING),
    _trains,
)
SAMPLES = Column(
    "samples/s",
    lambda row: Cell(samples_per_s_text(row).removesuffix("/s"), tip=cache_text(row)),
    _trains,
)
TREE = Column(
    "whole tree",
    lambda row: Cell(format_multiple(row.tree_multiple), tip=tree_text(row)),
    optional=True,
)
ADDED = Column("adding up RSS", lambda row: Cell(format_multiple(row.tree_rss_multiple)))
PROCESSES = Column(
    "processes", lambda row: Cell(str(row.tree.peak.processes) if row.tree else MISSING)
)
STRATEGY_COLUMNS = (
    Column("outcome", _outcome, number=False),
    FIRST,
    PACE,
    *(_stated(name) for name in ("min", "mean", "stddev", "max")),
    _stated("rounds", count_text),
    Column("ratio", _ratio),
    SAMPLES,
    STALL,
    Column("loss", lambda row: Cell(loss_text(row)), _trains),
    Column("GB/s", lambda row: Cell(rate_text(row).removesuffix(" GB/s")), _only_calls),
    Column("of ceiling", _share_of_ceiling, _only_calls),
    PEAK,
    COPIES,
    TREE,
    Column(
        "open files",
        lambda row: Cell(MISSING if row.tree is None else str(row.tree.most_open_files)),
        optional=True,
    ),
    Column("shares", lambda row: Cell(yes_no(row.shares_memory)), _only_calls, number=False),
    Column(
        "faults,\nfirst / steady",
        lambda row: Cell(f"{count_text(row.faults_first)} / {count_text(row.faults_steady)}"),
        _only_calls,
    ),
)
"""The table of every strategy at one size."""
