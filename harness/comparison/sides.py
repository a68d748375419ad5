"""What is held against what: the cases of two runs, matched, and how far their machines agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from harness.cases.rounds import case_outcome
from harness.comparison.tolerance import Tolerance, parse_tolerance
from harness.errors import UsageError
from harness.host.environment import Environment
from harness.journal.lines import Run
from harness.schema.records import DEFAULT_HOST, Outcome, PlannedCase, Trial

HARDWARE = (
    "system", "machine", "cpu_model", "processors", "processors_installed", "caches_bytes",
    "memory_bytes", "memory_limit_bytes", "hypervisor",
)  # fmt: skip
"""Fields that make it another machine."""
NEVER_ZERO = ("processors", "processors_installed", "memory_bytes")
"""Those of them whose zero means that they are not known."""
SETTINGS = ("kernel", "governor", "thp_enabled", "thp_defrag", "swap_bytes", "ferrybench")
"""Fields of the same machine in another state."""
HOST_FACTS = ("python", "implementation", "numpy", "torch", "env", "method", "revision")
SAME_MEMORY = 0.02
"""What the memory of one machine may differ by: a kernel keeps more or less of it for itself."""
LATER_FACTS = ("gil", "start_method")
"""Facts that earlier journals lack, of which nothing is known to differ then."""


@dataclass(frozen=True)
class MeasuredCase:
    """One case on one side, with everything its trials found out."""

    planned: PlannedCase
    outcome: Outcome
    trials: tuple[Trial, ...]

    @property
    def payload_bytes(self) -> int:
        return max((trial.payload_bytes for trial in self.trials), default=0)

    @property
    def asks_outcome_alone(self) -> bool:
        """Whether how it ends is all that is asked of it, as of the cells of a matrix."""
        return bool(self.trials) and all(trial.kind == "probe" for trial in self.trials)


@dataclass(frozen=True)
class Side:
    """One of the two things that are compared."""

    name: str
    environment: Environment
    cases: Mapping[str, MeasuredCase]  # by key
    created: str = ""  # ISO 8601


@dataclass(frozen=True)
class Difference:
    """A field in which the two environments differ."""

    name: str
    base: str
    candidate: str
    hardware: bool  # it is another machine

    @property
    def hides_the_machine(self) -> bool:
        """Whether it could be another machine, of which one side does not say enough."""
        return self.name in HARDWARE and not (self.base and self.candidate)

    @property
    def text(self) -> str:
        return f"{self.name}: {self.base or 'unknown'} → {self.candidate or 'unknown'}"


@dataclass(frozen=True)
class Match:
    """Two sides: what both have, and what only one has."""

    base: Side
    candidate: Side
    differences: tuple[Difference, ...] = field(default=())

    @property
    def same_machine(self) -> bool:
        return not any(difference.hardware for difference in self.differences)

    @property
    def machine_unknown(self) -> bool:
        """Whether all that is known of both machines is the same, and one lacks some of it."""
        return self.same_machine and any(one.hides_the_machine for one in self.differences)

    @property
    def common(self) -> list[str]:
        """Keys of both, in the base's order."""
        return [key for key in self.base.cases if key in self.candidate.cases]

    @property
    def only_base(self) -> list[str]:
        return [key for key in self.base.cases if key not in self.candidate.cases]

    @property
    def only_candidate(self) -> list[str]:
        return [key for key in self.candidate.cases if key not in self.base.cases]


def side(run: Run, host: str = "") -> Side:
    """A whole run as one side, or what one of its hosts measured."""
    trials: dict[int, list[Trial]] = {}
    for trial in run.trials:
        trials.setdefault(trial.case, []).append(trial)
    cases = {}
    for index, planned in enumerate(run.header.plan.cases):
        if host and planned.case.host != host:
            continue
        own = trials.get(index, [])
        outcome = case_outcome(run.ended, planned, [trial.outcome for trial in own])
        key = planned.case.shared_key if host else planned.case.key
        cases[key] = MeasuredCase(planned, outcome, tuple(own))
    environment = run.header.environment
    if host:
        environment = replace(environment, hosts={DEFAULT_HOST: environment.hosts[host]})
    return Side(str(run.path), environment, cases, run.header.created)


def pooled(sides: Sequence[Side]) -> Side:
    """Runs of the same code as one side: every reading of any of them counts.

    Raises:
        UsageError: they are of different machines.
    """
    first, *others = sides
    for other in others:
        for one in differences(first.environment, other.environment):
            if one.hardware:
                raise UsageError(
                    f"{first.name} and {other.name} were made on different machines ({one.text}); "
                    "compare each separately"
                )
    cases: dict[str, MeasuredCase] = {}
    for any_ in sides:
        for key, case in any_.cases.items():
            cases[key] = _joined(cases[key], case) if key in cases else case
    return replace(first, name=", ".join(any_.name for any_ in sides), cases=cases)


def _joined(first: MeasuredCase, other: MeasuredCase) -> MeasuredCase:
    """A case of two runs, ok if it was in both; rounds keep telling processes apart.

    A run that skipped it, or was cut off before it, adds nothing.
    """
    after = max((trial.round for trial in first.trials), default=-1) + 1
    later = tuple(replace(trial, round=trial.round + after) for trial in other.trials)
    outcomes = [one for one in (first.outcome, other.outcome) if one.name != "skipped"]
    outcome = next((one for one in outcomes if not one.ok), (outcomes or [first.outcome])[0])
    return MeasuredCase(first.planned, outcome, first.trials + later)


def sides_within(run: Run) -> tuple[Side, Side]:
    """The two sides of a run that compares two hosts.

    Raises:
        UsageError: it does not.
    """
    sides = run.header.plan.sides
    if sides is None:
        raise UsageError(
            f"{run.path} has only one side; name the other too: ferrybench compare BASE CANDIDATE"
        )
    return (
        replace(side(run, sides.base), name=sides.base_label),
        replace(side(run, sides.candidate), name=sides.candidate_label),
    )


def tolerance_of(run: Run) -> Tolerance:
    """What a run that compares two hosts was told is no difference."""
    sides = run.header.plan.sides
    return parse_tolerance(sides.tolerance if sides else "")


def match(base: Side, candidate: Side) -> Match:
    """Put two sides beside each other."""
    found = tuple(differences(base.environment, candidate.environment))
    return Match(base, candidate, found)


def differences(base: Environment, candidate: Environment) -> Iterator[Difference]:
    """Every field in which two environments differ and that can make a number differ."""
    for name in (*HARDWARE, *SETTINGS):
        then, now = getattr(base, name), getattr(candidate, name)
        if then != now:
            other = name in HARDWARE and not (unknown(name, then) or unknown(name, now))
            if other and name == "memory_bytes":
                other = abs(then - now) > SAME_MEMORY * max(then, now)
            yield Difference(
                name,
                "" if unknown(name, then) else _text(then),
                "" if unknown(name, now) else _text(now),
                hardware=other,
            )
    for host in base.hosts.keys() & candidate.hosts.keys():
        for name in (*HOST_FACTS, *LATER_FACTS):
            then, now = base.hosts[host].get(name), candidate.hosts[host].get(name)
            if name in LATER_FACTS and None in (then, now):
                continue
            if then != now:
                label = name if host == "default" else f"{name} of host {host}"
                yield Difference(label, _text(then), _text(now), hardware=False)


def unknown(name: str, value: Any) -> bool:
    """Whether an environment does not say: then nothing is known to differ in it."""
    return value in (None, "", {}) or (name in NEVER_ZERO and value == 0)


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={item}" for key, item in sorted(value.items()))
    return "" if value is None else str(value)
