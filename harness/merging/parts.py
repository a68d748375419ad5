"""What is merged: each journal, or each machine's part of one, without its trials.

Trials are read one journal at a time, and again where they are written: memory holds those of one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness.errors import UnableError, UsageError
from harness.journal.lines import Header, Run
from harness.journal.machines import by_machine
from harness.journal.read import read_journal


@dataclass(frozen=True)
class Part:
    """What one machine has measured of one journal."""

    path: Path
    machine: str  # as the journal names it; "" of one machine
    header: Header  # as if that machine had been the only one
    ended: str
    trials: int
    begin_s: float  # of its first trial, since the epoch; 0 where that is not known
    end_s: float
    read_bytes: int

    @property
    def name(self) -> str:
        return f"machine {self.machine} of {self.path}" if self.machine else str(self.path)

    @property
    def run_ids(self) -> frozenset[str]:
        """The runs it is made of."""
        merged = frozenset(one.run_id for one in self.header.sources)
        return merged or frozenset((self.header.run_id,))


def parts_of(paths: Sequence[Path]) -> list[Part]:
    """All parts, in an order that does not depend on how they were named.

    The earliest come first, and of copies of one run the one that has most.

    Raises:
        UsageError: a journal cannot be read, or is of a kind that cannot be merged.
    """
    found = [part for path in dict.fromkeys(paths) for part in _parts(read_journal(path))]
    return sorted(found, key=lambda part: (_when(part), min(part.run_ids), -part.trials))


def _parts(run: Run) -> Iterator[Part]:
    if run.header.plan.sides is not None:
        raise UsageError(f"{run.path} compares two sides in pairs, and cannot be merged")
    if run.header.plan.calibration_runs:
        raise UsageError(f"{run.path} is a calibration, and cannot be merged")
    for machine, own in by_machine(run):
        times = [(one.started_s, one.started_s + one.wall_s) for one in own.trials if one.started_s]
        yield Part(
            path=run.path,
            machine=machine,
            header=own.header,
            ended=run.ended,
            trials=len(own.trials),
            begin_s=min((begin for begin, _ in times), default=0.0),
            end_s=max((end for _, end in times), default=0.0),
            read_bytes=run.read_bytes,
        )


def run_of(part: Part) -> Run:
    """A part with its trials, read anew.

    Raises:
        UnableError: the file is another by now.
    """
    run = read_journal(part.path)
    if run.read_bytes != part.read_bytes:
        raise UnableError(f"{part.path} was written to while it was being merged; try again")
    return next(own for machine, own in by_machine(run) if machine == part.machine)


def _when(part: Part) -> datetime:
    """When it began; a time without an offset from UTC is taken for that."""
    created = datetime.fromisoformat(part.header.created)
    return created if created.tzinfo else created.replace(tzinfo=UTC)
