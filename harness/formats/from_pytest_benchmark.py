"""A file of pytest-benchmark as a run, so that reports, comparisons and exports take it.

Its groups become scenarios and its tests strategies; a test of no group belongs to a scenario named
like its file. Each test is one process that was timed, each of its rounds a sample. What memory our
plugin noted of it is a trial beside that one, as it was.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from harness.formats.pytest_benchmark_file import NAME, Benchmark, File, number, parse
from harness.formats.pytest_benchmark_machine import environment_of
from harness.journal.lines import Header, Plan, Run
from harness.schema.description import Parameter, ScenarioInfo, StrategyInfo
from harness.schema.records import (
    DEFAULT_HOST,
    Case,
    Effort,
    Faults,
    HostSpec,
    Ledger,
    Outcome,
    PlannedCase,
    Rss,
    Timing,
    Trial,
    Value,
)


def read_file(path: Path, data: bytes) -> Run:
    """The run that a file stands for.

    Raises:
        UsageError: it is damaged, or holds no benchmarks.
    """
    file = parse(path, data)
    cases = _cases(file.benchmarks)
    index = {key: number for number, key in enumerate(dict.fromkeys(case.key for case in cases))}
    run = Run(path, _header(path, file, cases), ended="complete", good_bytes=len(data))
    seen: Counter[str] = Counter()
    for benchmark, case in zip(file.benchmarks, cases, strict=True):
        seen[case.key] += 1
        run.trials += _trials(benchmark, index[case.key], seen[case.key])
    run.remarks += _remarks(path, file)
    return run


def _cases(benchmarks: Sequence[Benchmark]) -> list[Case]:
    """The case that each test is; tests of equal name in one group are told apart by their file."""
    named = [_case(benchmark, benchmark.qualified) for benchmark in benchmarks]
    files: dict[str, set[str]] = {}
    for benchmark, case in zip(benchmarks, named, strict=True):
        files.setdefault(case.key, set()).add(benchmark.file)
    return [
        case
        if len(files[case.key]) == 1
        else _case(benchmark, f"{PurePosixPath(benchmark.file).stem}.{benchmark.qualified}")
        for benchmark, case in zip(benchmarks, named, strict=True)
    ]


def _case(benchmark: Benchmark, strategy: str) -> Case:
    noted = benchmark.noted
    own = {name: _value(value) for name, value in benchmark.parameters.items()}
    if isinstance(noted.get("scenario"), str) and isinstance(noted.get("strategy"), str):
        about = {name: str(own.pop(name, "")) for name in ("scenario", "strategy", "host")}
        return Case(noted["scenario"], noted["strategy"], own, about["host"] or DEFAULT_HOST)
    scenario = benchmark.group or str(PurePosixPath(benchmark.file).with_suffix(""))
    return Case(as_name(scenario), as_name(strategy), own)


def as_name(text: str) -> str:
    """Text that can name a file and a place in a page."""
    dotted = re.sub(r"(?<=\w)/(?=\w)", ".", text)
    return re.sub(r"[^\w.=+-]+", "_", dotted).strip("_.") or "tests"


def _value(value: Any) -> Value:
    return value if isinstance(value, str | int | float | bool) else str(value)


def _trials(benchmark: Benchmark, case: int, session: int) -> Iterator[Trial]:
    """The process that was timed, and the one whose memory was measured."""
    stats, noted = benchmark.stats, benchmark.noted
    payload = int(number(noted, "payload_bytes") or 0)
    shares = noted.get("shares_memory")
    timed = Trial(
        case=case,
        kind="time",
        round=session,
        outcome=Outcome("ok"),
        timing=Timing(
            math.nan, stats.samples_s, stats.iterations, stats.iterations == 1, clock_cost_s=0.0
        ),
        payload_bytes=payload,
        shares_memory=shares if isinstance(shares, bool) else None,
        faults_steady=_faults(noted, "minor_faults_steady"),
    )
    yield timed
    ledger = _ledger(noted)
    if ledger is not None and noted.get("outcome", "ok") == "ok":
        yield replace(
            timed,
            kind="memory",
            round=0,
            timing=None,
            ledger=ledger,
            faults_first=_faults(noted, "minor_faults_first"),
            faults_steady=None,
        )


def _faults(noted: dict[str, Any], name: str) -> Faults | None:
    minor = number(noted, name)
    return None if minor is None else Faults(minor, 0.0)


def _ledger(noted: dict[str, Any]) -> Ledger | None:
    kinds = [number(noted, f"peak_{kind}_bytes") for kind in ("anon", "file", "shmem")]
    unknown = noted.get("memory_unknown")
    if isinstance(unknown, str) and unknown:
        nothing = Rss()
        return Ledger(
            nothing, 0, nothing, nothing, nothing, "extra_info", "extra_info", at_least=unknown
        )
    extra = number(noted, "peak_extra_bytes")
    if extra is None or None in kinds:
        return None
    kept, left = (int(number(noted, f"{name}_bytes") or 0) for name in ("retained", "left"))
    return Ledger(
        before=Rss(),
        peak_extra_bytes=int(extra),
        peak=Rss(*(int(kind or 0) for kind in kinds)),
        retained=Rss(anon_bytes=kept),
        left=Rss(anon_bytes=left),
        source="extra_info",
        split_source="extra_info",
        arena_bytes=int(number(noted, "arena_bytes") or 0),
    )


def _header(path: Path, file: File, cases: Sequence[Case]) -> Header:
    options = file.benchmarks[0].options
    baselines = _baselines(cases)
    planned = {
        case.key: PlannedCase(case, baseline=baselines[case.scenario] == case.strategy)
        for case in cases
    }
    effort = Effort(
        trials=1,
        steady_s=number(options, "max_time") or 0.0,
        min_samples=int(number(options, "min_rounds") or 1),
        collect_garbage=not options.get("disable_gc", False),
    )
    hosts = tuple(HostSpec(name) for name in dict.fromkeys(case.host for case in cases))
    return Header(
        run_id=path.stem,
        created=_created(file.datetime),
        plan=Plan(NAME, 0, effort, 0.0, "", hosts, tuple(planned.values())),
        environment=environment_of(file),
        scenarios=tuple(_scenarios(file.benchmarks, cases, baselines)),
        format=NAME,
    )


def _created(text: str) -> str:
    """When it was measured; the epoch where the file does not say."""
    try:
        return datetime.fromisoformat(text).isoformat(timespec="seconds")
    except ValueError:
        return datetime.fromtimestamp(0, UTC).isoformat(timespec="seconds")


def _baselines(cases: Sequence[Case]) -> dict[str, str]:
    """The first strategy of every scenario."""
    found: dict[str, str] = {}
    for case in cases:
        found.setdefault(case.scenario, case.strategy)
    return found


def _scenarios(
    benchmarks: Sequence[Benchmark], cases: Sequence[Case], baselines: dict[str, str]
) -> Iterator[ScenarioInfo]:
    for name, baseline in baselines.items():
        own = [
            (benchmark, case)
            for benchmark, case in zip(benchmarks, cases, strict=True)
            if case.scenario == name
        ]
        first = own[0][0]
        tests = {case.strategy: benchmark.fullname.partition("[")[0] for benchmark, case in own}
        yield ScenarioInfo(
            name=name,
            path=first.file,
            question=f"How do the tests of {first.group or first.file} compare?",
            baseline=baseline,
            probe=False,
            parameters=_parameters([case for _, case in own]),
            strategies=tuple(
                StrategyInfo(name=strategy, doc="", source=f"# {test}")
                for strategy, test in tests.items()
            ),
            variants=(),
            input_parameters=(),
        )


def _parameters(cases: Sequence[Case]) -> dict[str, Parameter]:
    values: dict[str, dict[Value, None]] = {}
    for case in cases:
        for name, value in case.parameters.items():
            values.setdefault(name, {})[value] = None
    return {
        name: Parameter(taken[0], (), taken, taken, taken, axis=_is_amount(taken))
        for name, taken in ((name, tuple(found)) for name, found in values.items())
    }


def _is_amount(values: Sequence[Value]) -> bool:
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


def _remarks(path: Path, file: File) -> Iterator[str]:
    """What a reader should know of the file."""
    benchmarks = file.benchmarks
    if "ferrybench" in file.machine_info:
        yield f"{path}: exported by ferrybench: the samples of all processes are combined"
        return
    yield (
        f"{path}: measured by pytest-benchmark, all tests in one process: there are no "
        "intervals over processes and no first calls"
    )
    without = sum(not benchmark.stats.data for benchmark in benchmarks)
    if without:
        yield (
            f"{path}: {without} of {len(benchmarks)} tests have only a median; "
            "pytest --benchmark-save-data keeps every round"
        )
    if not any(_ledger(benchmark.noted) for benchmark in benchmarks):
        yield f"{path}: contains no memory; pytest --ferrybench-memory measures it"
