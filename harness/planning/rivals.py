"""Which cases of a plan hold a contest: strategies that promise the same, at one point.

These are the main cases (:mod:`harness.planning.usual`) on the default host: what varies a
parameter is compared with the case that it departs from, and names no winner.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.planning.usual import reference_size, usual_values
from harness.schema.description import ScenarioInfo
from harness.schema.records import DEFAULT_HOST, Effort, PlannedCase, Value
from harness.stats.contest import ContestRule

Indexed = tuple[int, PlannedCase]


@dataclass(frozen=True)
class Rivals:
    """Cases that are compared by their time, at least two.

    Args:
        cases: by their places in the plan.
        reference: whether a verdict is about them.
    """

    cases: tuple[int, ...]
    reference: bool


def rivals_of(
    cases: Sequence[PlannedCase], infos: Mapping[str, ScenarioInfo]
) -> tuple[Rivals, ...]:
    """Every contest of a plan that time decides."""
    own: dict[str, list[Indexed]] = {}
    for index, planned in enumerate(cases):
        own.setdefault(planned.case.scenario, []).append((index, planned))
    return tuple(
        rivals
        for name, found in own.items()
        if name in infos and _by_time(infos[name])
        for rivals in _of_scenario(infos[name], found)
    )


def rule_of(
    cases: Sequence[PlannedCase], infos: Mapping[str, ScenarioInfo], effort: Effort
) -> ContestRule:
    """How sure a run has to be of each contest; with trials as planned, each is looked at once."""
    contests = max(1, len(rivals_of(cases, infos)))
    if effort.contests is None:
        return ContestRule(contests)
    return ContestRule(contests, 1 + len(effort.contests.looks), effort.contests.margin)


def _by_time(info: ScenarioInfo) -> bool:
    return bool(info.baseline) and info.weighs == "time" and not (info.probe or info.borrows)


def _of_scenario(info: ScenarioInfo, own: Sequence[Indexed]) -> Iterator[Rivals]:
    usual = usual_values(info, [(one.case.strategy, _point(one)) for _, one in own])
    main = [
        (index, one)
        for index, one in own
        if not one.skip
        and one.case.host == DEFAULT_HOST
        and _point(one) == usual.get(one.case.strategy)
    ]
    sizes = [size for _, one in main if one.baseline and isinstance(size := _size(one), int)]
    reference = reference_size(sizes) if sizes else None
    groups: dict[tuple[str, str], list[Indexed]] = {}
    for index, one in main:
        strategy = info.strategy(one.case.strategy)
        if one.baseline or not strategy.published:
            groups.setdefault((strategy.group, one.case.point), []).append((index, one))
    for found in groups.values():
        if len(found) > 1:
            here = reference is None or _size(found[0][1]) == reference
            yield Rivals(tuple(index for index, _ in found), here)


def _size(planned: PlannedCase) -> Value | None:
    return planned.case.parameters.get("size")


def _point(planned: PlannedCase) -> dict[str, Value]:
    return {name: value for name, value in planned.case.parameters.items() if name != "size"}
