"""Which cases of scenarios become benchmarks of pytest, and what they are called there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.planning.plan import Request
from harness.scenario import PAGE_CACHE
from harness.schema.description import Parameter, ScenarioInfo
from harness.schema.records import DEFAULT_HOST, PlannedCase, Value
from harness.units import format_size

Choice = Literal["brief", "quick", "usual", "full"]
START_METHODS_HERE = ("fork",)
"""How workers can be started in a process that is pytest's: others import the main module anew."""
TRIALS_ONLY = ("open_files", "sharing_strategy", "passes", PAGE_CACHE)
"""Parameters of a whole process, which pytest's own cannot be bent to."""


@dataclass(frozen=True)
class Named:
    """A case, and what pytest calls it."""

    planned: PlannedCase
    name: str  # within the test: scenario-strategy-point
    group: str  # cases of equal group may be compared


def request(infos: Sequence[ScenarioInfo], choice: Choice) -> Request:
    """What to plan for a choice: scenarios that time nothing are left out."""
    others = (info.probe or info.borrows or info.ranks for info in infos)
    timed = tuple(info.name for info, other in zip(infos, others, strict=True) if not other)
    return Request(timed, "quick" if choice == "brief" else choice)


def chosen_cases(
    infos: Sequence[ScenarioInfo], planned: Iterable[PlannedCase], choice: Choice
) -> list[Named]:
    """The cases of a plan to time in pytest's own process.

    What needs another interpreter is left out. Brief means one case of each strategy that starts
    no processes: the middle one of a quick sweep's sizes, with everything else as usual.
    """
    by_name = {info.name: info for info in infos}
    cases = [one for one in planned if one.case.host == DEFAULT_HOST and not one.skip]
    if choice == "brief":
        cases = list(_one_of_each(cases, by_name))
    return [_named(one, by_name[one.case.scenario]) for one in cases]


def _one_of_each(
    cases: Iterable[PlannedCase], infos: Mapping[str, ScenarioInfo]
) -> Iterator[PlannedCase]:
    by_strategy: dict[tuple[str, str], list[PlannedCase]] = {}
    for planned in cases:
        case = planned.case
        info = infos[case.scenario]
        usual = _usual(info.parameters) | dict(info.strategy(case.strategy).at)
        varied = {name for name, value in case.parameters.items() if value != usual[name]}
        if not planned.tree and all(info.parameters[name].axis for name in varied):
            by_strategy.setdefault((case.scenario, case.strategy), []).append(planned)
    for own in by_strategy.values():
        yield own[len(own) // 2]


def _usual(parameters: Mapping[str, Parameter]) -> dict[str, Value]:
    return {name: parameter.default for name, parameter in parameters.items()}


def _named(planned: PlannedCase, info: ScenarioInfo) -> Named:
    case = planned.case
    usual = _usual(info.parameters)
    shown = [
        text(name, value)
        for name, value in case.parameters.items()
        if info.parameters[name].axis or value != usual[name]
    ]
    return Named(
        planned,
        "-".join((case.scenario, case.strategy, *(one.replace(" ", "_") for one in shown))),
        " ".join((case.scenario, *shown)),
    )


def text(name: str, value: Value) -> str:
    """A parameter in a name: sizes speak for themselves."""
    if name == "size" and isinstance(value, int):
        return format_size(value).replace(" ", "")
    return f"{name}={value}"


def not_here(planned: PlannedCase, info: ScenarioInfo) -> str:
    """Why a case cannot be timed in pytest's own process; empty where it can."""
    parameters = planned.case.parameters
    usual = _usual(info.parameters)
    for name in TRIALS_ONLY:
        if name in parameters and parameters[name] != usual[name]:
            return f"{text(name, parameters[name])} needs a process of its own"
    method = parameters.get("start_method", "fork")
    if parameters.get("num_workers") and method not in START_METHODS_HERE:
        return f"workers started by {method} need a main module of their own"
    return ""
