"""``ferrybench run``."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from harness.cli.measuring import measure_into, until_stopped
from harness.cli.options import (
    chosen_level,
    latest_journal,
    parse_hosts,
    parse_seconds,
    parse_sets,
)
from harness.console import Progress, err, out
from harness.errors import EXIT_INTERRUPTED, EXIT_OK, UnableError, UsageError
from harness.journal.lines import Run
from harness.journal.read import read_journal
from harness.planning.limit_search import limit_outcome
from harness.planning.plan import Request
from harness.run import session as sessions
from harness.run.runner import default_effort
from harness.scenario.npy import read_npy
from harness.schema.description import Level
from harness.schema.records import Trial

TRAINS_FROM_FILES = "memmap_training"
"""The scenario that --npy means where none is named."""


@dataclass(frozen=True)
class RunOptions:
    """What ``ferrybench run`` was told.

    Parameters
    ----------
    quick
        Few sizes, three processes per case.
    full
        Every value of every parameter, ten processes per case.
    size
        Sizes of the data, such as 1MiB,64MiB, instead of the sweep's own.
    set_
        NAME=VALUE,…: values of a parameter instead of its default; may be repeated.
    host
        NAME:VAR=VALUE,…: measure once more in a host with these environment variables;
        NAME:python=PATH chooses its interpreter. May be repeated.
    budget
        Time budget, such as 5m. Cases not reached are listed.
    trials
        Processes that measure time, per case; with 0, only memory and outcomes are measured.
    memory_trials
        Processes that measure memory, per case; several make a better baseline.
    timeout
        How long one trial may take, such as 5m; by default one minute, with --full ten.
    seed
        Seed of the data and the order; random by default, and recorded.
    scenarios
        A module or folder with your own scenarios; may be repeated.
    start
        How trials are started; by default fork, where the system has it.
    gc
        Leave Python's garbage collector on while timing, as your programs do.
    npy
        Your own .npy file to train from instead of generated data; each row is a sample.
    """

    quick: Annotated[bool, Parameter(negative=())] = False
    full: Annotated[bool, Parameter(negative=())] = False
    size: str | None = None
    set_: Annotated[tuple[str, ...], Parameter(name="--set", negative=())] = ()
    host: Annotated[tuple[str, ...], Parameter(negative=())] = ()
    budget: str | None = None
    trials: int | None = None
    memory_trials: int = 1
    timeout: str | None = None
    seed: int | None = None
    scenarios: Annotated[tuple[Path, ...], Parameter(negative=())] = ()
    start: Literal["fork", "spawn"] | None = None
    gc: Annotated[bool, Parameter(negative=())] = False
    npy: Path | None = None

    def request(self, targets: Sequence[str]) -> Request:
        """What to measure."""
        level = chosen_level(quick=self.quick, full=self.full)
        sets = parse_sets(self.set_)
        if self.size is not None:
            sets["size"] = tuple(self.size.split(","))
        hosts = parse_hosts(self.host)
        if self.npy is None:
            return Request(tuple(targets), level, sets, hosts)
        file = read_npy(self.npy).values()
        for name in sets.keys() & file.keys():
            raise UsageError(f"--npy: {name} is what the file says; leave it out")
        return Request(tuple(targets) or (TRAINS_FROM_FILES,), level, sets, hosts, file)

    def settings(self, level: Level) -> sessions.Settings:
        """How to measure it."""
        effort = default_effort(level)
        if self.trials is not None:
            if self.trials < 0:
                raise UsageError(f"--trials {self.trials}: there are no fewer than 0 processes")
            effort = replace(effort, trials=self.trials)
        if self.memory_trials < 1:
            raise UsageError(
                f"--memory-trials {self.memory_trials}: memory is always measured; at least once"
            )
        if self.timeout is not None:
            effort = replace(effort, timeout_s=parse_seconds(self.timeout, "--timeout"))
        return sessions.Settings(
            effort=replace(effort, collect_garbage=self.gc, memory_trials=self.memory_trials),
            seed=secrets.randbelow(2**31) if self.seed is None else self.seed,
            budget_s=parse_seconds(self.budget, "--budget") if self.budget else 0.0,
            method=self.start,
        )


def run_command(
    *targets: str,
    options: Annotated[RunOptions, Parameter(name="*")] = RunOptions(),
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    force: Annotated[bool, Parameter(negative=())] = False,
    resume: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Measure, into a journal: every case in fresh processes, interleaved and verified.

    Parameters
    ----------
    targets
        SCENARIO or SCENARIO/STRATEGY; everything by default.
    output
        The journal to write; results/RUN.jsonl by default.
    force
        Overwrite the journal if it exists.
    resume
        Continue an interrupted run as it was planned: that of --output, or the latest.
    """
    if resume:
        if targets or options != RunOptions():
            raise UsageError("--resume continues a run as it was planned; it takes only --output")
        return _resume(output or latest_journal())
    request = options.request(targets)
    settings = options.settings(request.level)
    ended, path = measure_into(request, settings, options.scenarios, output, force=force)
    return _conclude(ended, path)


def _resume(path: Path) -> int:
    run = read_journal(path)
    if run.ended == "complete":
        out.print(f"{path} is complete; nothing is left to measure", soft_wrap=True)
        return EXIT_OK
    with Progress(err) as progress:
        ended = until_stopped(lambda: sessions.resume(run, progress, progress.say))
    return _conclude(ended, path)


def _conclude(ended: str, path: Path) -> int:
    """Say what was written and what to do next."""
    run = read_journal(path)
    reached = {trial.case for trial in run.trials}
    cells = {trial.case for trial in run.trials if trial.kind == "probe"}
    # A cell of a matrix that raises is an answer, not a failure.
    failed = {trial.case for trial in run.trials if not trial.outcome.ok} - cells - _found(run)
    planned = run.header.plan.cases
    skipped = sum(bool(case.skip) for case in planned)
    text = f"{path}: {len(run.trials)} trials of {len(reached)} cases"
    notes = [f"{len(cells)} of them cells of a matrix"] if cells else []
    notes += [f"{len(failed)} failed"] if failed else []
    notes += [f"{skipped} skipped"] if skipped else []
    missing = len(planned) - skipped - len(reached)
    if missing:
        notes.append(f"{missing} not reached ({ended})")
    out.print(f"{text}{', ' if notes else ''}{', '.join(notes)}", soft_wrap=True)
    if ended != "complete":
        out.print(f"continue with: ferrybench run --resume -o {path}", soft_wrap=True)
    if ended == "complete" and not reached:
        reasons = dict.fromkeys(case.skip for case in planned)
        raise UnableError(f"nothing could be measured: {'; '.join(list(reasons)[:3])}")
    out.print(f"next: ferrybench report {path}", soft_wrap=True)
    return EXIT_INTERRUPTED if ended == "interrupted" else EXIT_OK


def _found(run: Run) -> set[int]:
    """Cases whose search under a limit found the frontier: some attempts must fail for that."""
    attempts: dict[int, list[Trial]] = {}
    for trial in run.trials:
        if trial.kind == "limit":
            attempts.setdefault(trial.case, []).append(trial)
    outcomes = {case: limit_outcome(own) for case, own in attempts.items()}
    return {case for case, outcome in outcomes.items() if outcome and outcome.ok}
