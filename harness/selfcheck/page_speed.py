"""A report of some two thousand cases: how soon it is built and open, and how large it is.

``python -m harness.selfcheck.page_speed RUN.jsonl`` makes them of any run's cases.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from harness.journal.lines import EndLine, Run
from harness.journal.read import read_journal
from harness.journal.write import Journal
from harness.report.words.place import PAGE
from harness.schema.description import Parameter
from harness.schema.records import PlannedCase
from harness.selfcheck.bench_result import BenchResult
from harness.selfcheck.browser import Browser, browser, chromium

ROOT = Path(__file__).resolve().parents[2]
COPY = "copy"
"""The parameter that tells the copies of a case apart."""
CASES = 2000
RUN = ROOT / "results" / "h200-transfers.jsonl"


@dataclass(frozen=True)
class PageSpeed:
    """What one report cost."""

    build_s: float  # the whole command, from its start to its end
    size_bytes: int


def repeated(run: Run, path: Path, cases: int) -> Path:
    """Write a journal with at least so many cases: those of a run, varied by a further parameter.

    Cases that were skipped are left out, for they cost a page next to nothing.
    """
    measured = {trial.case for trial in run.trials}
    known = [(place, run.header.plan.cases[place]) for place in sorted(measured)]
    copies = -(-cases // len(known))
    values = tuple(range(copies))
    infos = tuple(
        replace(info, parameters={**info.parameters, COPY: Parameter(0, full=values)})
        for info in run.header.scenarios
    )
    planned = [_copy(case, number) for number in values for _, case in known]
    header = replace(
        run.header, plan=replace(run.header.plan, cases=tuple(planned)), scenarios=infos
    )
    new = {place: index for index, (place, _) in enumerate(known)}
    with Journal.create(path, header, force=True) as journal:
        for number in values:
            for trial in run.trials:
                case = new[trial.case] + number * len(known)
                journal.append(replace(trial, case=case))
        for ceiling in run.ceilings:
            journal.append(ceiling)
        journal.append(EndLine("complete"))
    return path


def _copy(planned: PlannedCase, number: int) -> PlannedCase:
    parameters = {**planned.case.parameters, COPY: number}
    return replace(planned, case=replace(planned.case, parameters=parameters))


def built(journal: Path, folder: Path) -> PageSpeed:
    """Make a report as a user does."""
    command = [sys.executable, "-m", "harness", "report", str(journal), "-o", str(folder)]
    start = time.perf_counter()
    subprocess.run([*command, "--force"], cwd=ROOT, check=True, capture_output=True)
    took = time.perf_counter() - start
    return PageSpeed(took, (folder / PAGE).stat().st_size)


def opened_s(chrome: Browser, page: Path) -> float:
    """Seconds until a page is loaded: laid out, and answering to the keyboard."""
    start = time.perf_counter()
    chrome.open(page)
    chrome.value("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    return time.perf_counter() - start


def page_speed(run: Run, runs: int = 3) -> Iterator[BenchResult]:
    """Build and open a report of a run's cases, so often that they are two thousand.

    Where there is no Chromium it is not opened, and nothing is said of that.
    """
    with tempfile.TemporaryDirectory(prefix="ferrybench-page-") as folder:
        journal = repeated(run, Path(folder) / "many.jsonl", CASES)
        reports = Path(folder) / "report"
        found = [built(journal, reports) for _ in range(runs)]
        what = f"report of {len(read_journal(journal).header.plan.cases):,} cases"
        times = tuple(one.build_s for one in found)
        yield BenchResult(f"{what}, built", "s", times, 10.0, judged="max")
        sizes = tuple(one.size_bytes / 1e6 for one in found)
        yield BenchResult(f"{what}, page", "MB", sizes, 5.0, judged="max")
        if chromium():
            with browser() as chrome:
                opened = tuple(opened_s(chrome, reports / PAGE) for _ in range(runs + 2))
            yield BenchResult(f"{what}, opened in Chromium", "s", opened, 2.0)


def main() -> None:
    """Print what a report of a run's cases costs."""
    parser = argparse.ArgumentParser(prog="python -m harness.selfcheck.page_speed")
    parser.add_argument("run", type=Path, nargs="?", default=RUN, help="a journal")
    for result in page_speed(read_journal(parser.parse_args().run)):
        name, unit, count, median, low, high, target, *_ = result.row()
        print(f"{name}: {median} {unit} ({low}–{high}, {count} times); wanted: {target}")  # noqa: T201


if __name__ == "__main__":
    main()
