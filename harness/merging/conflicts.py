"""What keeps parts from being one run, each named with both files; and what is only remarked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace

from harness.errors import UsageError
from harness.journal.lines import SCHEMA
from harness.merging.parts import Part
from harness.merging.places import Place
from harness.schema.description import ScenarioInfo
from harness.schema.records import PlannedCase
from harness.units import plural

_NUMBERS_OF = ("trials", "memory_trials")
"""Parts of an effort that say how many processes there are, and change nothing in any of them."""
_PLANNED = ("baseline", "expected_copies", "size_dependent", "on_device", "refuses")
"""What is planned of a case by its scenario's code alone."""


def refuse_conflicts(parts: Sequence[Part]) -> None:
    """Raise UsageError if parts were not measured in one way."""
    first = parts[0]
    for other in parts[1:]:
        for what, then, now in _ways(first, other):
            raise UsageError(
                f"{first.name} and {other.name} cannot be one run: {what}, {then} and {now}; "
                "merge those that agree, and compare the others"
            )
    scenarios: dict[str, tuple[Part, ScenarioInfo]] = {}
    for part in parts:
        for info in part.header.scenarios:
            known, declared = scenarios.setdefault(info.name, (part, info))
            if _without_paths(declared) != _without_paths(info):
                raise UsageError(
                    f"{known.name} and {part.name} cannot be one run: they declare scenario "
                    f"{info.name} differently ({_which(declared, info)})"
                )


def _ways(first: Part, other: Part) -> Iterator[tuple[str, str, str]]:
    """In what the ways of measuring differ."""
    then, now = first.header.plan, other.header.plan
    if then.method != now.method:
        yield "trials are started by different methods", then.method, now.method
    for one in fields(then.effort):
        values = getattr(then.effort, one.name), getattr(now.effort, one.name)
        if one.name not in _NUMBERS_OF and values[0] != values[1]:
            yield f"they differ in {one.name}", str(values[0]), str(values[1])


def _without_paths(info: ScenarioInfo) -> ScenarioInfo:
    strategies = tuple(replace(strategy, path="") for strategy in info.strategies)
    return replace(info, path="", strategies=strategies)


def _which(one: ScenarioInfo, other: ScenarioInfo) -> str:
    """The first thing in which two declarations differ."""
    theirs = {strategy.name: strategy for strategy in _without_paths(other).strategies}
    for strategy in _without_paths(one).strategies:
        if strategy.name not in theirs:
            return f"strategy {strategy.name} is only in the first"
        if theirs[strategy.name] != strategy:
            return f"strategy {strategy.name}"
    if len(theirs) > len(one.strategies):
        return "the second has more strategies"
    names = (field.name for field in fields(one) if field.name not in ("path", "strategies"))
    return next((name for name in names if getattr(one, name) != getattr(other, name)), "its files")


def joined(known: PlannedCase, other: PlannedCase, first: Part, second: Part) -> PlannedCase:
    """A case that two parts have planned: to be run if either runs it.

    Raises:
        UsageError: they say different things of it.
    """
    for name in _PLANNED:
        then, now = getattr(known, name), getattr(other, name)
        if then != now and not (known.skip or other.skip):
            raise UsageError(
                f"{first.name} and {second.name} cannot be one run: {name} of "
                f"{known.case.key} is {then} and {now}"
            )
    kept = other if known.skip and not other.skip else known
    return replace(
        kept,
        forecast_bytes=max(known.forecast_bytes, other.forecast_bytes),
        tree=known.tree or other.tree,
    )


def remarks_on(places: Sequence[Place]) -> list[str]:
    """What does not keep parts apart, and should be known of them."""
    parts = [part for place in places for part in place.parts]
    found = []
    seeds = sorted({seed for part in parts for seed in _seeds(part)})
    if len(seeds) > 1:
        some = ", ".join(map(str, seeds[:5])) + (", …" if len(seeds) > 5 else "")
        found.append(f"seeds differ ({some}): the data and layouts of each run are of its own")
    sweeps = sorted({part.header.plan.level for part in parts})
    if len(sweeps) > 1:
        found.append(f"sweeps differ: {', '.join(sweeps)}")
    older = [part.name for part in parts if part.header.schema < SCHEMA and not part.machine]
    if older:
        found.append(
            f"of an earlier schema, and written as schema {SCHEMA}: {', '.join(older[:3])}"
            + (f" and {len(older) - 3} more" if len(older) > 3 else "")
        )
    for place in places:
        found += _of_place(place)
    return found


def _seeds(part: Part) -> set[int]:
    return {source.seed for source in part.header.sources} or {part.header.plan.seed}


def _of_place(place: Place) -> Iterator[str]:
    dirty = [part for part in place.parts if part.header.environment.git_dirty]
    if dirty and len(place.parts) > 1:
        yield f"{dirty[0].name} was measured with uncommitted changes, which others may lack"
    timed = [part for part in place.parts if part.begin_s]
    for index, part in enumerate(timed):
        for other in timed[index + 1 :]:
            apart = part.end_s <= other.begin_s or other.end_s <= part.begin_s
            if not (apart or part.run_ids & other.run_ids):
                yield (
                    f"{part.name} and {other.name} were measured at the same time, and may have "
                    "disturbed each other"
                )


def place_remarks(places: Sequence[Place]) -> Iterator[str]:
    """Why there is more than one machine."""
    for place in places[1:]:
        names = ", ".join(part.name for part in place.parts[:3])
        why = "; ".join(place.differs)
        how = " (--same-machine if they are)" if place.unproven else ""
        yield f"machine {place.name} is {names}: {why}{how}"
    if len(places) > 1:
        yield f"{plural(len(places), 'machine')} stand side by side; no number is of two of them"
