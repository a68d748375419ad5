"""The rows of dot figures: strategies by group, each with the dots of its cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.analysis.sweep import Sweep
from harness.analysis.verdict import Verdict
from harness.cases.summary import CaseSummary
from harness.charts.chart import Dot, DotRow, Role, Tip
from harness.report.words.order import by_group, emphasis

Dots = Callable[[CaseSummary], list[Dot]]
CasesOf = Callable[[str], Sequence[CaseSummary]]


def dot_rows(
    sweep: Sweep, verdict: Verdict, dots: Dots, cases_of: CasesOf | None = None
) -> tuple[DotRow, ...]:
    """A heading for every group that has something to show, then its strategies.

    Args:
        sweep: the cases of the scenario.
        verdict: what it brings out.
        dots: what a case shows.
        cases_of: the cases of a strategy; its main ones when not given.
    """
    rows = []
    groups = by_group(sweep)
    for group, names in groups:
        found = []
        for name in names:
            cases = sweep.of(name) if cases_of is None else cases_of(name)
            own = tuple(dot for row in cases for dot in dots(row))
            if own:
                found.append(DotRow(name, group, emphasis(sweep, verdict, name), own))
        if found and len(groups) > 1:
            rows.append(DotRow(group or "no group", group, "rest", ()))
        rows += found
    return tuple(rows)


def dot(row: CaseSummary, role: Role, value: float, low: float, high: float, tip: Tip) -> Dot:
    """One value of a case, at its size."""
    return Dot(row.size_bytes or 0, role, value, low, high, tip)


def sizes_of(rows: Sequence[DotRow]) -> tuple[int, ...]:
    """The sizes of which there is something to show."""
    return tuple(sorted({one.size_bytes for row in rows for one in row.dots}))


def first_size(sweep: Sweep, rows: Sequence[DotRow]) -> int:
    """The reference size, or the largest there is something to show of."""
    sizes = sizes_of(rows)
    return sweep.reference if sweep.reference in sizes else sizes[-1]


def extent(rows: Sequence[DotRow]) -> list[float]:
    """Every value that is shown, and the ends of its interval."""
    dots = [one for row in rows for one in row.dots]
    return [end for one in dots for end in (one.value, one.low, one.high)]


def many(rows: Sequence[DotRow]) -> bool:
    """Whether there is anything to compare."""
    return sum(not row.heading for row in rows) > 1
