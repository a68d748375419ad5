"""Another program's tests as a report shows them: one by one, and compared only in a contest.

Scenarios of ferrybench compare strategies at one point of a grid, and show the rest as variations.
The parameters of another program's tests are a product of which no point is the usual one, so every
test with its values is a strategy here. A contest is a group, where its tests share parameters at
each of them, or one test with all its parameters. Tests that are in none stand side by side, and
nothing is said of one beside another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.journal.lines import Plan, Run
from harness.schema.description import ScenarioInfo
from harness.schema.records import Case, PlannedCase
from harness.schema.texts import apart


@dataclass(frozen=True)
class Contest:
    """Cases that may be compared, by their places in the plan; or that may not."""

    name: str
    question: str
    cases: tuple[int, ...]
    compared: bool = True


def in_contests(run: Run) -> Run:
    """A run whose scenarios are its contests; one of ferrybench stays as it is."""
    if run.header.ours:
        return run
    plan = run.header.plan
    found = [one for info in run.header.scenarios for one in _contests(run, info)]
    names = apart(contest.name for contest in found)
    found = [replace(one, name=name) for one, name in zip(found, names, strict=True)]
    order = [index for contest in found for index in contest.cases]
    places = {index: place for place, index in enumerate(order)}
    labels = {index: label for one in found for index, label in _labels(plan, one)}
    planned = [
        _planned(plan.cases[index], contest, labels[index], first=index == contest.cases[0])
        for contest in found
        for index in contest.cases
    ]
    infos = {info.name: info for info in run.header.scenarios}
    scenarios = [
        _scenario(
            infos[plan.cases[contest.cases[0]].case.scenario],
            contest,
            {labels[index]: plan.cases[index].case for index in contest.cases},
        )
        for contest in found
    ]
    header = replace(
        run.header, plan=replace(plan, cases=tuple(planned)), scenarios=tuple(scenarios)
    )
    trials = [replace(trial, case=places[trial.case]) for trial in run.trials]
    return replace(run, header=header, trials=trials)


def _contests(run: Run, info: ScenarioInfo) -> Iterator[Contest]:
    """Those of a group, which has a baseline, or of a file, which has none."""
    cases = [
        (index, planned.case)
        for index, planned in enumerate(run.header.plan.cases)
        if planned.case.scenario == info.name
    ]
    if info.baseline:
        yield from _of_group(info, cases)
        return
    tests: dict[str, list[int]] = {}
    for index, case in cases:
        tests.setdefault(case.strategy, []).append(index)
    alone = tuple(indices[0] for indices in tests.values() if len(indices) == 1)
    if alone:
        yield Contest(info.name, info.question, alone, compared=False)
    for strategy, indices in tests.items():
        if len(indices) > 1:
            question = f"How does {strategy} compare with its other parameters?"
            yield Contest(f"{info.name}.{strategy}", question, tuple(indices))


def _of_group(info: ScenarioInfo, cases: Sequence[tuple[int, Case]]) -> Iterator[Contest]:
    points: dict[str, list[int]] = {}
    for index, case in cases:
        points.setdefault(case.point, []).append(index)
    if len(points) == 1 or all(len(indices) == 1 for indices in points.values()):
        yield Contest(info.name, info.question, tuple(index for index, _ in cases))
        return
    for number, (point, indices) in enumerate(points.items(), start=1):
        where = f" With {point}." if point else ""
        yield Contest(f"{info.name}.{number}", f"{info.question}{where}", tuple(indices))


def _planned(planned: PlannedCase, contest: Contest, label: str, *, first: bool) -> PlannedCase:
    case = replace(planned.case, scenario=contest.name, strategy=label, parameters={})
    return replace(planned, case=case, baseline=first and contest.compared)


def _labels(plan: Plan, contest: Contest) -> Iterator[tuple[int, str]]:
    """Of every test with its values, by its place: none is that of another in the contest."""
    labels = apart(plan.cases[index].case.label for index in contest.cases)
    return zip(contest.cases, labels, strict=True)


def _scenario(info: ScenarioInfo, contest: Contest, cases: Mapping[str, Case]) -> ScenarioInfo:
    strategies = tuple(
        replace(info.strategy(case.strategy), name=label) for label, case in cases.items()
    )
    return replace(
        info,
        name=contest.name,
        question=contest.question,
        baseline=strategies[0].name if contest.compared else "",
        parameters={},
        strategies=strategies,
    )
