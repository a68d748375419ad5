"""Sweeps made of planted numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.analysis.sweep import Sweep, sweep
from harness.cases.summaries import summaries
from harness.journal.read import read_journal
from harness.schema.description import ScenarioInfo
from harness.schema.records import Case, PlannedCase, Trial, Value
from tests.journals import loaded, tree, trial, watched, write_run

Point = dict[str, Value]


def planned_at(info: ScenarioInfo, strategy: str, point: Point) -> PlannedCase:
    """A case of a scenario; the baseline's are its baseline."""
    return PlannedCase(Case(info.name, strategy, point), strategy == info.baseline)


def sweep_at(
    folder: Path, info: ScenarioInfo, cases: Sequence[PlannedCase], trials: Sequence[Trial]
) -> Sweep:
    """Through a journal and a frame to the cases of a scenario."""
    run = read_journal(write_run(folder / "run.jsonl", cases, trials, infos=[info]))
    return sweep(info, summaries(run))


def timed_sweep(
    folder: Path, info: ScenarioInfo, times: Sequence[tuple[str, Point, Sequence[float]]]
) -> Sweep:
    """Loaders whose processes took these times an epoch, one process a round."""
    cases = [planned_at(info, strategy, point) for strategy, point, _ in times]
    trials = [
        loaded(trial(index, number), seconds)
        for index, (_, _, epochs) in enumerate(times)
        for number, seconds in enumerate((1.0, *epochs))
    ]
    return sweep_at(folder, info, cases, trials)


def tree_sweep(
    folder: Path,
    info: ScenarioInfo,
    growth: Sequence[tuple[str, Point, int]],
    payload: int,
) -> Sweep:
    """Process trees that grew by so many bytes; every epoch takes half a second."""
    cases = [planned_at(info, strategy, point) for strategy, point, _ in growth]
    trials: list[Trial] = []
    for index, (_, _, grown) in enumerate(growth):
        trials.append(watched(index, tree(grown), payload=payload))
        trials += [loaded(trial(index, n, payload=payload), 0.5) for n in (1, 2, 3)]
    return sweep_at(folder, info, cases, trials)
