"""What a quantity is: how it is read off a trial or a case, shown, and compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harness.cases.summary import CaseSummary
from harness.schema.records import Trial

Unit = Literal[
    "", "bytes", "bytes/s", "s", "samples/s", "share", "×", "faults", "name", "text", "yes/no",
]  # fmt: skip
"""Of a value; "" for what is counted."""
Read = Callable[[Trial], Any]
"""Reads a value off a trial; None where the trial has none."""
Of = Callable[[CaseSummary], Any]
"""Reads a value off a case, as the frame has it."""


@dataclass(frozen=True)
class Compared:
    """How two runs are compared by a quantity, and many runs followed.

    Args:
        label: what reports call it.
        metric: what ``history --metric`` calls it.
        tolerance: which share of a tolerance applies; "" if it is shown for information alone.
        stray: a difference that is always none.
        read: how it is read off a trial, where not as for the column.
        trials: those of a case that can be read.
        of_ledger: whether it is read off a ledger, whose figures may not be known.
    """

    label: str
    metric: str
    tolerance: Literal["memory", "faults", ""]
    stray: float
    read: Read | None = None
    trials: Callable[[Sequence[Trial]], Sequence[Trial]] = lambda trials: trials
    of_ledger: bool = False


@dataclass(frozen=True)
class Heading:
    """A column of the pytest plugin's table: its place there, its name, and its legend.

    Without a legend it is shown only where a test has such a value.
    """

    place: int
    text: str
    legend: str = ""


@dataclass(frozen=True)
class Quantity:
    """One thing that is known of a case.

    Args:
        name: of its column.
        unit: of its values.
        doc: what it means, in a clause.
        of: its value for a case.
        read: its value for one trial, where a single one has any.
        compared: how runs are compared by it.
        heading: its column in the plugin's table.
        noted: its place among what files of pytest-benchmark are given; 0 if they are not.
    """

    name: str
    unit: Unit
    doc: str
    of: Of
    read: Read | None = None
    compared: Compared | None = None
    heading: Heading | None = None
    noted: int = 0


Pool = Callable[[Read], Of]
"""How the readings of a case's trials become one value."""


def observed(read: Read) -> Of:
    """The reading of the trial whose memory was observed; None without one."""
    return lambda case: read(case.observed) if case.observed else None


def middle(read: Read) -> Of:
    """The median over the processes that were timed; NaN where it was read of none."""
    return lambda case: case.middle(read)


def pooled(name: str, unit: Unit, doc: str, read: Read, pool: Pool, **more: Any) -> Quantity:
    """A quantity that each trial has a reading of."""
    return Quantity(name, unit, doc, pool(read), read, **more)


def where(part: Callable[[CaseSummary], Any], read: Callable[[Any], Any]) -> Of:
    """A value of a part that only some cases have; None for the others."""

    def of(case: CaseSummary) -> Any:
        found = part(case)
        return None if found is None else read(found)

    return of
