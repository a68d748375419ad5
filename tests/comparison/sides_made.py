"""Two sides made by hand: a suite of planned cases with the same trials, one of them changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from harness.comparison.sides import Match, match, side
from harness.comparison.suite import Rules, compare
from harness.comparison.verdicts import Finding, RunComparison
from harness.host.environment import Environment
from harness.journal.read import read_journal
from harness.schema.records import PlannedCase, Trial
from tests.journals import ENVIRONMENT, MIB, planned, trial, write_run

PAYLOAD = 16 * MIB
PROCESSES = 8
Change = Callable[[Trial], Trial]


def same(one: Trial) -> Trial:
    return one


def steady(seconds: float) -> Change:
    """Give a trial another steady-state time."""

    def change(one: Trial) -> Trial:
        assert one.timing is not None
        samples = (seconds,) * len(one.timing.samples_s)
        return replace(one, timing=replace(one.timing, samples_s=samples))

    return change


def trials_of(index: int, processes: int = PROCESSES, change: Change = same) -> list[Trial]:
    return [change(trial(index, number, payload=PAYLOAD)) for number in range(processes + 1)]


def suite(
    folder: Path,
    name: str,
    trials: Sequence[Trial],
    *,
    cases: Sequence[PlannedCase] | None = None,
    environment: Environment = ENVIRONMENT,
    end: str = "complete",
) -> Path:
    """Write a journal of the cases ``a``, ``b`` and ``c``, or of others."""
    known = cases or [planned(letter) for letter in "abc"]
    path = write_run(folder / f"{name}.jsonl", known, trials, end=end)
    if environment is not ENVIRONMENT:
        lines = path.read_bytes().splitlines(keepends=True)
        header = read_journal(path).header
        import msgspec

        lines[0] = msgspec.json.encode(replace(header, environment=environment)) + b"\n"
        path.write_bytes(b"".join(lines))
    return path


def usual(change: Change = same, processes: int = PROCESSES) -> list[Trial]:
    """The trials of ``a``, ``b`` and ``c``, those of ``b`` changed."""
    return [
        one
        for index in range(3)
        for one in trials_of(index, processes, change if index == 1 else same)
    ]


def matched(base: Path, candidate: Path) -> Match:
    return match(side(read_journal(base)), side(read_journal(candidate)))


def compared(
    folder: Path, change: Change = same, rules: Rules | None = None, processes: int = PROCESSES
) -> RunComparison:
    """The usual suite against itself with ``b`` changed."""
    base = suite(folder, "base", usual(processes=processes))
    candidate = suite(folder, "candidate", usual(change, processes))
    return compare(matched(base, candidate), rules or Rules())


def of(comparison: RunComparison, strategy: str, what: str) -> Finding:
    case = next(one for one in comparison.cases if f"/{strategy} " in one.key)
    return next(finding for finding in case.findings if finding.what == what)
