"""What in the conversion matrix a user would not notice until too late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.matrix import CellKind, Grid

DANGERS: dict[CellKind, str] = {
    "aborts": "end the process",
    "wrong": "return other values without an error",
}
WORKING: tuple[CellKind, ...] = ("shares", "copies", "casts", "warns")
MOST_NAMED = 3


@dataclass(frozen=True)
class Danger:
    """APIs that fail alike, and on what."""

    kind: CellKind
    apis: tuple[str, ...]
    layouts: tuple[str, ...]
    dtypes: tuple[str, ...]

    @property
    def text(self) -> str:
        """``from_dlpack`` with layout negative (14 dtypes). Names stand in backticks."""
        apis = ", ".join(f"`{api}`" for api in self.apis)
        layouts = _named(self.layouts, "layout")
        dtypes = _named(self.dtypes, "dtype").removeprefix("dtype ")
        return f"{apis} with {layouts} ({dtypes})"


def _named(names: Sequence[str], what: str) -> str:
    if len(names) > MOST_NAMED:
        return f"{len(names)} {what}s"
    return f"{what} {', '.join(names)}"


def dangers(grid: Grid) -> tuple[Danger, ...]:
    """The dangerous cells of a matrix, those alike together, the most cells first."""
    places: dict[tuple[CellKind, str], tuple[dict[str, None], dict[str, None]]] = {}
    for panel in grid.panels:
        for api, cells in zip(grid.apis, panel.cells, strict=True):
            for layout, cell in zip(grid.layouts, cells, strict=True):
                if cell.kind in DANGERS:
                    layouts, dtypes = places.setdefault((cell.kind, api), ({}, {}))
                    layouts[layout] = None
                    dtypes.update(dict.fromkeys(panel.dtypes))
    alike: dict[tuple[CellKind, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (kind, api), (layouts, dtypes) in places.items():
        alike.setdefault((kind, tuple(layouts), tuple(dtypes)), []).append(api)
    found = [
        Danger(kind, tuple(apis), layouts, dtypes)
        for (kind, layouts, dtypes), apis in alike.items()
    ]
    order = list(DANGERS)
    return tuple(
        sorted(found, key=lambda one: (order.index(one.kind), -len(one.layouts) * len(one.dtypes)))
    )


def summary(grid: Grid) -> tuple[str, ...]:
    """A matrix in sentences: how many conversions do what, and the dangerous ones by name."""
    total = sum(count for kind, count in grid.counts.items() if kind != "none")
    if not total:
        return ("No cell of this matrix was measured.",)
    fine = sum(grid.counts.get(kind, 0) for kind in WORKING)
    raising = grid.counts.get("raises", 0)
    sentences = [f"Of {total} conversions {fine} work and {raising} raise."]
    found = dangers(grid)
    for kind, what in DANGERS.items():
        told = [danger.text for danger in found if danger.kind == kind]
        if told:
            more = f"; {len(told) - MOST_NAMED} more" if len(told) > MOST_NAMED else ""
            sentences.append(f"{grid.counts[kind]} {what}: {'; '.join(told[:MOST_NAMED])}{more}.")
    return tuple(sentences)
