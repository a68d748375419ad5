"""How groups look: a colour and a shape each, so that neither has to be told apart alone.

The colours are those of Okabe and Ito, Color Universal Design (2008), then of Paul Tol's muted
scheme, each darkened to at least 3:1 on white or lightened to 3:1 on black, as WCAG 2.2 asks of
graphics.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_STAR = "M0,-1L0.25,-0.34L0.95,-0.31L0.4,0.13L0.59,0.81L0,0.42L-0.59,0.81L-0.4,0.13L-0.95,-0.31L-0.25,-0.34Z"  # noqa: E501


@dataclass(frozen=True)
class Look:
    """The appearance of one group."""

    variable: str  # the CSS variable that holds its colour in the page's present theme
    light: str
    dark: str
    vega_shape: str
    matplotlib_marker: str


LOOKS = tuple(
    Look(f"--group-{index}", *rest)
    for index, rest in enumerate(
        (
            ("#0072b2", "#4fa8e0", "circle", "o"),
            ("#d55e00", "#f0824a", "square", "s"),
            ("#00855f", "#3cc49a", "diamond", "D"),
            ("#b0568b", "#e09bc3", "triangle-up", "^"),
            ("#a86f00", "#f0b429", "cross", "P"),
            ("#2a86bb", "#8fd0f5", "triangle-down", "v"),
            ("#882255", "#d9709f", "triangle-right", ">"),
            ("#72721c", "#c5c25a", "triangle-left", "<"),
            ("#483aa8", "#a395f5", _STAR, "*"),
        )
    )
)
OTHER = Look("--muted", "#5b6470", "#9aa4b0", "circle", "o")
"""Groups beyond the palette, and strategies without a group, are told apart by name only."""

INK = "#1a1d21"
MUTED = "#5b6470"
RULE = "#d5dae0"


def looks(groups: Iterable[str]) -> Mapping[str, Look]:
    """Assign looks in order of first appearance."""
    named = [group for group in dict.fromkeys(groups) if group]
    given = dict(zip(named, LOOKS, strict=False))
    return {group: given.get(group, OTHER) for group in [*named, ""]}
