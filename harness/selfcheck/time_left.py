"""How right the time left is: recorded runs, replayed to the estimator as they happened.

``python -m harness.selfcheck.time_left JOURNAL…`` says for each journal how far what would have
been shown was from what was left, from a third of the run on.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from harness.console import out
from harness.errors import UsageError
from harness.journal.lines import Run
from harness.journal.read import read_journal
from harness.planning.deciding import Deciding
from harness.planning.estimate import Estimator
from harness.planning.order import Step, rounds
from harness.schema.records import TIMED, Trial
from harness.units import format_seconds, format_share

FROM = 1 / 3
"""Share of a run before which nobody expects much."""
UNTIL = 0.9
"""And after which what is left is too short to be off by a share of it."""
USUAL_START_S = 4.0
"""What new hosts take where it was not recorded: a journal does not say it of the first ones."""


@dataclass(frozen=True)
class Said:
    """What was shown at one moment, and what was true."""

    at: float  # share of the run that had gone by
    left_s: float
    true_s: float

    @property
    def error(self) -> float:
        """By what share of the truth it was off; more than it is positive."""
        return self.left_s / self.true_s - 1


@dataclass(frozen=True)
class _Taken:
    """A step as it was recorded: when it began, and when the next one did."""

    step: Step
    trial: Trial
    began_s: float
    ended_s: float


def replay(run: Run, start_s: float = USUAL_START_S) -> list[Said]:
    """What would have been shown at the beginning of each trial of a run.

    A run that was not completed is taken to have been planned as far as it got.

    Args:
        run: what was recorded; without searches and without two sides.
        start_s: what the first start of the hosts took.
    """
    taken = _taken(run)
    if len(taken) < 2:
        raise UsageError(f"{run.path} has too few trials to tell")
    plan = run.header.plan
    began_s = datetime.fromisoformat(run.header.created).timestamp()
    ends_s = taken[-1].ended_s
    estimator = Estimator(plan.cases, plan.effort, between_s=start_s)
    infos = {info.name: info for info in run.header.scenarios}
    deciding = Deciding(plan.cases, infos, plan.effort)
    left, failed = _planned(run, taken), set[int]()
    said = []
    for one, following in zip(taken, [*taken[1:], None], strict=True):
        at = (one.began_s - began_s) / (ends_s - began_s)
        left_s = estimator.total_s(left) + _further_s(deciding, estimator, left)
        said.append(Said(at, left_s, ends_s - one.began_s))
        if not one.trial.outcome.ok:
            failed.add(one.step.case)
        deciding.note(one.trial)
        left = _rest(left, one.step, failed)
        left = [[step for step in steps if not _spared(deciding, step)] for steps in left]
        if following is not None and following.step.round != one.step.round:
            estimator.learn(one.trial)
            estimator.learn_round(one.ended_s - one.began_s - one.trial.wall_s)
        else:
            estimator.learn(one.trial, one.ended_s - one.began_s)
    return said


def _further_s(deciding: Deciding, estimator: Estimator, left: Sequence[Sequence[Step]]) -> float:
    timed = [step for steps in left for step in steps if step.kind in TIMED]
    to_come_s = sum(map(estimator.one_s, timed))
    return deciding.further_s(
        lambda case: estimator.one_s(Step(case, "time", 0)), to_come_s, planned=bool(timed)
    )


def _spared(deciding: Deciding, step: Step) -> bool:
    return step.kind in TIMED and deciding.spares(step.case)


def _rest(left: Sequence[Sequence[Step]], done: Step, failed: set[int]) -> list[list[Step]]:
    """What is left of each round after a step; a round of which nothing is left is over."""
    rest = [[one for one in steps if one != done and one.case not in failed] for steps in left]
    return [steps for steps in rest if steps]


def _taken(run: Run) -> list[_Taken]:
    """The steps of a run one after another; the attempts of a search are one."""
    found: list[_Taken] = []
    for trial, following in zip(run.trials, [*run.trials[1:], None], strict=True):
        search = trial.kind == "limit"
        ended_s = following.started_s if following else trial.started_s + trial.wall_s
        step = Step(trial.case, trial.kind, 0 if search else trial.round)
        last = found[-1] if found else None
        if last is not None and search and last.step == step:
            wall_s = ended_s - last.began_s
            found[-1] = replace(last, trial=replace(trial, wall_s=wall_s), ended_s=ended_s)
        else:
            found.append(_Taken(step, trial, trial.started_s, ended_s))
    return found


def _planned(run: Run, taken: Sequence[_Taken]) -> list[list[Step]]:
    plan = run.header.plan
    infos = {info.name: info for info in run.header.scenarios}
    planned = [steps for steps in rounds(plan.cases, infos, plan.effort, plan.seed) if steps]
    if run.ended == "complete":
        return planned
    done = {one.step for one in taken}
    cut = []
    for steps in planned:
        last = max((at for at, step in enumerate(steps) if step in done), default=-1)
        cut.append(steps[: last + 1])
    return [steps for steps in cut if steps]


def judged(said: Sequence[Said]) -> list[Said]:
    """The moments that count."""
    return [one for one in said if FROM <= one.at <= UNTIL]


def worst(said: Sequence[Said]) -> Said:
    """The moment at which the time left was furthest off."""
    return max(judged(said), key=lambda one: abs(one.error))


def main(names: Sequence[str]) -> None:
    """Replay journals, and print one line of each."""
    for name in names:
        said = replay(read_journal(Path(name)))
        most = worst(said)
        out.print(
            f"{name}: at worst {format_share(abs(most.error))} "
            f"{'more' if most.error > 0 else 'less'} than was left, at {most.at:.0%} of the run "
            f"({format_seconds(most.left_s)} instead of {format_seconds(most.true_s)})",
            soft_wrap=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
