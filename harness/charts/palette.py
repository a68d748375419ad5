"""How groups look: a colour and a shape each, so that neither has to be told apart alone.

The colours are those of Okabe and Ito, Color Universal Design (2008), then of Paul Tol's muted
scheme, each darkened to at least 3:1 on white or lightened to 3:1 on black, as WCAG 2.2 asks of
graphics.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.charts.chart import LineFigure

_CIRCLE = "M0.9,0A0.9,0.9,0,1,1,-0.9,0A0.9,0.9,0,1,1,0.9,0Z"


@dataclass(frozen=True)
class Style:
    """The appearance of one group."""

    variable: str  # the CSS variable that holds its colour in the page's present theme
    light: str
    dark: str
    path: str  # SVG, within -1 to 1 both ways
    marker: str  # the same shape in matplotlib


_SHAPES = (
    (_CIRCLE, "o"),
    ("M-0.8,-0.8H0.8V0.8H-0.8Z", "s"),
    ("M0,-1L1,0L0,1L-1,0Z", "D"),
    ("M0,-0.95L0.95,0.8H-0.95Z", "^"),
    ("M-0.35,-0.95H0.35V-0.35H0.95V0.35H0.35V0.95H-0.35V0.35H-0.95V-0.35H-0.35Z", "P"),
    ("M0,0.95L-0.95,-0.8H0.95Z", "v"),
    ("M0.95,0L-0.8,0.95V-0.95Z", ">"),
    ("M-0.95,0L0.8,-0.95V0.95Z", "<"),
    ("M-0.55,-0.95H0.55L1,0L0.55,0.95H-0.55L-1,0Z", "H"),
    ("M0,-1L0.6,0L0,1L-0.6,0Z", "d"),
)
_COLOURS = (
    ("#0072b2", "#4fa8e0"),
    ("#d55e00", "#f0824a"),
    ("#00855f", "#3cc49a"),
    ("#b0568b", "#e09bc3"),
    ("#a86f00", "#f0b429"),
    ("#2a86bb", "#8fd0f5"),
    ("#882255", "#d9709f"),
    ("#72721c", "#c5c25a"),
    ("#483aa8", "#a395f5"),
    ("#7a4a2b", "#cf9f7c"),
)
STYLES = tuple(
    Style(f"--group-{index}", *colours, *shape)
    for index, (colours, shape) in enumerate(zip(_COLOURS, _SHAPES, strict=True))
)
OTHER = Style("--muted", "#5b6470", "#9aa4b0", _CIRCLE, "o")
"""Groups beyond the palette, and strategies without a group, are told apart by name only."""

PART_STYLES: Mapping[str, Style] = {
    "build": STYLES[3],
    "iter()": STYLES[1],
    "first batch": STYLES[4],
    "other batches": STYLES[0],
    "teardown": OTHER,
    "computing": STYLES[2],
    "waiting": STYLES[1],
    "host blocked": STYLES[1],
    "then on its way": STYLES[0],
    "file pages": OTHER,
    "anonymous": STYLES[0],
    "shared memory": STYLES[4],
}
"""The parts of bars: what comes before the work in warm colours, the work blue, the rest grey."""


def part_styles(parts: Sequence[str]) -> Mapping[str, Style]:
    """The looks of a figure's parts: those that they always have, or else ones that are free."""
    known = [PART_STYLES[part] for part in parts if part in PART_STYLES]
    free = (style for style in STYLES if style not in known)
    return {part: PART_STYLES.get(part) or next(free, OTHER) for part in parts}


INK = "#1a1d21"
MUTED = "#5b6470"
RULE = "#d5dae0"


def styles(groups: Iterable[str]) -> Mapping[str, Style]:
    """Assign looks in order of first appearance."""
    named = [group for group in dict.fromkeys(groups) if group]
    given = dict(zip(named, STYLES, strict=False))
    return {group: given.get(group, OTHER) for group in [*named, ""]}


def line_styles(figure: LineFigure, groups: Mapping[str, Style]) -> tuple[Mapping[str, Style], str]:
    """The looks of a figure's lines, and what they are looked up by: ``group`` or ``name``."""
    return (styles(figure.names), "name") if figure.names else (groups, "group")


def named_lines(figure: LineFigure) -> list[tuple[str, Style | None]]:
    """The lines that have looks of their own; the baseline's, which is dashed, is None."""
    own = styles(figure.names)
    return [
        (line.name, None if line.emphasis == "baseline" else own[line.name])
        for line in figure.lines
        if figure.names
    ]
