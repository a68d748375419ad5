"""How far runs of identical code lie apart, case by case.

A calibration is one journal: the same cases measured again and again, its rounds cut into runs of a
few processes each. The variance of the runs' means is that of their processes, and what is left
over is drift: a machine that was faster for some minutes, a neighbour, a governor.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.cases.rounds import steady_by_round
from harness.journal.lines import Run
from harness.schema.records import Trial
from harness.stats.two_level import Drift

LEAST_RUNS = 4
"""Below that nothing is left to see how often the others would have alarmed."""

Times = Mapping[int, float]
"""Seconds of one run's processes, by round."""


@dataclass(frozen=True)
class CaseRuns:
    """One case in every run of a calibration."""

    key: str
    runs: tuple[Times, ...]

    @property
    def median_s(self) -> float:
        return statistics.median(value for run in self.runs for value in run.values())

    @cached_property
    def _means(self) -> tuple[float, ...]:
        return tuple(statistics.fmean(_logs(run)) for run in self.runs)

    @cached_property
    def scatter(self) -> float:
        """Standard deviation of a process's logarithm of time within its run."""
        freedom = sum(len(run) - 1 for run in self.runs)
        squares = math.fsum(
            (log - mean) ** 2
            for run, mean in zip(self.runs, self._means, strict=True)
            for log in _logs(run)
        )
        return math.sqrt(squares / freedom) if freedom else 0.0

    def drift(self, without: Sequence[int] = ()) -> Drift:
        """Between runs, but for some of them."""
        kept = [index for index in range(len(self.runs)) if index not in without]
        means = [self._means[index] for index in kept]
        by_chance = statistics.fmean(self.scatter**2 / len(self.runs[index]) for index in kept)
        return Drift(math.sqrt(max(0.0, statistics.variance(means) - by_chance)), len(kept))


def _logs(run: Times) -> list[float]:
    return [math.log(value) for value in run.values()]


def runs_of(run: Run) -> list[CaseRuns]:
    """Every case that was timed without fail in each run of a calibration."""
    count, trials_a_run = run.header.plan.calibration_runs, run.header.plan.effort.trials
    trials_a_run //= max(1, count)
    by_case: dict[int, list[Trial]] = {}
    for trial in run.trials:
        by_case.setdefault(trial.case, []).append(trial)
    found = []
    for index, trials in sorted(by_case.items()):
        if not all(trial.outcome.ok for trial in trials):
            continue
        parts: list[dict[int, float]] = [{} for _ in range(count)]
        for number, seconds in steady_by_round(trials).items():
            parts[(number - 1) // trials_a_run][number] = seconds
        if all(len(part) > 1 for part in parts):
            found.append(CaseRuns(run.header.plan.cases[index].case.key, tuple(parts)))
    return found
