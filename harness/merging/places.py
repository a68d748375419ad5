"""Which parts may be one machine's numbers: those of one machine in one state, known to be so.

All others stay apart, as a machine of their own with a name: equal make is no proof, and other
versions of Python or torch, another kernel or another revision may make other numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from harness.comparison.sides import Difference, differences
from harness.errors import UsageError
from harness.host.environment import Environment
from harness.merging.parts import Part
from harness.units import letters

NOT_KNOWN = "nothing says that they are one machine"


@dataclass(frozen=True)
class Allowed:
    """What the user knows of the parts, and no journal says.

    Args:
        same_machine: machines of one make are one.
        any_revision: the revision of the working directory makes no difference.
    """

    same_machine: bool = False
    any_revision: bool = False


NOTHING_KNOWN = Allowed()


@dataclass
class Place:
    """One machine in one state, with all that was measured there."""

    name: str  # A, B, …
    parts: list[Part]
    differs: tuple[str, ...] = ()  # from the first place
    unproven: bool = False  # a machine of the same make and state, for all that is known
    hosts: dict[str, str] = field(default_factory=dict)  # own names, by those in the merged plan

    @property
    def environment(self) -> Environment:
        return self.parts[0].header.environment


def places_of(parts: Sequence[Part], allowed: Allowed) -> list[Place]:
    """Sort parts into places.

    Raises:
        UsageError: the user takes different machines for one.
    """
    places: list[Place] = []
    for part in parts:
        here = next((one for one in places if not _apart(one.parts[0], part, allowed)), None)
        if here is not None:
            here.parts.append(part)
            continue
        differs = _apart(places[0].parts[0], part, allowed) if places else ()
        places.append(Place(letters(len(places)), [part], differs, differs == (NOT_KNOWN,)))
    if allowed.same_machine and len(places) > 1:
        hardware = [one.text for one in _hardware(places[0].parts[0], places)]
        if hardware:
            raise UsageError(f"--same-machine: they are different machines ({'; '.join(hardware)})")
    return places


def _hardware(first: Part, places: Sequence[Place]) -> Iterator[Difference]:
    for place in places[1:]:
        for one in differences(first.header.environment, place.environment):
            if one.hardware:
                yield one


def _apart(one: Part, other: Part, allowed: Allowed) -> tuple[str, ...]:
    """Why the numbers of two parts are not one machine's; empty where they are."""
    then, now = one.header.environment, other.header.environment
    found = [
        difference.text
        for difference in differences(then, now)
        if difference.hardware or not _is_nothing(difference, allowed)
    ]
    if then.git_revision != now.git_revision and not allowed.any_revision:
        revisions = (one.git_revision or "unknown" for one in (then, now))
        found.append(f"revision: {' → '.join(revisions)} (--any-revision if it changes nothing)")
    return tuple(found) or (() if _known_one(one, other, allowed) else (NOT_KNOWN,))


def _is_nothing(difference: Difference, allowed: Allowed) -> bool:
    """Memory that a kernel keeps for itself; or what one journal does not say of one machine."""
    if difference.name == "memory_bytes" and difference.base and difference.candidate:
        return True
    return allowed.same_machine and difference.hides_the_machine


def _known_one(one: Part, other: Part, allowed: Allowed) -> bool:
    if allowed.same_machine or one.run_ids & other.run_ids:
        return True
    then, now = one.header.environment, other.header.environment
    same_boot = bool(then.boot_id) and then.boot_id == now.boot_id
    return same_boot or (bool(then.machine_id) and then.machine_id == now.machine_id)
