"""What comparing two large runs costs: a real run, with its cases many times over."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from harness.errors import EXIT_NOT_JUDGED, EXIT_OK, EXIT_WORSE
from harness.journal.lines import EndLine, Run
from harness.journal.write import Journal
from harness.schema.records import PlannedCase, Trial

ROOT = Path(__file__).resolve().parents[2]


def enlarged(run: Run, path: Path, cases: int) -> Path:
    """Write a journal with at least so many cases: those of a run, again and again."""
    known = run.header.plan.cases
    copies = -(-cases // len(known))
    planned = [_copy(case, number) for number in range(copies) for case in known]
    plan = replace(run.header.plan, cases=tuple(planned))
    with Journal.create(path, replace(run.header, plan=plan), force=True) as journal:
        for number, trial in itertools.product(range(copies), run.trials):
            journal.append(_moved(trial, number * len(known)))
        journal.append(EndLine("complete"))
    return path


def _copy(planned: PlannedCase, number: int) -> PlannedCase:
    parameters = {**planned.case.parameters, "copy": number}
    return replace(planned, case=replace(planned.case, parameters=parameters))


def _moved(trial: Trial, by: int) -> Trial:
    return replace(trial, case=trial.case + by)


def compare_seconds(base: Path, candidate: Path, runs: int) -> Iterator[float]:
    """The whole process, from its start to its end."""
    command = [sys.executable, "-m", "harness", "compare", str(base), str(candidate)]
    for _ in range(runs):
        start = time.perf_counter()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        yield time.perf_counter() - start
        assert done.returncode in (EXIT_OK, EXIT_WORSE, EXIT_NOT_JUDGED), done.stderr


def imports_torch(base: Path, candidate: Path) -> bool:
    """Whether comparing loads torch."""
    command = [sys.executable, "-X", "importtime", "-m", "harness", "compare"]
    done = subprocess.run(
        [*command, str(base), str(candidate)], cwd=ROOT, capture_output=True, text=True
    )
    modules = [line.rpartition("|")[2].strip() for line in done.stderr.splitlines()]
    return "torch" in modules
