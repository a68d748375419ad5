"""Merge journals: read all, refuse what cannot be one run, and write it whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from harness.errors import UsageError
from harness.files.writing import write_in_pieces
from harness.journal.lines import EndLine, Header, JournalLine, Run
from harness.journal.machines import one_machine
from harness.journal.write import encoded, fields_of
from harness.merging.conflicts import place_remarks, refuse_conflicts, remarks_on
from harness.merging.parts import Part, parts_of
from harness.merging.places import NOTHING_KNOWN, Allowed, Place, places_of
from harness.merging.plan import MergedPlan, merged_header, merged_plan, name_hosts
from harness.merging.trials import Merged
from harness.schema.records import Trial


@dataclass(frozen=True)
class MergeResult:
    """What was merged, in words and numbers."""

    runs: int
    trials: int
    cases: int
    machines: int
    repeated: int  # trials that stood in several files, and were taken once
    remarks: tuple[str, ...]


def merge(paths: Sequence[Path], output: Path, allowed: Allowed = NOTHING_KNOWN) -> MergeResult:
    """Write one journal of several, of which none is changed.

    Args:
        paths: journals, in any order; the same one twice is one.
        output: where; a file that is there is replaced once all is written.
        allowed: what the user knows of the machines.

    Raises:
        UsageError: a journal cannot be read, or two cannot be one run.
        UnableError: the output cannot be written, or a journal was changed meanwhile.
    """
    parts = parts_of(paths)
    refuse_conflicts(parts)
    places = places_of(parts, allowed)
    name_hosts(places)
    plan = merged_plan(places)
    # Once to know what there is, and which rounds it gets; and once to write it.
    first, idle = Merged(len(places) > 1, plan.places), list[Part]()
    count = 0
    for place, part in _in_order(places):
        before = first.next_round
        count += sum(isinstance(line, Trial) for line in first.lines_of(place, part))
        if first.next_round == before and part.trials:
            idle.append(part)
    header = merged_header(plan, places, first.sources)
    ended = [EndLine(reason) for reason in _ended(parts, idle) if reason]
    _write(output, header, _again(plan, places), ended)
    return MergeResult(
        runs=len({one.run_id for one in first.sources}),
        trials=count,
        cases=len(plan.plan.cases),
        machines=len(places),
        repeated=first.repeated,
        remarks=(
            *remarks_on(places),
            *(f"{part.name} adds nothing to the others" for part in idle),
            *place_remarks(places),
        ),
    )


def _in_order(places: Sequence[Place]) -> Iterator[tuple[Place, Part]]:
    return ((place, part) for place in places for part in place.parts)


def _again(plan: MergedPlan, places: Sequence[Place]) -> Iterator[JournalLine]:
    second = Merged(len(places) > 1, plan.places)
    for place, part in _in_order(places):
        yield from second.lines_of(place, part)


def _ended(parts: Sequence[Part], idle: Sequence[Part]) -> list[str]:
    """Why the whole stopped: the first part that is not complete says it."""
    reasons = [part.ended for part in parts if part not in idle] or [part.ended for part in parts]
    return [next((one for one in reasons if one != "complete"), "complete")]


def take_out(run: Run, name: str, output: Path) -> Run:
    """Write what one machine of a merged run has measured as a journal of its own.

    Raises:
        UsageError: there is no such machine.
        UnableError: the output cannot be written.
    """
    machines = {machine.name: machine for machine in run.header.machines}
    if name not in machines:
        known = f"there are {', '.join(machines)}" if machines else "it is of one machine"
        raise UsageError(f"{run.path} has no machine {name!r}; {known}")
    own = one_machine(run, machines[name])
    ended = [EndLine(own.ended)] if own.ended else []
    _write(output, own.header, [*own.ceilings, *own.trials], ended)
    return own


def _write(
    path: Path, header: Header, lines: Iterable[JournalLine], ended: Sequence[EndLine]
) -> None:
    written = (encoded(fields_of(line)) for line in chain((header,), lines, ended))
    write_in_pieces(path, written)
