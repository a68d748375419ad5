"""Figures as plain descriptions, which know no renderer.

There are three kinds: lines over a numeric axis, rows of dots and rows of stacked bars, one row
per strategy. Values are in bytes, seconds, bytes a second or plain multiples; an axis says which.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from harness.charts.ticks import Tick, Unit

Emphasis = Literal["baseline", "best", "named", "rest"]
Role = Literal["main", "second", "declared"]
Tip = tuple[tuple[str, str], ...]
"""What a reader sees on pointing at a mark: names and exact values."""


@dataclass(frozen=True)
class Axis:
    """One scale. Where ticks are given the domain is too; else it is linear and starts at zero."""

    title: str
    unit: Unit
    log: bool
    low: float = 0.0
    high: float = 0.0
    ticks: tuple[Tick, ...] = ()

    def share(self, value: float) -> float:
        """Where a value lies between the ends, from 0 to 1."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class ReferenceLine:
    """A limit to compare with, drawn across the figure."""

    value: float
    label: str


@dataclass(frozen=True)
class ChartPoint:
    """One measured value with its interval."""

    x: float
    where: str  # the value of x, as people write it
    y: float
    low: float
    high: float
    tip: Tip


@dataclass(frozen=True)
class ChartLine:
    """One strategy over the x axis."""

    name: str
    group: str
    emphasis: Emphasis
    points: tuple[ChartPoint, ...]


@dataclass(frozen=True)
class LineFigure:
    """Lines, of which those with an emphasis are labelled at their last point."""

    scenario: str
    key: str  # unique within a scenario
    title: str
    subtitle: str  # what to read off it
    x: Axis
    y: Axis
    lines: tuple[ChartLine, ...]
    across: str = "size"  # what x is, for tooltips
    names: tuple[str, ...] = ()  # whose looks are their own; of groups where there are none
    dotted: bool = True  # points are measurements of their own, not samples of a course
    wide: bool = False  # as wide as the page


@dataclass(frozen=True)
class Dot:
    """One value of a row, at one size of the data."""

    size_bytes: int
    role: Role
    value: float
    low: float
    high: float
    tip: Tip


@dataclass(frozen=True)
class DotRow:
    """One strategy, or the heading of a group when it has no dots."""

    name: str
    group: str
    emphasis: Emphasis
    dots: tuple[Dot, ...]

    @property
    def heading(self) -> bool:
        return not self.dots


@dataclass(frozen=True)
class DotFigure:
    """Rows of dots along one axis, for one size at a time."""

    scenario: str
    key: str
    title: str
    subtitle: str
    x: Axis
    rows: tuple[DotRow, ...]
    sizes: tuple[int, ...]
    size_bytes: int  # the one to show first; 0 where there is no choice of sizes
    roles: tuple[tuple[Role, str], ...]  # what each kind of mark stands for
    joined: bool  # draw a line from the first role to the second; else from zero to the first
    references: tuple[ReferenceLine, ...] = ()
    wide: bool = False


@dataclass(frozen=True)
class Bar:
    """One strategy: parts that follow each other, as long as their values."""

    name: str
    group: str
    emphasis: Emphasis
    values: tuple[float, ...]  # one for each part of the figure
    tip: Tip


@dataclass(frozen=True)
class BarFigure:
    """Rows of stacked bars along one axis."""

    scenario: str
    key: str
    title: str
    subtitle: str
    x: Axis
    parts: tuple[str, ...]
    bars: tuple[Bar, ...]
    wide: bool = False


Figure = LineFigure | DotFigure | BarFigure


def file_stem(figure: Figure) -> str:
    """A file name without its ending, unique within a report."""
    return f"{figure.scenario}-{figure.key}"


def at_size(figure: DotFigure, size_bytes: int) -> list[tuple[DotRow, dict[Role, Dot]]]:
    """The rows of a figure with their dots of one size."""
    return [
        (row, {dot.role: dot for dot in row.dots if dot.size_bytes == size_bytes})
        for row in figure.rows
    ]
