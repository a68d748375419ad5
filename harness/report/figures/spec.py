"""Figures of one row for every strategy as declarations: bars and dots.

A declaration says which cases to take, what each shows, and how the figure is read. Its texts may
name {at}, the size; {beside}, what the main cases share besides; {first}, call or epoch; and
{rules}, what the upright rules stand for, where there are any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from harness.analysis.sweep import Sweep
from harness.analysis.verdict import Verdict
from harness.cases.summary import CaseSummary
from harness.charts.axes import linear_axis, log_axis_of
from harness.charts.chart import (
    Axis,
    Bar,
    BarFigure,
    Dot,
    DotFigure,
    DotRow,
    Figure,
    ReferenceLine,
    Role,
    Tip,
)
from harness.charts.ticks import Unit
from harness.report.words.kinds import Kind, kind_of
from harness.report.words.order import by_group, emphasis
from harness.report.words.text import beside, ceiling_text
from harness.stats.intervals import Interval
from harness.units import format_rate, format_size

ROOM = 1.02
"""Bars end this much before their axis does."""
Values = tuple[float, float, float]
"""A value, and the ends of its interval."""
Text = str | Callable[[Sweep, Sequence[CaseSummary]], str]


@dataclass(frozen=True)
class Subject:
    """What the figures of a scenario are about."""

    sweep: Sweep
    verdict: Verdict


class FigureSpec(Protocol):
    """A figure that can be made of any scenario that it is meant for."""

    @property
    def when(self) -> Callable[[Sweep], bool]:
        """Whether it is meant for a scenario."""

    def figures(self, subject: Subject) -> Iterator[Figure]:
        """The figures: none where a scenario has nothing to show."""


def of(*kinds: Kind) -> Callable[[Sweep], bool]:
    """For scenarios of these kinds."""
    return lambda sweep: kind_of(sweep) in kinds


def exactly(value: float) -> Values:
    """A value without an interval."""
    return value, value, value


def within(interval: Interval) -> Values:
    """A median and the ends of its interval."""
    return interval.median, interval.low, interval.high


def rate_within(row: CaseSummary, bytes_per_s: float) -> Values:
    """A rate, and the ends of the interval of the steady state that it comes from."""
    moved = bytes_per_s * row.steady.median
    return bytes_per_s, moved / row.steady.high, moved / row.steady.low


def main_cases(sweep: Sweep) -> Sequence[CaseSummary]:
    """Those at every size."""
    return sweep.main


def at_reference(sweep: Sweep) -> Sequence[CaseSummary]:
    """Those at the size that a reader should see first."""
    return sweep.at(sweep.reference)


def rules_of(rows: Iterable[CaseSummary]) -> tuple[ReferenceLine, ...]:
    """A rule for each ceiling that cases are held against, the lowest first."""
    found: dict[str, float] = {}
    for ceiling in (row.ceiling for row in rows if row.ceiling):
        text = ceiling_text(ceiling)
        found[text] = max(ceiling.bytes_per_s, found.get(text, 0.0))
    return tuple(
        ReferenceLine(rate, f"{text}, {format_rate(rate)}")
        for text, rate in sorted(found.items(), key=lambda item: item[1])
    )


def _written(text: Text, sweep: Sweep, rows: Sequence[CaseSummary], rules: str = "") -> str:
    if not isinstance(text, str):
        return text(sweep, rows)
    size = sweep.reference
    return text.format(
        at=f" At {format_size(size)}." if size is not None else "",
        beside=beside(sweep),
        first="epoch" if sweep.info.epochs else "call",
        rules=rules,
    )


@dataclass(frozen=True)
class BarSpec:
    """Stacked bars, one for every strategy."""

    when: Callable[[Sweep], bool]
    key: str
    title: str
    subtitle: Text
    axis: tuple[str, Unit]
    parts: tuple[str, ...]
    # One for each part; none of what shows nothing.
    values: Callable[[CaseSummary], Sequence[float]]
    tip: Callable[[CaseSummary], Tip]
    among: Callable[[Sweep], Sequence[CaseSummary]] = at_reference
    wide: bool = True

    def figures(self, subject: Subject) -> Iterator[BarFigure]:
        """One, where there are two bars to compare."""
        sweep = subject.sweep
        rows = {row.strategy: row for row in self.among(sweep) if self.values(row)}
        bars = tuple(
            Bar(
                name,
                group,
                emphasis(sweep, subject.verdict, name),
                tuple(self.values(rows[name])),
                self.tip(rows[name]),
            )
            for group, names in by_group(sweep)
            for name in names
            if name in rows
        )
        if len(bars) > 1:
            yield BarFigure(
                sweep.info.name,
                self.key,
                self.title,
                _written(self.subtitle, sweep, list(rows.values())),
                linear_axis(*self.axis, max(sum(bar.values) for bar in bars) * ROOM),
                self.parts,
                bars,
                self.wide,
            )


@dataclass(frozen=True)
class DotSpec:
    """Rows of dots, one for every strategy, at one size or several."""

    when: Callable[[Sweep], bool]
    key: str
    title: str
    subtitle: Text
    axis: Axis | Callable[[Sequence[float]], Axis]  # or of all values, and the rules' among them
    roles: Mapping[Role, str]  # what each kind of mark stands for
    values: Callable[[CaseSummary], Mapping[Role, Values]]  # nothing of what a case does not show
    tip: Callable[[CaseSummary], Tip]
    among: Callable[[Sweep], Sequence[CaseSummary]] = main_cases
    sized: bool = True  # else all cases are of one size, or it does not matter
    joined: bool = False
    wide: bool = False
    least: int = 2  # strategies that make a figure
    references: Callable[[Subject], tuple[ReferenceLine, ...]] = lambda _: ()
    rules: Text = ""

    def figures(self, subject: Subject) -> Iterator[DotFigure]:
        """One, where there are strategies enough."""
        sweep, rows = subject.sweep, self._rows(subject)
        if sum(not row.heading for row in rows) < self.least:
            return
        cases = self.among(sweep)
        references = self.references(subject)
        dots = [dot for row in rows for dot in row.dots]
        sizes = tuple(sorted({dot.size_bytes for dot in dots}))
        ends = [end for dot in dots for end in (dot.value, dot.low, dot.high)]
        ends += [reference.value for reference in references]
        rules = _written(self.rules, sweep, cases) if references else ""
        yield DotFigure(
            sweep.info.name,
            self.key,
            self.title,
            _written(self.subtitle, sweep, cases, rules),
            self.axis if isinstance(self.axis, Axis) else self.axis(ends),
            rows,
            sizes,
            sweep.reference if sweep.reference in sizes else sizes[-1],
            tuple((role, _written(name, sweep, cases)) for role, name in self.roles.items()),
            self.joined,
            references,
            self.wide,
        )

    def _rows(self, subject: Subject) -> tuple[DotRow, ...]:
        """A heading for every group that has something to show, then its strategies."""
        sweep = subject.sweep
        dots: dict[str, list[Dot]] = {}
        for row in sorted(self.among(sweep), key=lambda row: row.size_bytes or 0):
            dots.setdefault(row.strategy, []).extend(self._dots(row))
        rows = []
        groups = by_group(sweep)
        for group, names in groups:
            found = [
                DotRow(name, group, emphasis(sweep, subject.verdict, name), tuple(dots[name]))
                for name in names
                if dots.get(name)
            ]
            if found and len(groups) > 1:
                rows.append(DotRow(group or "no group", group, "rest", ()))
            rows += found
        return tuple(rows)

    def _dots(self, row: CaseSummary) -> Iterator[Dot]:
        values = self.values(row)
        tip = self.tip(row) if values else ()
        size = row.size_bytes or 0 if self.sized else 0
        for role, (value, low, high) in values.items():
            yield Dot(size, role, value, low, high, tip)


@dataclass(frozen=True)
class OtherSpec:
    """A figure of another form, as what makes it."""

    when: Callable[[Sweep], bool]
    make: Callable[[Subject], Iterator[Figure | None]]

    def figures(self, subject: Subject) -> Iterator[Figure]:
        return (figure for figure in self.make(subject) if figure is not None)


def log_values(title: str, unit: Unit) -> Callable[[Sequence[float]], Axis]:
    """A logarithmic axis of whatever values are shown."""
    return partial(log_axis_of, title, unit)
