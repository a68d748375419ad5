"""The benchmark of the harness itself: ``python -m harness.bench [-o FILE]``.

What it claims of its own cost and accuracy, measured beside what it is compared with in one run.
Exits with 1 when a target is not met. Takes some four minutes and a gigabyte. Some parts take as
long again each, and run only where they are named: ``--only models``, every cost model at 32 MiB,
``--only sweeps``, the quick sweep twice (``python -m harness.selfcheck.repeated_sweeps`` for more),
``--only pytest``, suites with the plugin, ``--only beginning``, how soon commands measure,
``--only pyperf``, one case in 20 processes beside it, and ``--only page``, a report of two thousand
cases.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

from harness.cases.frame import case_frame
from harness.errors import EXIT_OK, EXIT_WORSE, FerrybenchError
from harness.host.environment import read_environment
from harness.host.host import Host
from harness.journal.lines import Run
from harness.journal.read import read_journal
from harness.planning.limit_search import MOST_ATTEMPTS
from harness.run.session import describe
from harness.scenario.discover import built_in_files
from harness.schema.records import HostSpec
from harness.selfcheck import hole_accuracy as holes
from harness.selfcheck import memory_accuracy as accuracy
from harness.selfcheck import plugin_cost, speed
from harness.selfcheck.bench_result import BenchResult
from harness.selfcheck.compare_cost import compare_seconds, enlarged, imports_torch
from harness.selfcheck.limit_accuracy import TOLERATED_SHARE as LIMIT_SHARE
from harness.selfcheck.limit_accuracy import limit_checks
from harness.selfcheck.memory_accuracy import AccuracyCheck
from harness.selfcheck.page_speed import RUN as MANY
from harness.selfcheck.page_speed import page_speed
from harness.selfcheck.planted import TRUTHS_FILE, Planted, planted
from harness.selfcheck.repeated_sweeps import SWEEPS, sweep_results
from harness.selfcheck.stall_accuracy import POINTS, stall_checks
from harness.selfcheck.tree_accuracy import TOLERATED_SHARE, tree_checks
from harness.trial.timing.clock import WARM_SHARE
from harness.units import MIB, format_size

ROOT = Path(__file__).resolve().parents[2]
STEADY_S = 0.02


def overhead(host: Host, rounds: int = 9, trials: int = 9) -> Iterator[BenchResult]:
    """Trials of an operation that does nothing, between new interpreters that import torch."""
    timed, observed, interpreters, ratios = [], [], [], []
    with planted(host) as planting:
        _timed_overhead_s(planting)
        for _ in range(rounds):
            start = time.perf_counter()
            subprocess.run([host.python, "-c", "import torch"], check=True)
            interpreters.append(time.perf_counter() - start)
            some = [_timed_overhead_s(planting) for _ in range(trials)]
            ratios.append(interpreters[-1] / statistics.median(some))
            timed += some
            observed += [
                planting.trial("clock_truths", "nothing", {"amount": 0})[1] for _ in range(trials)
            ]
    yield BenchResult("trial overhead, timed", "ms", _scaled(timed, 1e3), 20.0)
    yield BenchResult("trial overhead, memory observed", "ms", _scaled(observed, 1e3))
    yield BenchResult("new interpreter importing torch", "ms", _scaled(interpreters, 1e3))
    yield BenchResult("interpreter / timed trial", "×", tuple(ratios), 50.0, at_least=True)


def _timed_overhead_s(planting: Planted) -> float:
    """What a trial takes beside calling what it measures, in warm-up and samples."""
    _, wall_s, problem = planting.trial(
        "clock_truths", "nothing", {"amount": 0}, kind="time", steady_s=STEADY_S
    )
    assert not problem, problem
    return wall_s - STEADY_S * (1 + WARM_SHARE)


def memory_accuracy(host: Host, runs: int = 3) -> Iterator[BenchResult]:
    """Errors of every memory truth by size, and what of mapped files was taken for copies."""
    files = tuple(name for name, truth in accuracy.MEMORY_TRUTHS.items() if truth.file)
    for size in accuracy.TRUTH_SIZES:
        readings = [
            reading
            for _ in range(runs)
            for reading in accuracy.memory_readings(host, sizes=(size,))
        ]
        errors = [abs(check.error) / MIB for reading in readings for check in reading.values()]
        tolerance = max(accuracy.MEMORY_SHARE * size, accuracy.MEMORY_BYTES) / MIB
        name = f"memory error, {format_size(size)}"
        yield BenchResult(name, "MiB", tuple(errors), tolerance, judged="max")
    copied = [
        abs(reading["copied"].error) / MIB
        for _ in range(runs)
        for reading in accuracy.memory_readings(host, truths=files)
    ]
    yield BenchResult("file pages counted as copies", "MiB", tuple(copied), 0.5, judged="max")


def hole_accuracy(host: Host) -> Iterator[BenchResult]:
    """Errors in heaps with and without holes, by kind and size of blocks; figures refused.

    Raises:
        AssertionError: a trial failed, which is no refusal.
    """
    checks: dict[tuple[str, int], list[AccuracyCheck]] = {}
    for cell, check in zip(holes.CELLS, holes.hole_checks(host, holes.CELLS), strict=True):
        if math.isnan(check.error) and not check.refused:
            raise AssertionError(f"{check.name}: {check.note}")
        checks.setdefault((cell.kind, cell.block), []).append(check)
    refused = [check for row in checks.values() for check in row if check.refused]
    for (kind, block), row in checks.items():
        errors = tuple(abs(one.error) / MIB for one in row if not math.isnan(one.error))
        tolerance = min(one.tolerance for one in row) / MIB
        name = f"error in heaps with holes, {kind}, {format_size(block)}"
        yield BenchResult(name, "MiB", errors or (math.inf,), tolerance, judged="max")
    share = len(refused) / len(holes.CELLS)
    yield BenchResult("figures refused there", "share", (share,), holes.UNKNOWN_SHARE)


def tree_accuracy(host: Host, runs: int = 5) -> Iterator[BenchResult]:
    """Errors of every tree truth, in percent of the truth."""
    checks = [check for _ in range(runs) for check in tree_checks(host)]
    for name in dict.fromkeys(check.name for check in checks):
        shares = tuple(100 * abs(c.error) / c.truth for c in checks if c.name == name)
        yield BenchResult(
            f"sum PSS error, {name}", "%", shares, 100 * TOLERATED_SHARE, judged="max"
        )


def stall_accuracy(host: Host, runs: int = 3) -> Iterator[BenchResult]:
    """Errors of the stall fraction of every stall truth, in percentage points."""
    checks = [check for _ in range(runs) for check in stall_checks(host)]
    for name in dict.fromkeys(check.name for check in checks):
        points = tuple(abs(check.error) for check in checks if check.name == name)
        yield BenchResult(f"stall error, {name}", "points", points, POINTS, judged="max")


def limit_accuracy(host: Host) -> Iterator[BenchResult]:
    """Errors of searches under each limit, in percent of the budget, and their attempts.

    A limit that cannot be put into force here has no figure.
    """
    checks = [check for check in limit_checks(host) if check.attempts]
    for limit in dict.fromkeys(check.limit for check in checks):
        own = [check for check in checks if check.limit == limit]
        errors = tuple(100 * abs(check.share) for check in own)
        name = f"frontier error, {limit}"
        yield BenchResult(name, "% of budget", errors, 100 * LIMIT_SHARE, judged="max")
        attempts = tuple(float(check.attempts) for check in own)
        yield BenchResult(
            f"attempts of a search, {limit}", "", attempts, MOST_ATTEMPTS, judged="max"
        )


def time_accuracy(host: Host, runs: int = 5) -> Iterator[BenchResult]:
    """Differences between the stopwatch and a loop written by hand."""
    # One attempt: a figure picked from several would flatter the stopwatch.
    checks = [check for _ in range(runs) for check in accuracy.time_checks(host, attempts=1)]
    for name in dict.fromkeys(check.name for check in checks):
        own = [check for check in checks if check.name == name]
        short = own[0].tolerance == accuracy.TIME_NS
        errors = [abs(c.error) if short else 100 * abs(c.error) / c.truth for c in own]
        target = accuracy.TIME_NS if short else 100 * accuracy.TIME_SHARE
        yield BenchResult(f"time error, {name}", "ns" if short else "%", tuple(errors), target)
    faults = [check for _ in range(runs) for check in accuracy.fault_checks(host)]
    shares = tuple(100 * abs(check.error) / check.truth for check in faults)
    yield BenchResult("page fault error", "%", shares, 1.0, judged="max")


def help_time(host: Host, runs: int = 15) -> Iterator[BenchResult]:
    """``ferrybench --help``, and whether it imports torch."""
    command = [sys.executable, "-m", "harness", "--help"]
    walls = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
        walls.append(time.perf_counter() - start)
    yield BenchResult("ferrybench --help", "ms", _scaled(walls, 1e3), 300.0)
    traced = [sys.executable, "-X", "importtime", *command[1:]]
    imports = subprocess.run(traced, check=True, cwd=ROOT, capture_output=True, text=True).stderr
    modules = [line.rpartition("|")[2].strip() for line in imports.splitlines()]
    yield BenchResult("imports of torch by --help", "", (float(modules.count("torch")),), 0.0)


def comparing(host: Host, cases: int = 2000, runs: int = 7) -> Iterator[BenchResult]:
    """``ferrybench compare`` of two runs with so many cases each, processes and all."""
    with tempfile.TemporaryDirectory(prefix="ferrybench-bench-") as folder:
        measured = _measured(
            Path(folder) / "measured.jsonl", "tensor_from_array --trials 4 --size 64KiB"
        )
        base, candidate = (
            enlarged(measured, Path(folder) / f"{name}.jsonl", cases) for name in ("base", "other")
        )
        took = tuple(compare_seconds(base, candidate, runs))
        yield BenchResult(f"compare of two runs with {cases:,} cases", "s", took, 2.0, judged="max")
        imported = float(imports_torch(base, candidate))
    yield BenchResult("imports of torch by compare", "", (imported,), 0.0)


def repeatability(host: Host) -> Iterator[BenchResult]:
    """The same run twice: differences of peak memory and copies, case by case.

    Both in percent of the peak or of the data, whichever is larger: the copies of a strategy that
    makes none are a few pages in either run.
    """
    with tempfile.TemporaryDirectory(prefix="ferrybench-bench-") as folder:
        first, second = (_run(Path(folder) / f"{number}.jsonl") for number in (1, 2))
    only_once = len(first.index.symmetric_difference(second.index))
    yield BenchResult("same run twice: cases ok only once", "", (float(only_once),), 0.0)
    both = first.merge(second, left_index=True, right_index=True, suffixes=("_1", "_2"))
    base = both[["peak_extra_bytes_1", "peak_extra_bytes_2", "payload_bytes_1"]].max(axis=1)
    peaks = 100 * (both["peak_extra_bytes_1"] - both["peak_extra_bytes_2"]).abs() / base
    multiples = base / both["payload_bytes_1"]
    copies = 100 * (both["copies_1"] - both["copies_2"]).abs() / multiples
    yield BenchResult("same run twice: peak memory", "%", tuple(peaks), 1.0, judged="max")
    yield BenchResult("same run twice: copies", "%", tuple(copies), 1.0, judged="max")


def _run(journal: Path) -> pd.DataFrame:
    run = _measured(journal, "tensor_from_array array_from_tensor --trials 1 --size 2MiB,16MiB")
    frame = case_frame(run).set_index("case")
    measured = frame[frame["outcome"] == "ok"]
    return measured[["peak_extra_bytes", "copies", "payload_bytes"]].astype(float)


def _measured(journal: Path, arguments: str) -> Run:
    """A quick sweep in a process of its own, as a user starts it."""
    command = [sys.executable, "-m", "harness", "run", *arguments.split(), "--quick", "--seed", "1"]
    subprocess.run(
        [*command, "-o", str(journal)], check=True, cwd=ROOT, capture_output=True, timeout=1200
    )
    return read_journal(journal)


def models(host: Host) -> Iterator[BenchResult]:
    """Measured against declared copies at 32 MiB, in percent of the larger of declared and one."""
    with tempfile.TemporaryDirectory(prefix="ferrybench-bench-") as folder:
        for info in describe(host, built_in_files()):
            if info.probe or "size" not in info.parameters or info.parameters["size"].choices:
                continue
            run = _measured(
                Path(folder) / f"{info.name}.jsonl", f"{info.name} --size 32MiB --trials 1"
            )
            cases = case_frame(run)
            cases = cases[(cases["outcome"] == "ok") & cases["expected_copies"].notna()]
            cases = cases[cases["copies"].notna()]
            declared = cases["expected_copies"].astype(float)
            off = 100 * (cases["copies"].astype(float) - declared).abs() / declared.clip(lower=1)
            if len(off):
                yield BenchResult(f"cost models, {info.name}", "%", tuple(off), 5.0, judged="max")


def sweeps(host: Host) -> Iterator[BenchResult]:
    """The quick sweep again and again: how long it takes, and how its contests end."""
    with tempfile.TemporaryDirectory(prefix="ferrybench-bench-") as folder:
        yield from sweep_results(Path(folder), SWEEPS)


def pytest_plugin(host: Host) -> Iterator[BenchResult]:
    """Copies of tests that are known to make so many, and what the plugin adds to sessions."""
    errors = tuple(error for _ in range(3) for error in plugin_cost.copy_errors())
    yield BenchResult("copies in a suite, error", "%", errors, 2.0, judged="max")
    idle = tuple(plugin_cost.idle_ratios(pairs=41))
    yield BenchResult("200 tests without it, plugin / none", "×", idle, 1.02)
    memory = tuple(plugin_cost.memory_ratios(pairs=2))
    yield BenchResult("20 benchmarks, with memory / without", "×", memory, 2.0, judged="max")
    brief = tuple(plugin_cost.memory_ratios(3, "--benchmark-max-time=0.1"))
    yield BenchResult("… of a tenth of the time each", "×", brief)


def _scaled(values: list[float], factor: float) -> tuple[float, ...]:
    return tuple(value * factor for value in values)


PARTS: dict[str, Callable[[Host], Iterator[BenchResult]]] = {
    "overhead": overhead,
    "memory": memory_accuracy,
    "holes": hole_accuracy,
    "tree": tree_accuracy,
    "time": time_accuracy,
    "limits": limit_accuracy,
    "stall": stall_accuracy,
    "help": help_time,
    "repeat": repeatability,
    "compare": comparing,
    "models": models,
    "sweeps": sweeps,
    "pytest": pytest_plugin,
    "beginning": speed.beginning,
    "pyperf": speed.one_case,
    "page": lambda _: page_speed(read_journal(MANY)),
}


LONG = ("models", "sweeps", "pytest", "beginning", "pyperf", "page")
"""Parts of several minutes, which run only where they are named."""


def main() -> int:
    """Measure, print a table, write JSON; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m harness.bench", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, help="write every value to this JSON file")
    parser.add_argument("--only", choices=PARTS, action="append", help="a part; may be repeated")
    options = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 120)
    figures: list[BenchResult] = []
    environment = read_environment()
    with Host(HostSpec(), [TRUTHS_FILE]) as host:
        host.preload_scenarios()
        for name in options.only or [name for name in PARTS if name not in LONG]:
            with Console(stderr=True).status(f"measuring {name}"):
                try:
                    figures += PARTS[name](host)
                except FerrybenchError as error:
                    parser.error(f"--only {name}: {error}")
    table = Table(box=None, pad_edge=False)
    table.add_column("figure", no_wrap=True)
    table.add_column("unit")
    for heading in ("runs", "median", "min", "max"):
        table.add_column(heading, justify="right")
    table.add_column("target", no_wrap=True)
    table.add_column("")
    for figure in figures:
        table.add_row(*figure.row())
    console.print(table)
    missed = [figure.name for figure in figures if figure.met is False]
    console.print(f"missed: {', '.join(missed)}" if missed else "every target is met")
    if options.output:
        found = [asdict(figure) | {"met": figure.met} for figure in figures]
        record = {"environment": asdict(environment), "figures": found}
        options.output.write_text(json.dumps(record, indent=1) + "\n")
        console.print(f"wrote {options.output}")
    return EXIT_WORSE if missed else EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
