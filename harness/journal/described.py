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
    return ""


def _name(name: str) -> str:
    return clipped(repr(name))
