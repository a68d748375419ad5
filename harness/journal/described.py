"""Whether a header describes what its plan is made of: scenarios, strategies, hosts.

Everything that reads a journal looks these up by the names in the plan's cases.
"""

from __future__ import annotations

from harness.journal.lines import Header
from harness.schema.texts import clipped


def undescribed(header: Header) -> str:
    """What a plan names first and the header does not describe; "" where there is nothing."""
    plan = header.plan
    strategies = {info.name: {one.name for one in info.strategies} for info in header.scenarios}
    hosts = {host.name for host in plan.hosts}
    for index, planned in enumerate(plan.cases):
        case = planned.case
        if case.scenario not in strategies:
            return f"case {index} is of a scenario {_name(case.scenario)}, which it lacks"
        if case.strategy not in strategies[case.scenario]:
            return f"case {index} is of a strategy {_name(case.strategy)}, which it lacks"
        if case.host not in hosts:
            return f"case {index} is of a host {_name(case.host)}, which it lacks"
    if plan.sides is not None and not {plan.sides.base, plan.sides.candidate} <= hosts:
        return "it compares two hosts, and lacks one of them"
    return _without_a_machine(header, hosts)


def _without_a_machine(header: Header, hosts: set[str]) -> str:
    """Which host is not of one machine, where there are several."""
    if not header.machines:
        return ""
    told = [host for machine in header.machines for host in machine.hosts]
    names = [machine.name for machine in header.machines]
    if len(set(names)) < len(names):
        return "two of its machines have one name"
    if sorted(told) != sorted(hosts):
        return "its hosts are not each of one machine"
    own = [host for machine in header.machines for host in set(machine.hosts.values())]
    return "" if len(own) == len(told) else "two hosts of a machine have one name there"


def _name(name: str) -> str:
    return clipped(repr(name))
