"""Is peak memory right where the heap has holes? Blocks of known size in heaps with planted holes.

The truths are declared in :mod:`harness.trial.planted.holes`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from harness.host.host import Host
from harness.schema.records import Value
from harness.selfcheck.memory_accuracy import AccuracyCheck, compared, missing
from harness.selfcheck.planted import TRUTHS_FILE, Planted, planted
from harness.units import MIB, format_size

HOLE_TRUTHS_FILE = TRUTHS_FILE.with_name("holes.py")
KINDS = ("numpy", "torch", "python")
SIZES = (512, 4096, 100 * 1024, MIB)
_SHAPE = re.compile(r"\((\d+), (\d+)\)")
SHARE, BYTES = 0.02, 256 * 1024
PYTHON_BYTES = MIB
"""Small objects of Python lie in arenas of this size."""
UNKNOWN_SHARE = 0.02
"""Of all cells, those in which the figure may be refused."""


@dataclass(frozen=True)
class HoleCell:
    """Blocks of one kind and size, in a heap with holes of one size."""

    kind: str
    block: int
    holes: int = 0  # none
    threads: bool = False  # which leave holes, and make the blocks

    @property
    def name(self) -> str:
        """In a few words."""
        where = f"holes of {format_size(self.holes)}" if self.holes else "no holes"
        threads = ", after threads and in one" if self.threads else ""
        return f"{self.kind}, blocks of {format_size(self.block)}, {where}{threads}"

    @property
    def parameters(self) -> dict[str, Value]:
        """Of its trial."""
        return {
            "block": self.block,
            "kind": self.kind,
            "holes": self.holes,
            "threads": int(self.threads),
        }


CELLS = tuple(
    HoleCell(kind, block, holes, threads)
    for kind in KINDS
    for block in SIZES
    for holes in (0, *SIZES)
    for threads in (False, True)
)
QUICK_CELLS = (
    *(HoleCell("numpy", size, size) for size in SIZES),
    HoleCell("numpy", 4096, 4096, threads=True),
    HoleCell("torch", 4096, 4096),
    HoleCell("python", 512, 512),
)


def hole_checks(host: Host, cells: Iterable[HoleCell] = QUICK_CELLS) -> Iterator[AccuracyCheck]:
    """The peak of each cell against what its blocks need by hand."""
    truths: dict[tuple[str, int], Truth | str] = {}
    with planted(host) as planting:
        for cell in cells:
            key = cell.kind, cell.block
            if key not in truths:
                truths[key] = _by_hand(planting, *key)
            truth = truths[key]
            if isinstance(truth, str):
                yield missing(cell.name, _tolerance(cell), "bytes", truth)
            else:
                yield _check(planting, cell, truth)


Truth = tuple[int, int]
"""The least and the most that blocks need: aligned ones leave gaps, by chance more or less."""


def _by_hand(planting: Planted, kind: str, block: int) -> Truth | str:
    """What blocks need in heaps without holes, or why that is not known."""
    lots: list[int] = []
    for threads in (0, 1):
        parameters: dict[str, Value] = {"block": block, "kind": kind, "threads": threads}
        found, _, problem = planting.trial(
            "hole_truths", "by_hand", parameters, file=HOLE_TRUTHS_FILE
        )
        needed = _SHAPE.search(found.result) if found is not None and not problem else None
        if needed is None:
            return f"what blocks of {kind} need is not known: {problem or 'no measurement'}"
        lots += map(int, needed.groups())
    return min(lots), max(lots)


def _tolerance(cell: HoleCell, needed_bytes: int = 0) -> float:
    return max(SHARE * needed_bytes, PYTHON_BYTES if cell.kind == "python" else BYTES)


def _check(planting: Planted, cell: HoleCell, truth: Truth) -> AccuracyCheck:
    tolerance = _tolerance(cell, truth[0])
    found, _, problem = planting.trial(
        "hole_truths", "make", cell.parameters, file=HOLE_TRUTHS_FILE
    )
    ledger = found.ledger if found is not None and not problem else None
    if ledger is None:
        return missing(cell.name, tolerance, "bytes", problem)
    if ledger.doubt:
        return replace(missing(cell.name, tolerance, "bytes", ledger.doubt), refused=True)
    measured = ledger.peak_extra_bytes
    nearest = min(max(measured, truth[0]), truth[1])
    return compared(cell.name, measured, nearest, tolerance, "bytes")
