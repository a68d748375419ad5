"""``ferrybench doctor --calibrate``: identical code, run after run, and what that shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from harness.cli.measuring import measure_into
from harness.cli.options import RESULTS, parse_seconds
from harness.cli.run_verb import RunOptions
from harness.comparison.calibration.calibration import Calibration
from harness.comparison.calibration.detectable import POWER, smallest_found
from harness.comparison.calibration.drift import LEAST_RUNS, CaseRuns
from harness.comparison.tolerance import Tolerance
from harness.console import out
from harness.errors import EXIT_INTERRUPTED, EXIT_OK, UsageError
from harness.journal.read import read_journal
from harness.units import format_duration, format_seconds, format_share

TARGETS = ("tensor_from_array",)
"""What is measured where nothing is named."""


@dataclass(frozen=True)
class CalibrationOptions:
    """What ``--calibrate`` was told.

    Parameters
    ----------
    calibrate
        Measure identical code in several runs: how much runs differ, case by case, and the
        smallest slowdown that comparing two of them would find.
    runs
        Number of runs.
    trials
        Processes that measure time, per case and run; as many as in the runs to be compared.
    budget
        How long a later run may take, such as 5m; what would be found in that time is reported.
    size
        Sizes of the data, such as 1MiB,64MiB.
    set_
        NAME=VALUE,…: values of a parameter instead of its default; may be repeated.
    seed
        Seed of the data and the order; random by default, and recorded.
    scenarios
        A module or folder with your own scenarios; may be repeated.
    output
        The journal; by default results/calibration-TIME.jsonl, where compare finds it.
    force
        Overwrite the journal if it exists.
    """

    calibrate: Annotated[bool, Parameter(negative=())] = False
    runs: int = 8
    trials: int = 5
    budget: str = "5m"
    size: str | None = None
    set_: Annotated[tuple[str, ...], Parameter(name="--set", negative=())] = ()
    seed: int | None = None
    scenarios: Annotated[tuple[Path, ...], Parameter(negative=())] = ()
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None
    force: Annotated[bool, Parameter(negative=())] = False


NOT_ASKED_FOR = CalibrationOptions()


def calibrate(targets: Sequence[str], options: CalibrationOptions) -> int:
    """Measure a calibration, and tell what it says.

    Raises:
        UsageError: fewer runs or processes than anything can be told of.
    """
    if options.runs < LEAST_RUNS:
        raise UsageError(f"--runs {options.runs}: at least {LEAST_RUNS} are needed to see drift")
    if options.trials < 2:
        raise UsageError(f"--trials {options.trials}: at least 2 are needed to see scatter")
    budget_s = parse_seconds(options.budget, "--budget")
    run_options = RunOptions(
        quick=True,
        size=options.size,
        set_=options.set_,
        trials=options.runs * options.trials,
        seed=options.seed,
    )
    request = run_options.request(targets or TARGETS)
    settings = replace(run_options.settings(request.level), calibration_runs=options.runs)
    output = options.output or RESULTS / f"calibration-{datetime.now():%Y%m%d-%H%M%S}.jsonl"
    ended, path = measure_into(request, settings, options.scenarios, output, force=options.force)
    if ended == "interrupted":
        out.print(f"interrupted; {path} is incomplete and can be deleted")
        return EXIT_INTERRUPTED
    _tell(Calibration.of(read_journal(path), Tolerance().time), options.trials, budget_s)
    return EXIT_OK


def _tell(found: Calibration, trials: int, budget_s: float) -> None:
    affordable = max(2, int(budget_s / _round_s(found)))
    for case in found.cases:
        out.print(case.key, soft_wrap=True)
        out.print(f"    {_line(found, case, trials, affordable, budget_s)}", soft_wrap=True)
    out.print(
        f"found: slowdowns that {POWER:.0%} of comparisons of two runs would report, beyond a "
        f"tolerance of {format_share(found.tolerance)} and corrected for {len(found.cases)} cases",
        soft_wrap=True,
    )
    out.print(f"identical code was reported as slower in {found.said}", soft_wrap=True)
    out.print(
        "this informs and decides nothing: a machine may drift more another time, so times of "
        "separate runs stay advisory; ferrybench ab interleaves two sides, and lets time decide",
        soft_wrap=True,
    )
    out.print(
        f"compare shows intervals with this drift, using {found.run.path}",
        soft_wrap=True,
    )


def _line(found: Calibration, case: CaseRuns, trials: int, affordable: int, budget_s: float) -> str:
    few, many = (
        format_share(smallest_found(case, len(found.cases), processes, found.tolerance))
        for processes in (trials, affordable)
    )
    scatter, drift = format_share(case.scatter), format_share(case.drift().deviation)
    return (
        f"{format_seconds(case.median_s)}; processes scatter {scatter}, runs drift {drift}; found "
        f"from {few} with {trials} processes, {many} in {format_duration(budget_s)} "
        f"({affordable})"
    )


def _round_s(found: Calibration) -> float:
    """How long one process of every case takes, with what a round begins with."""
    starts: dict[int, float] = {}
    for trial in found.run.trials:
        if trial.kind == "time":
            starts[trial.round] = min(trial.started_s, starts.get(trial.round, trial.started_s))
    first, *_, last = sorted(starts.values())
    return (last - first) / (len(starts) - 1)
