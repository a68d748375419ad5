"""Which cases of a run a part of a claim is about, and which of them are missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.analysis.claims.declared import Part, near, value_of, within
from harness.cases.summary import CaseSummary
from harness.schema.description import ScenarioInfo
from harness.schema.records import DEFAULT_HOST, Value
from harness.schema.values import is_number, number_of, value_text
from harness.units import format_size

Point = Mapping[str, Value]
OF = "of"
"""What stands in a place's point for its strategy, where a part has several."""


def place_value(name: str, value: Value) -> str:
    """A value of a parameter as people write it."""
    if name == "size" and is_number(value):
        return format_size(number_of(value))
    return value_text(name, value)


@dataclass(frozen=True)
class Place:
    """Where one comparison is made.

    Args:
        strategy: that is judged.
        point: what tells this place from others of the same part.
        row: its case; None where it was not planned.
        other: the case that it is divided by, or, of growth, from which it grows.
    """

    strategy: str
    point: Point
    row: CaseSummary | None
    other: CaseSummary | None = None

    @property
    def text(self) -> str:
        """The place in words; "" where there is but one."""
        return ", ".join(
            str(value) if name == OF else f"{name}={place_value(name, value)}"
            for name, value in self.point.items()
        )


@dataclass(frozen=True)
class Places:
    """All of a part, and what is not there.

    Args:
        found: places that were planned.
        missing: what was not planned, in words.
    """

    found: tuple[Place, ...]
    missing: tuple[str, ...]


def places_of(
    part: Part, scenario: str, rows: Sequence[CaseSummary], info: ScenarioInfo | None
) -> Places:
    """The places of one part in a run.

    Args:
        part: of a claim.
        scenario: that it is about.
        rows: of that.
        info: what is declared of it; None where the run has none of it.
    """
    if info is None:
        return Places((), (scenario,))
    found: list[Place] = []
    missing: list[str] = []
    known = {one.name for one in info.strategies}
    for one, other in part.pairs:
        lacking = [name for name in (one, other) if name and name not in known]
        lacking += [f"parameter {name}" for name in _named(part) if name not in info.parameters]
        missing += lacking
        if lacking:
            continue
        own = [row for row in rows if row.strategy == one and _belongs(row, part, info)]
        missing += _lacking(part, one, own)
        if part.along:
            found += _steps(part, one, own)
        else:
            places = list(_each(part, one, other, own, rows, info))
            there = [place for place in places if not other or place.other]
            found += there
            missing += [] if there or not places else [f"{other}{_at(places[0])}"]
            missing += _alone(part, places, info)
    return Places(tuple(found), tuple(dict.fromkeys(missing)))


def _named(part: Part) -> set[str]:
    return {*part.where, *part.against_where, *part.over}


def _at(place: Place) -> str:
    return f" at {place.text}" if place.text else ""


def _alone(part: Part, places: Sequence[Place], info: ScenarioInfo) -> Iterator[str]:
    """What a case is to be divided by and was not planned, at a place that the part asks for.

    Along an axis that it says nothing of, such as a size, it takes the values that both have.
    """
    free = {name for name, one in info.parameters.items() if one.axis} - {*part.over, *part.where}
    shared = [place for place in places if place.other]
    for place in places:
        if part.compares and place.other is None:
            rest = {name: value for name, value in place.point.items() if name not in free}
            if not any(rest.items() <= one.point.items() for one in shared):
                yield f"what {place.strategy}{_at(place)} is divided by"


def _belongs(row: CaseSummary, part: Part, info: ScenarioInfo) -> bool:
    if row.host != DEFAULT_HOST:
        return False
    usual = _usual(info, row.strategy)
    for name, value in row.planned.case.parameters.items():
        if name in part.where:
            if value != value_of(name, part.where[name]):
                return False
        elif name in part.over:
            if not within(value, tuple(value_of(name, one) for one in part.over[name])):
                return False
        elif name in usual and not info.parameters[name].axis and value != usual[name]:
            return False
    return True


def _usual(info: ScenarioInfo, strategy: str) -> Point:
    """What parameters take while nothing is said of them."""
    own = info.strategy(strategy)
    usual = {name: parameter.default for name, parameter in info.parameters.items()}
    return usual | dict(own.parameters) | dict(own.at)


def _lacking(part: Part, strategy: str, own: Sequence[CaseSummary]) -> Iterator[str]:
    """What a part asks for and no case of a strategy stands for."""
    if not own:
        yield strategy
        return
    for name, values in part.over.items():
        for value in values:
            taken = [row.planned.case.parameters.get(name) for row in own]
            wanted = value_of(name, value)
            if not any(one is not None and near(one, wanted) for one in taken):
                yield f"{strategy} with {name}={value}"


def _each(
    part: Part,
    strategy: str,
    other: str,
    own: Sequence[CaseSummary],
    rows: Sequence[CaseSummary],
    info: ScenarioInfo,
) -> Iterator[Place]:
    varied = _varied(own)
    for row in own:
        point = {name: row.planned.case.parameters[name] for name in varied}
        pair = f"{strategy} ÷ {other}" if other not in ("", strategy) else strategy
        label = {OF: pair} if len(part.pairs) > 1 else {}
        partner = _partner(part, row, other, rows, info) if other else None
        yield Place(strategy, {**label, **point}, row, partner)


def _partner(
    part: Part, row: CaseSummary, other: str, rows: Iterable[CaseSummary], info: ScenarioInfo
) -> CaseSummary | None:
    """The case of another strategy, or of this one elsewhere, that it is divided by."""
    usual = _usual(info, other)
    wanted = dict(row.planned.case.parameters)
    for name in {*part.where, *part.against_where} & wanted.keys():
        # Another strategy is taken at the same point, this one where nothing is said of it.
        same = part.where.get(name, usual[name]) if part.against else usual[name]
        wanted[name] = value_of(name, part.against_where.get(name, same))
    return next(
        (
            one
            for one in rows
            if one is not row
            and one.strategy == other
            and one.host == DEFAULT_HOST
            and dict(one.planned.case.parameters) == wanted
        ),
        None,
    )


def _steps(part: Part, strategy: str, own: Sequence[CaseSummary]) -> Iterator[Place]:
    """From each value of a parameter to the next, with all others equal."""
    lines: dict[tuple[tuple[str, Value], ...], list[CaseSummary]] = {}
    for row in own:
        rest = {n: v for n, v in row.planned.case.parameters.items() if n != part.along}
        lines.setdefault(tuple(rest.items()), []).append(row)
    for line in lines.values():
        values = {row.planned.case.parameters[part.along]: row for row in line}
        ordered = sorted((one for one in values if number_of(one) > 0), key=number_of)
        for low, high in pairwise(ordered):
            label = {OF: strategy} if len(part.pairs) > 1 else {}
            point = {**label, part.along: high}
            yield Place(strategy, point, values[high], values[low])


def _varied(rows: Sequence[CaseSummary]) -> list[str]:
    """Parameters that differ among some cases."""
    if not rows:
        return []
    return [
        name
        for name in rows[0].planned.case.parameters
        if len({row.planned.case.parameters.get(name) for row in rows}) > 1
    ]
