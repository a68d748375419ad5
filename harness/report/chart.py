"""Figures as plain descriptions, which know no renderer.

There are two kinds: lines over a numeric axis, and rows of dots, one row per strategy. Values are
in bytes, seconds, bytes a second or plain multiples; an axis says which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.report.ticks import Tick, Unit

Emphasis = Literal["baseline", "best", "rest"]
Role = Literal["main", "second", "declared"]
Tip = tuple[tuple[str, str], ...]
"""What a reader sees on pointing at a mark: names and exact values."""


@dataclass(frozen=True)
class Axis:
    """One scale. On a logarithmic one domain and ticks are given; a linear one starts at zero."""

    title: str
    unit: Unit
    log: bool
    low: float = 0.0
    high: float = 0.0
    ticks: tuple[Tick, ...] = ()


@dataclass(frozen=True)
class Reference:
    """A limit to compare with, drawn across the figure."""

    value: float
    label: str


@dataclass(frozen=True)
class Point:
    """One measured value with its interval."""

    x: float
    y: float
    low: float
    high: float
    tip: Tip


@dataclass(frozen=True)
class Line:
    """One strategy over the x axis."""

    name: str
    group: str
    emphasis: Emphasis
    points: tuple[Point, ...]


@dataclass(frozen=True)
class LineFigure:
    """Lines, of which the emphasised ones are labelled at their last point."""

    scenario: str
    key: str  # unique within a scenario
    title: str
    subtitle: str  # what to read off it
    x: Axis
    y: Axis
    lines: tuple[Line, ...]


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
    size_bytes: int  # the one to show first; 0 for scenarios without sizes
    roles: tuple[tuple[Role, str], ...]  # what each kind of mark stands for
    joined: bool  # draw a line from the first role to the second; else from zero to the first
    references: tuple[Reference, ...] = ()


Figure = LineFigure | DotFigure


def file_stem(figure: Figure) -> str:
    """A file name without its ending, unique within a report."""
    return f"{figure.scenario}-{figure.key}"


def at_size(figure: DotFigure, size_bytes: int) -> list[tuple[DotRow, dict[Role, Dot]]]:
    """The rows of a figure with their dots of one size."""
    return [
        (row, {dot.role: dot for dot in row.dots if dot.size_bytes == size_bytes})
        for row in figure.rows
    ]
