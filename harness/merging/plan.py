"""The header of a merged run: every case, host and scenario of its parts, by content."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.errors import UsageError
from harness.host.environment import Environment
from harness.journal.lines import Header, Machine, Plan, Source
from harness.merging.conflicts import joined
from harness.merging.parts import Part
from harness.merging.places import Place
from harness.schema.description import ScenarioInfo
from harness.schema.records import DEFAULT_HOST, HostSpec, PlannedCase


@dataclass(frozen=True)
class MergedPlan:
    """What was planned in any part."""

    plan: Plan
    scenarios: tuple[ScenarioInfo, ...]

    @property
    def places(self) -> dict[str, int]:
        """Of its cases, by their keys."""
        return {one.case.key: index for index, one in enumerate(self.plan.cases)}


def name_hosts(places: Sequence[Place]) -> None:
    """Give the hosts of all machines names: of the first those that they have."""
    taken = set[str]()
    for place in places:
        own = dict.fromkeys(host.name for part in place.parts for host in part.header.plan.hosts)
        place.hosts = {
            _free(name if place is places[0] else _elsewhere(name, place.name), taken): name
            for name in own
        }


def _elsewhere(host: str, machine: str) -> str:
    return machine if host == DEFAULT_HOST else f"{machine}.{host}"


def _free(name: str, taken: set[str]) -> str:
    """The name, or one like it that no host has."""
    while name in taken:
        name += "'"
    taken.add(name)
    return name


def merged_plan(places: Sequence[Place]) -> MergedPlan:
    """Everything that was planned in any part, each once.

    Raises:
        UsageError: parts say different things of one case or host.
    """
    cases: dict[str, tuple[Part, PlannedCase]] = {}
    hosts: dict[str, tuple[Part, HostSpec]] = {}
    scenarios: dict[str, ScenarioInfo] = {}
    parts = [part for place in places for part in place.parts]
    for place in places:
        names = {own: merged for merged, own in place.hosts.items()}
        for part in place.parts:
            for info in part.header.scenarios:
                scenarios.setdefault(info.name, info)
            for host in part.header.plan.hosts:
                spec = replace(host, name=names[host.name])
                first, known = hosts.setdefault(spec.name, (part, spec))
                if known != spec:
                    raise UsageError(
                        f"{first.name} and {part.name} cannot be one run: host {host.name} is "
                        "another interpreter, or has other variables; name it differently"
                    )
            for planned in part.header.plan.cases:
                case = replace(planned.case, host=names[planned.case.host])
                own_case = replace(planned, case=case)
                first, before = cases.setdefault(case.key, (part, own_case))
                cases[case.key] = first, joined(before, own_case, first, part)
    plans = [part.header.plan for part in parts]
    plan = Plan(
        level=max((one.level for one in plans), key=[one.level for one in plans].count),
        seed=plans[0].seed,
        effort=replace(
            plans[0].effort,
            trials=max(one.effort.trials for one in plans),
            memory_trials=max(one.effort.memory_trials for one in plans),
        ),
        budget_s=0.0,
        method=plans[0].method,
        hosts=tuple(spec for _, spec in hosts.values()),
        cases=tuple(planned for _, planned in cases.values()),
    )
    return MergedPlan(plan, tuple(scenarios.values()))


def merged_header(plan: MergedPlan, places: Sequence[Place], sources: Sequence[Source]) -> Header:
    """The first line of a merged run; its name is that of the runs in it, whatever their order."""
    whole = "\n".join(sorted({f"{one.run_id} {one.machine}" for one in sources}))
    first = places[0].parts[0].header
    machines = [Machine(place.name, _with_all_hosts(place), dict(place.hosts)) for place in places]
    return Header(
        run_id=f"merged-{hashlib.sha256(whole.encode()).hexdigest()[:12]}",
        created=first.created,
        plan=plan.plan,
        environment=machines[0].environment,
        scenarios=plan.scenarios,
        sources=tuple(sources),
        machines=tuple(machines) if len(machines) > 1 else (),
    )


def _with_all_hosts(place: Place) -> Environment:
    """What is known of a machine, with every host that any of its parts had."""
    hosts = {
        name: facts
        for part in reversed(place.parts)
        for name, facts in part.header.environment.hosts.items()
    }
    return replace(place.environment, hosts=hosts)
