"""``ferrybench run``."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from harness.analysis.unfinished import cases_missing, why_unfinished
from harness.cli.measuring import measure_into, until_stopped
from harness.cli.options import (
    chosen_level,
    latest_journal,
    parse_hosts,
    parse_seconds,
    parse_sets,
)
from harness.cli.verdicts import show_verdicts, verdicts_of
from harness.console import Progress, err, out
from harness.errors import EXIT_INTERRUPTED, EXIT_OK, UnableError, UsageError
from harness.journal.lines import Run
from harness.journal.lock import refuse_second_writer
from harness.journal.read import read_journal
from harness.journal.shown import shown
from harness.planning.limit_search import limit_outcome
from harness.planning.plan import Request, keys_in
from harness.report.words.place import page_of
from harness.run import session as sessions
from harness.run.runner import default_effort
from harness.scenario.npy import OwnFile, read_npy, read_raw
from harness.schema.description import Level
from harness.schema.records import Trial
from harness.units import format_duration, format_seconds, plural

TRAINS_FROM_FILES = "memmap_training"
"""The scenario that --npy means where none is named."""


@dataclass(frozen=True)
class RunOptions:
    """What ``ferrybench run`` was told.

    Parameters
    ----------
    quick
        Few sizes, three processes per case, and more where a contest is open.
    full
        Every value of every parameter, ten processes per case; fewer of what is beaten.
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
        Processes that measure time, of every case just as many; without it, contests that are open
        get more, and what is beaten fewer. With 0, only memory and outcomes are measured.
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
    raw
        The same for a file without a header, such as tokens.bin; it is copied behind one first.
    dtype
        Of the values in that file, such as uint16.
    shape
        Of the array in it, such as 1000,1024; one number may be -1, for as many as there are.
    offset
        Bytes before its first value, such as 1KiB.
    only
        Measure only the cases that this file names, one per line, as compare --suspects writes it.
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
    raw: Path | None = None
    dtype: str | None = None
    shape: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None
    offset: str | None = None
    only: Annotated[Path | None, Parameter(env_var="FERRYBENCH_ONLY")] = None

    def request(self, targets: Sequence[str]) -> Request:
        """What to measure."""
        request = self._request(targets)
        return request if self.only is None else replace(request, only=keys_in(self.only))

    def _request(self, targets: Sequence[str]) -> Request:
        level = chosen_level(quick=self.quick, full=self.full)
        sets = parse_sets(self.set_)
        if self.size is not None:
            sets["size"] = tuple(self.size.split(","))
        hosts = parse_hosts(self.host)
        own = self.own_file
        if own is None:
            return Request(tuple(targets), level, sets, hosts)
        file, option = own.values(), "--raw" if own.raw else "--npy"
        for name in sets.keys() & file.keys():
            raise UsageError(f"{option}: {name} is what the file says; leave it out")
        return Request(tuple(targets) or (TRAINS_FROM_FILES,), level, sets, hosts, file)

    @cached_property
    def own_file(self) -> OwnFile | None:
        """The user's own file that is to be trained from.

        Raises:
            UsageError: it cannot be, or is not said well enough.
        """
        said = {"--dtype": self.dtype, "--shape": self.shape, "--offset": self.offset}
        if self.raw is None:
            for option in (option for option, value in said.items() if value is not None):
                raise UsageError(f"{option} is for a file without a header, given by --raw")
            return None if self.npy is None else read_npy(self.npy)
        if self.npy is not None:
            raise UsageError("--npy and --raw exclude each other: one file at a time")
        if self.dtype is None or self.shape is None:
            raise UsageError(
                f"--raw {self.raw}: say what is in it, such as --dtype uint16 --shape -1,1024"
            )
        return read_raw(self.raw, self.dtype, self.shape, self.offset or "0")

    def settings(self, level: Level) -> sessions.Settings:
        """How to measure it."""
        effort = default_effort(level)
        if self.trials is not None:
            if self.trials < 0:
                raise UsageError(
                    f"--trials {self.trials}: give 0 or more; 0 measures memory and outcomes alone"
                )
            effort = replace(effort, trials=self.trials, contests=None)
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
        return _resume(output or latest_journal(to_resume=True))
    request = options.request(targets)
    own = options.own_file
    if own is not None and own.remark:
        err.print(own.remark, soft_wrap=True)
    settings = options.settings(request.level)
    read = [path for path in (options.npy, options.raw, options.only) if path is not None]
    ended, path = measure_into(request, settings, options.scenarios, output, force=force, read=read)
    return _conclude(ended, path)


def _resume(path: Path) -> int:
    refuse_second_writer(path)
    run = read_journal(path)
    if run.ended == "complete":
        out.print(f"{path} is complete; nothing is left to measure", soft_wrap=True)
        return EXIT_OK
    with Progress(err) as progress:
        ended = until_stopped(lambda: sessions.resume(run, progress, progress.say))
    return _conclude(ended, path)


def _conclude(ended: str, path: Path) -> int:
    """Say what was written, what it says, and what to do next.

    Raises:
        UnableError: there is nothing in it.
    """
    run = shown(read_journal(path))
    out.print(f"{path}: {counted(run)}", soft_wrap=True)
    unfinished = why_unfinished(run)
    if unfinished:
        out.print(f"incomplete: {unfinished}", soft_wrap=True)
        out.print(f"continue with: ferrybench run --resume -o {path}", soft_wrap=True)
    if not run.trials and ended != "interrupted":
        raise UnableError(f"nothing could be measured: {_why_nothing(run, ended)}")
    if run.trials:
        show_verdicts(verdicts_of(run))
    page = page_of(run.header.run_id)
    out.print(f"next: ferrybench report {path}, which writes {page}", soft_wrap=True)
    return EXIT_INTERRUPTED if ended == "interrupted" else EXIT_OK


def _why_nothing(run: Run, ended: str) -> str:
    if ended == "budget":
        budget_s = run.header.plan.budget_s
        budget = format_seconds(budget_s) if budget_s < 60 else format_duration(budget_s)
        return f"the budget of {budget} was spent before the first trial"
    reasons = dict.fromkeys(case.skip for case in run.header.plan.cases)
    return "; ".join(list(reasons)[:3])


def counted(run: Run) -> str:
    """``24 trials of 6 cases, 1 failed, 2 refused as declared, 3 skipped``."""
    planned = run.header.plan.cases
    reached = {trial.case for trial in run.trials}
    cells = {trial.case for trial in run.trials if trial.kind == "probe"}
    bad = [trial for trial in run.trials if not trial.outcome.ok]
    refused = {trial.case for trial in bad if planned[trial.case].refuses_by(trial.outcome)}
    # A cell of a matrix that raises is an answer, and so is what a search finds at its frontier.
    failed = {trial.case for trial in bad} - refused - cells - _found(run)
    refused -= cells
    skipped = sum(bool(case.skip) for case in planned)
    counts = (
        (len(cells), "cells of a matrix" if len(cells) != 1 else "cell of a matrix"),
        (len(failed), "failed"),
        (len(refused), "refused as declared"),
        (skipped, "skipped"),
        (cases_missing(run), "not reached"),
    )
    return ", ".join(
        [
            f"{plural(len(run.trials), 'trial')} of {plural(len(reached), 'case')}",
            *(f"{count} {what}" for count, what in counts if count),
        ]
    )


def _found(run: Run) -> set[int]:
    """Cases whose search under a limit found the frontier: some attempts must fail for that."""
    attempts: dict[int, list[Trial]] = {}
    for trial in run.trials:
        if trial.kind == "limit":
            attempts.setdefault(trial.case, []).append(trial)
    outcomes = {case: limit_outcome(own) for case, own in attempts.items()}
    return {case for case, outcome in outcomes.items() if outcome and outcome.ok}
