"""How long commands take around what they measure, beside what they are compared with."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from harness.errors import UnableError
from harness.host.host import Host
from harness.journal.lines import Run
from harness.journal.read import read_journal
from harness.schema.records import Trial
from harness.selfcheck.bench_result import BenchResult
from harness.stats.intervals import median_interval

ROOT = Path(__file__).resolve().parents[2]
CASE = "tensor_from_array/torch_tensor --quick --size 4MiB --seed 1"
SETUP = "import numpy, torch; array = numpy.ones(1 << 20, numpy.float32)"
STATEMENT = "torch.tensor(array)"
IN_PYTHON = """
import time
import numpy, torch, harness
array = numpy.ones(2 << 20, numpy.float32)
began = time.perf_counter()
found = harness.measure(torch.tensor, array)
print(time.perf_counter() - began)
assert found.outcome.ok
"""


@dataclass(frozen=True)
class Course:
    """A command that measured, by the clock that its journal has too."""

    began_s: float
    ended_s: float
    run: Run

    @property
    def trials(self) -> list[Trial]:
        return sorted(self.run.trials, key=lambda trial: trial.started_s)

    @property
    def to_first_s(self) -> float:
        """From the command to its first trial."""
        return self.trials[0].started_s - self.began_s

    def between_rounds_s(self) -> list[float]:
        """What passed between the last trial of each round and the first of the next."""
        return [
            later.started_s - (earlier.started_s + earlier.wall_s)
            for earlier, later in itertools.pairwise(self.trials)
            if later.round != earlier.round
        ]


def _course(arguments: str) -> Course:
    with tempfile.TemporaryDirectory(prefix="ferrybench-bench-") as folder:
        journal = Path(folder) / "run.jsonl"
        command = [sys.executable, "-m", "harness", "run", *arguments.split(), "-o", str(journal)]
        began_s = time.time()
        subprocess.run(command, check=True, cwd=ROOT, capture_output=True, timeout=600)
        return Course(began_s, time.time(), read_journal(journal))


def _seconds(*command: str) -> float:
    began_s = time.perf_counter()
    subprocess.run(
        [sys.executable, *command], check=True, cwd=ROOT, capture_output=True, timeout=600
    )
    return time.perf_counter() - began_s


def beginning(host: Host, runs: int = 5) -> Iterator[BenchResult]:
    """How soon a command measures, and what lies between two rounds."""
    imports, gaps, calls = list[float](), list[float](), list[float]()
    free, limited = list[Course](), list[Course]()
    for _ in range(runs):
        imports.append(_seconds("-c", "import torch"))
        free.append(_course(f"{CASE} --trials 5"))
        gaps += free[-1].between_rounds_s()
        limited.append(_course(f"{CASE} --trials 1000 --budget 15s"))
        done = subprocess.run(
            [sys.executable, "-c", IN_PYTHON], check=True, capture_output=True, text=True, cwd=ROOT
        )
        calls.append(float(done.stdout))
    yield BenchResult("new interpreter importing torch", "s", tuple(imports))
    firsts = tuple(course.to_first_s for course in free)
    beyond = tuple(first - alone for first, alone in zip(firsts, imports, strict=True))
    yield BenchResult("command to first trial", "s", firsts)
    yield BenchResult("… beyond importing torch", "s", beyond, 0.5)
    yield BenchResult("a round without its trials", "s", tuple(gaps), 0.05)
    soon = tuple(course.to_first_s for course in limited)
    yield BenchResult("--budget 15s: to the first trial", "s", soon, 2.0)
    yield BenchResult("… trials", "", tuple(float(len(course.trials)) for course in limited))
    yield BenchResult("harness.measure(torch.tensor), 8 MiB", "s", tuple(calls), 0.5)


def one_case(host: Host, runs: int = 5) -> Iterator[BenchResult]:
    """One case in 20 processes, as a whole command, beside pyperf's default of as many.

    Raises:
        UnableError: pyperf is not installed.
    """
    if find_spec("pyperf") is None:
        raise UnableError("the bench compares with pyperf, which is not installed")
    ours, theirs, ratios, widths = [], [], [], []
    for _ in range(runs):
        course = _course(f"{CASE} --trials 20")
        ours.append(course.ended_s - course.began_s)
        seconds, medians = _pyperf()
        theirs.append(seconds)
        ratios.append(seconds / ours[-1])
        widths.append(_width(_medians_of_first(course.run)) / _width(medians))
    yield BenchResult("one case in 20 processes", "s", tuple(ours))
    yield BenchResult("pyperf timeit, 20 processes", "s", tuple(theirs))
    yield BenchResult("pyperf / ferrybench", "×", tuple(ratios), 10.0, at_least=True)
    yield BenchResult("width of its interval, ferrybench / pyperf", "×", tuple(widths), 1.0)


def _pyperf() -> tuple[float, list[float]]:
    """What it took, and the median of each of its processes."""
    with tempfile.TemporaryDirectory(prefix="ferrybench-bench-") as folder:
        file = Path(folder) / "pyperf.json"
        seconds = _seconds("-m", "pyperf", "timeit", "-s", SETUP, STATEMENT, "-o", str(file))
        return seconds, _medians_of_pyperf(file)


def _medians_of_pyperf(file: Path) -> list[float]:
    (benchmark,) = json.loads(file.read_text())["benchmarks"]
    values = [run["values"] for run in benchmark["runs"] if "values" in run]
    return [median_interval(one).median for one in values]


def _medians_of_first(run: Run) -> list[float]:
    """The median of each process of the first case."""
    return [
        trial.timing.median_s
        for trial in run.trials
        if trial.case == 0 and trial.kind == "time" and trial.timing
    ]


def _width(medians: Sequence[float]) -> float:
    """Of the interval around the median of the processes, as a share of it."""
    found = median_interval(medians)
    return (found.high - found.low) / found.median
