"""How long the rest of a run will take, from how long its trials took so far."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from harness.planning.order import Step
from harness.schema.records import TIMED, Effort, PlannedCase, Trial, TrialKind

FIRST_GUESS_S = 0.2
ON_DEVICE_S = 1.5
"""The same of a process that makes the context of an accelerator."""
WEIGHT_OF_GUESS = 2
"""What is expected of a trial counts as much as this many that were like it."""


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


@dataclass
class Sum:
    """Seconds that were spent, and those that were expected, over some trials."""

    spent_s: float = 0.0
    expected_s: float = 0.0
    trials: int = 0

    def add(self, spent_s: float, expected_s: float = 0.0) -> None:
        self.spent_s += spent_s
        self.expected_s += expected_s
        self.trials += 1

    @property
    def mean_s(self) -> float:
        return self.spent_s / self.trials

    def drawn_to(self, guess_s: float) -> float:
        """The mean, where a guess counts as much as some trials."""
        return (self.spent_s + WEIGHT_OF_GUESS * guess_s) / (self.trials + WEIGHT_OF_GUESS)

    @property
    def ratio(self) -> float:
        """How much longer trials took than was expected; 1 before there are any."""
        if not self.expected_s:
            return 1.0
        guess_s = WEIGHT_OF_GUESS * self.expected_s / self.trials
        return (self.spent_s + guess_s) / (self.expected_s + guess_s)


class Estimator:
    """Learns what trials take; what was not seen yet is taken to be like its equals.

    A trial of a case that has run before takes as long again. One that is to time a case whose
    memory is known takes as long as that did, and the time for its samples on top; how much longer
    it really takes is learnt from the scenario's other cases. Any other takes the mean of what
    cases of its scenario and size took in trials of this kind, then of the scenario, then of all:
    the mean and not the median, since a few long trials are most of a run.

    Args:
        cases: of the plan.
        effort: how much each trial is to sample.
        seen: trials that an interrupted run already has.
        between_s: what should pass between two rounds, until that has been seen.
    """

    def __init__(
        self,
        cases: Sequence[PlannedCase],
        effort: Effort,
        seen: Iterable[Trial] = (),
        between_s: float = 0.0,
    ) -> None:
        self._cases = cases
        self._effort = effort
        self._before_seen_s = between_s
        self._between_s: list[float] = []
        self._own: dict[tuple[int, TrialKind], float] = {}
        self._alike: dict[tuple[object, ...], Sum] = {}
        self._model: dict[tuple[str, TrialKind], Sum] = {}
        self._slow: dict[tuple[str, str], Sum] = {}
        for trial in whole_searches(seen):
            self.learn(trial)

    def learn(self, trial: Trial, took_s: float | None = None) -> None:
        """Take note of a trial that has ended.

        Args:
            trial: what it found out.
            took_s: with the making of its inputs, which are kept; the trial alone if not given.
        """
        case, kind = trial.case, trial.kind
        spent_s = trial.wall_s if took_s is None else took_s
        if trial.outcome.name == "timeout":
            # Says nothing of others, but of the same strategy elsewhere.
            self._slow.setdefault(self._strategy(case), Sum()).add(spent_s)
        else:
            model_s = self._model_s(case, kind)
            if model_s is not None:
                for label in (self._scenario(case), kind), ("", kind):
                    self._model.setdefault(label, Sum()).add(trial.wall_s, model_s)
            untimed, alike = self._labels(case, kind)
            for label in (*alike, *(() if kind in TIMED else untimed)):
                self._alike.setdefault(label, Sum()).add(spent_s)
        self._own[case, kind] = trial.wall_s

    def learn_round(self, took_s: float) -> None:
        """Take note of how long a round took to begin."""
        self._between_s.append(took_s)

    @property
    def between_s(self) -> float:
        """Seconds from one round to the next."""
        if self._between_s:
            return statistics.fmean(self._between_s)
        return self._before_seen_s

    def one_s(self, step: Step) -> float:
        """Seconds one trial is expected to take."""
        own = self._own.get((step.case, step.kind))
        if own is not None:
            return own
        if self._strategy(step.case) in self._slow:
            return self._slow[self._strategy(step.case)].mean_s
        model_s = self._model_s(step.case, step.kind)
        if model_s is not None:
            of_all = self._model.get(("", step.kind), Sum())
            found = self._model.get((self._scenario(step.case), step.kind), of_all)
            return model_s * found.ratio
        return self._like_others_s(step)

    def total_s(self, rounds: Sequence[Sequence[Step]]) -> float:
        """Seconds that the rest is expected to take.

        Args:
            rounds: what is left of the one that has begun, then those that come.
        """
        to_come = sum(bool(steps) for steps in rounds[1:])
        return sum(self.one_s(step) for steps in rounds for step in steps) + (
            to_come * self.between_s
        )

    def _model_s(self, case: int, kind: TrialKind) -> float | None:
        """What a trial that times should take by one of its case that did not; None if unknown."""
        looked = self._own.get((case, "memory"), self._own.get((case, "tree")))
        if kind not in TIMED or looked is None:
            return None
        return looked + self._effort.steady_s

    def _like_others_s(self, step: Step) -> float:
        """From what all trials took to what those took that are most like it.

        Few of a narrower kind say little: each mean is drawn towards that of the wider kind.
        """
        expected_s = ON_DEVICE_S if self._cases[step.case].on_device else FIRST_GUESS_S
        untimed, alike = self._labels(step.case, step.kind)
        for label in untimed:
            expected_s = self._seen(label).drawn_to(expected_s)
        if step.kind in TIMED:
            expected_s += self._effort.steady_s
        for label in alike:
            expected_s = self._seen(label).drawn_to(expected_s)
        return expected_s

    def _seen(self, label: tuple[object, ...]) -> Sum:
        return self._alike.get(label) or Sum()

    def _labels(
        self, case: int, kind: TrialKind
    ) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
        """Whom a trial is like, the most general first: in all but its kind, and in that too."""
        scenario = self._scenario(case)
        parameters = self._cases[case].case.parameters
        size = parameters.get("size")
        return (
            [(), (scenario,), (scenario, size)],
            [(scenario, kind), (scenario, kind, size), (scenario, kind, *parameters.items())],
        )

    def _scenario(self, case: int) -> str:
        return self._cases[case].case.scenario

    def _strategy(self, case: int) -> tuple[str, str]:
        return self._scenario(case), self._cases[case].case.strategy
