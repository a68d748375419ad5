"""The order in which the trials of a run are measured."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from harness.model import PlannedCase, TrialKind


@dataclass(frozen=True)
class Step:
    """One trial to run."""

    case: int
    kind: TrialKind
    round: int


def rounds(
    cases: Sequence[PlannedCase], probes: Iterable[str], trials: int, seed: int
) -> Iterator[list[Step]]:
    """The trials of a run, round by round, each in an order of its own.

    The first round finds out memory, and what fails; each later one times every case once.
    Within a round, cases at one point of the grid stay together, so that a strategy and its
    baseline are neighbours in time; their order, and that of the points, is drawn from the seed.
    """
    probe_names = set(probes)
    for number in range(trials + 1):
        draw = random.Random(f"{seed}/{number}")
        groups: dict[tuple[str, str], list[Step]] = {}
        for index, planned in enumerate(cases):
            probe = planned.case.scenario in probe_names
            if planned.skip or (probe and number):
                continue
            kind: TrialKind = "probe" if probe else "time" if number else "memory"
            group = groups.setdefault((planned.case.scenario, planned.case.point), [])
            group.append(Step(index, kind, number))
        order = list(groups.values())
        draw.shuffle(order)
        for group in order:
            draw.shuffle(group)
        yield [step for group in order for step in group]
