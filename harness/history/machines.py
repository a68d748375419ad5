"""Which runs were made on one machine, and what changed on it between two of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from harness.comparison.sides import HARDWARE, differences, unknown
from harness.history.readings import PastRun
from harness.host.environment import Environment
from harness.units import format_size, letters

SAME_PAYLOAD = 0.02
"""What the inputs of a case may differ by and be none worth telling."""


@dataclass(frozen=True)
class Machine:
    """One machine with its runs, the earliest first."""

    name: str  # A, B, …; "" where there is only one
    environment: Environment  # of its first run, with what only later ones know of it
    runs: tuple[PastRun, ...]

    @property
    def text(self) -> str:
        """``A Processor, 2 processors, 16 GiB``."""
        environment = self.environment
        parts = [environment.cpu_model or environment.machine or "unknown processor"]
        parts += [f"{environment.processors} processors"] if environment.processors else []
        parts += [format_size(environment.memory_bytes)] if environment.memory_bytes else []
        return ", ".join(parts)


def by_machine(runs: Sequence[PastRun]) -> tuple[Machine, ...]:
    """Group runs by the hardware that they were made on.

    Two machines of equal make cannot be told apart: a journal keeps no host name.
    """
    machines: list[Machine] = []
    for run in runs:
        for place, one in enumerate(machines):
            if same_machine(one.environment, run.environment):
                known = _with_what_is_known(one.environment, run.environment)
                machines[place] = replace(one, environment=known, runs=(*one.runs, run))
                break
        else:
            machines.append(Machine("", run.environment, (run,)))
    if len(machines) == 1:
        return tuple(machines)
    return tuple(replace(one, name=letters(index)) for index, one in enumerate(machines))


def same_machine(one: Environment, other: Environment) -> bool:
    """Whether all that is known of both environments is the same machine."""
    return not any(found.hardware for found in differences(one, other))


def _with_what_is_known(one: Environment, other: Environment) -> Environment:
    lacking = [name for name in HARDWARE if unknown(name, getattr(one, name))]
    return replace(one, **{name: getattr(other, name) for name in lacking})


def partly_unknown(machine: Machine) -> bool:
    """Whether some of its runs do not say enough to know that they were made on it."""
    return any(
        one.hides_the_machine
        for run in machine.runs
        for one in differences(machine.environment, run.environment)
    )


def hardware_that_differs(machines: Sequence[Machine]) -> tuple[str, ...]:
    """What tells each later machine from the first: ``B differs from A: processors: 2 → 4``."""
    first = machines[0]
    return tuple(
        f"{machine.name} differs from {first.name}: "
        + "; ".join(
            one.text for one in differences(first.environment, machine.environment) if one.hardware
        )
        for machine in machines[1:]
    )


def changed_between(before: PastRun, after: PastRun, key: str = "") -> tuple[str, ...]:
    """What else changed from one run to the next, that could make a number change.

    Args:
        before: the run in which the old value was last seen.
        after: the run in which the new one was first seen.
        key: of a case, whose code is compared too.
    """
    return tuple(_changes(before, after, key))


def _changes(before: PastRun, after: PastRun, key: str) -> Iterator[str]:
    old, new = before.environment, after.environment
    for one in differences(old, new):
        if not one.hardware:
            yield one.text
    if old.git_revision != new.git_revision and old.git_revision and new.git_revision:
        yield f"revision: {old.git_revision} → {new.git_revision}"
    if new.git_dirty:
        yield "uncommitted changes in the working directory"
    if before.sweep != after.sweep:
        yield f"sweep: {before.sweep} → {after.sweep}"
    then, now = before.cases.get(key), after.cases.get(key)
    if then and now and then.source != now.source:
        yield "the strategy's code"
    if then and now and _apart(was := then.scale.payload_bytes, own := now.scale.payload_bytes):
        yield f"payload: {format_size(was)} → {format_size(own)}"


def _apart(then_bytes: int, now_bytes: int) -> bool:
    return min(then_bytes, now_bytes) < (1 - SAME_PAYLOAD) * max(then_bytes, now_bytes)
