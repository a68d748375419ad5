"""What became of a case, from its trials: one outcome, a time for each process, a ratio."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from harness.planning.limit_search import limit_outcome
from harness.schema.records import TIMED, Outcome, PlannedCase, Trial
from harness.stats.intervals import NOTHING, Interval, median_interval


def case_outcome(ended: str, planned: PlannedCase, outcomes: Sequence[Outcome]) -> Outcome:
    """The outcome of a case: ok only when every one of its trials was."""
    if planned.skip:
        return Outcome("skipped", planned.skip)
    if not outcomes:
        why = {"budget": "the time budget was used up", "interrupted": "the run was interrupted"}
        return Outcome("skipped", f"not reached: {why.get(ended, 'the run was cut off')}")
    bad = [outcome for outcome in outcomes if not outcome.ok]
    if not bad:
        return Outcome("ok")
    some = f"{len(bad)} of {len(outcomes)} trials: " if len(bad) < len(outcomes) else ""
    return replace(bad[0], reason=some + bad[0].reason)


def outcome_of(ended: str, planned: PlannedCase, trials: Sequence[Trial]) -> Outcome:
    """The same from its trials; a search under a limit has an outcome of its own."""
    of_search = None if planned.skip else limit_outcome(trials)
    return of_search or case_outcome(ended, planned, [trial.outcome for trial in trials])


def steady_s(trial: Trial) -> float:
    """One process's steady-state time: the median of its samples; NaN where it is not known."""
    return trial.timing.median_s if trial.timing else math.nan


def steady_by_round(trials: Iterable[Trial]) -> dict[int, float]:
    """Steady-state seconds of the trials that measured time, by their round."""
    times = {trial.round: steady_s(trial) for trial in trials if trial.kind in TIMED}
    return {number: value for number, value in times.items() if value > 0}


def paired_ratio(trials: Iterable[Trial], others: Iterable[Trial]) -> Interval:
    """The ratio of two cases' times, round by round, so that a drifting machine cancels out.

    A round that an interruption cut in two has no pairs: its halves share no moment of the machine.
    """
    ratios = paired_ratios(trials, others)
    return median_interval(ratios) if ratios else NOTHING


def paired_ratios(trials: Iterable[Trial], others: Iterable[Trial]) -> list[float]:
    """The ratios of two cases' times in the same round and sitting."""
    return [own / theirs for own, theirs in _pairs(trials, others)]


def paired_savings(trials: Iterable[Trial], others: Iterable[Trial]) -> Interval:
    """How many seconds less than another case one takes, paired in the same way."""
    savings = [theirs - own for own, theirs in _pairs(trials, others)]
    return median_interval(savings) if savings else NOTHING


def _pairs(trials: Iterable[Trial], others: Iterable[Trial]) -> list[tuple[float, float]]:
    """Times of two cases in the same round and sitting."""
    times, theirs = steady_by_sitting(trials), steady_by_sitting(others)
    return [(times[key], theirs[key]) for key in sorted(times.keys() & theirs.keys())]


def steady_by_sitting(trials: Iterable[Trial]) -> dict[tuple[int, int], float]:
    """Steady-state seconds of the trials that measured time, by their sitting and round."""
    return {
        (trial.sitting, trial.round): value
        for trial in trials
        if trial.kind in TIMED and (value := steady_s(trial)) > 0
    }
