"""The order in which the trials of a run are measured."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.planning.deciding import Deciding
from harness.planning.limit_search import searched
from harness.schema.description import ScenarioInfo
from harness.schema.records import TIMED, Effort, PlannedCase, Trial, TrialKind


@dataclass(frozen=True)
class Step:
    """One trial to run.

    Args:
        case: by its place in the plan.
        kind: what is to be found out.
        round: tells it from others of the kind.
        layout_seed: of the layout of its memory, if that is to be like another trial's; otherwise
            all trials of a round have one: see :mod:`harness.trial.timing.heap_layout`.
    """

    case: int
    kind: TrialKind
    round: int
    layout_seed: int | None = None


def rounds(
    cases: Sequence[PlannedCase], infos: Mapping[str, ScenarioInfo], effort: Effort, seed: int
) -> Iterator[list[Step]]:
    """The trials of a run, round by round, each in an order of its own.

    The first round finds out memory, and what fails; each later one times every case once, but
    for scenarios that weigh memory, and looks at memory again where that was asked for. A search
    under a limit is one step, whatever it takes.
    Within a round, cases at one point of the grid stay together, so that a strategy and its
    baseline are neighbours in time; their order, and that of the points, is drawn from the seed.
    """
    for number in range(max(effort.trials + 1, effort.memory_trials)):
        groups: dict[tuple[str, str], list[Step]] = {}
        for index, planned in enumerate(cases):
            if planned.skip:
                continue
            group = groups.setdefault((planned.case.scenario, planned.case.point), [])
            for kind in _kinds(planned, infos[planned.case.scenario], effort, number):
                group.append(Step(index, kind, number))
        yield in_random_order(groups.values(), seed, number)


def in_random_order(groups: Iterable[list[Step]], seed: int, number: int) -> list[Step]:
    """The steps of a round, those of each group together."""
    draw = random.Random(f"{seed}/{number}")
    order = list(groups)
    draw.shuffle(order)
    for group in order:
        draw.shuffle(group)
    return [step for group in order for step in group]


def steps_left(
    cases: Sequence[PlannedCase],
    infos: Mapping[str, ScenarioInfo],
    effort: Effort,
    seed: int,
    done: Sequence[Trial],
) -> list[list[Step]]:
    """The same without what has been done, and without what a case is spared.

    That is everything of one that has failed, and the times of one that was beaten in a contest.
    """
    # An attempt of a search that fails says where the search goes on.
    failed = {trial.case for trial in done if not trial.outcome.ok and trial.kind != "limit"}
    deciding = Deciding(cases, infos, effort, done)
    taken = {Step(trial.case, trial.kind, trial.round) for trial in done if trial.kind != "limit"}
    taken |= {Step(case, "limit", 0) for case in searched(done)}
    return [
        [
            step
            for step in steps
            if step not in taken
            and step.case not in failed
            and not (step.kind in TIMED and deciding.spares(step.case))
        ]
        for steps in rounds(cases, infos, effort, seed)
    ]


def _kinds(
    planned: PlannedCase, info: ScenarioInfo, effort: Effort, number: int
) -> tuple[TrialKind, ...]:
    """What a case has to find out in a round."""
    if info.probe or info.borrows:
        once: TrialKind = "limit" if info.borrows else "probe"
        return () if number else (once,)
    kinds: list[TrialKind] = []
    # Where memory decides, one process says about how long it takes.
    if 1 <= number <= effort.trials and (number == 1 or info.weighs == "time"):
        kinds.append("time")
    if number < effort.memory_trials:
        # Where the memory of the whole tree is the question, that of its first process is none.
        if not planned.tree or info.weighs == "time":
            kinds.append("memory")
        if planned.tree:
            kinds.append("tree")
    return tuple(kinds)
