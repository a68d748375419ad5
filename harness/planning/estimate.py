"""How long the rest of a run will take, from how long its trials took so far."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import replace

from harness.planning.order import Step
from harness.schema.records import PlannedCase, Trial, TrialKind

FIRST_GUESS_S = 0.2
ON_DEVICE_S = 1.5
"""The same of a process that makes the context of an accelerator."""


def whole_searches(trials: Iterable[Trial]) -> list[Trial]:
    """The trials of a run, with those of a search under a limit taken together as one."""
    whole: dict[int, Trial] = {}
    rest = []
    for trial in trials:
        if trial.kind == "limit":
            before = whole[trial.case].wall_s if trial.case in whole else 0.0
            whole[trial.case] = replace(trial, wall_s=before + trial.wall_s)
        else:
            rest.append(trial)
    return [*rest, *whole.values()]


class Estimator:
    """Learns each case's trial time; what was not seen yet is taken to be like its equals.

    A case that has run before will take as long again. One that has not is expected to take the
    median of what cases of its scenario and size took in trials of this kind, then of the
    scenario, then of all.
    """

    def __init__(self, cases: Sequence[PlannedCase], seen: Iterable[Trial] = ()) -> None:
        self._cases = cases
        self._own: dict[tuple[int, TrialKind], float] = {}
        self._alike: dict[tuple[object, ...], list[float]] = {}
        for trial in whole_searches(seen):
            self.learn(trial)

    def learn(self, trial: Trial) -> None:
        """Take note of a trial that has ended."""
        self._own[trial.case, trial.kind] = trial.wall_s
        for label in self._labels(trial.case, trial.kind):
            self._alike.setdefault(label, []).append(trial.wall_s)

    def _labels(self, case: int, kind: TrialKind) -> list[tuple[object, ...]]:
        scenario = self._cases[case].case.scenario
        size = self._cases[case].case.parameters.get("size")
        return [(scenario, size, kind), (scenario, size), (scenario,), ()]

    def one_s(self, step: Step) -> float:
        """Seconds one trial is expected to take."""
        own = self._own.get((step.case, step.kind))
        if own is not None:
            return own
        for label in self._labels(step.case, step.kind):
            if label in self._alike:
                return statistics.median(self._alike[label])
        return ON_DEVICE_S if self._cases[step.case].on_device else FIRST_GUESS_S

    def total_s(self, steps: Iterable[Step]) -> float:
        """Seconds these trials are expected to take together."""
        return sum(self.one_s(step) for step in steps)
