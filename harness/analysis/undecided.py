"""What it would take to decide a contest that is open: how many processes, how long, and how."""

from __future__ import annotations

import shlex
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, replace

from harness.analysis.ranking import Ranking
from harness.analysis.sweep import Sweep
from harness.cases.rounds import steady_by_sitting
from harness.cases.summary import CaseSummary
from harness.planning.command import option_text, scenario_option
from harness.stats.contest import ALONE, decide
from harness.units import format_duration, format_seconds

STARTING_S = 3.0
"""What a command takes beside its trials."""


@dataclass(frozen=True)
class Needed:
    """What should decide a contest alone, if processes to come are like those that were.

    Args:
        trials: processes of each of its leaders.
        seconds: about what they take.
        command: which measures them.
    """

    trials: int
    seconds: float
    command: str

    @property
    def text(self) -> str:
        """``about 40 processes each would tell, in 12 s: `ferrybench run …` ``."""
        took = format_seconds(self.seconds) if self.seconds < 60 else format_duration(self.seconds)
        return f"about {self.trials} processes each would tell, in {took}: `{self.command}`"


def needed(sweep: Sweep, ranking: Ranking) -> Needed | None:
    """What would decide a contest; None where it is decided, or no number of processes is foreseen.

    A command of its own measures nothing else, and looks once.
    """
    if ranking.word != "undecided" or ranking.answer is None or len(ranking.leaders) < 2:
        return None
    times = [steady_by_sitting(row.processes) for row in ranking.leaders]
    trials = decide(times, replace(ALONE, margin=ranking.leaders[0].rule.margin)).needed
    if trials is None:
        return None
    trials = max(trials, *map(len, times))
    rows = list(ranking.leaders)
    baseline = sweep.baseline_at(rows[0].size_bytes)
    if baseline is not None and baseline not in rows:
        rows.append(baseline)
    seconds = trials * sum(map(_trial_s, rows)) + STARTING_S
    return Needed(trials, seconds, command(sweep, ranking.leaders, trials))


def _trial_s(row: CaseSummary) -> float:
    """With what comes before and after its samples."""
    return statistics.median(trial.wall_s for trial in row.processes)


def command(sweep: Sweep, rows: tuple[CaseSummary, ...], trials: int) -> str:
    """Which measures some cases of one point again, each in so many processes, and no others."""
    words = ["ferrybench", "run", *(f"{row.scenario}/{row.strategy}" for row in rows), "--quick"]
    words += [*scenario_option(sweep.info), *_point(sweep, rows[0])]
    return shlex.join([*words, "--trials", str(trials)])


def _point(sweep: Sweep, row: CaseSummary) -> Iterator[str]:
    """Options that set what would be varied, or stand at another value."""
    at = sweep.info.strategy(row.strategy).at
    if row.size_bytes is not None:
        yield from ("--size", option_text("size", row.size_bytes))
    for name, value in row.parameters.items():
        parameter = sweep.info.parameters.get(name)
        if parameter is None or name in at:
            continue
        if value != parameter.default or len(parameter.quick) > 1:
            yield from ("--set", f"{name}={option_text(name, value)}")
