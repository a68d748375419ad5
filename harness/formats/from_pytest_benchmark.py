"""A file of pytest-benchmark as a run, so that reports, comparisons and exports take it.

Each test is one process that was timed, with the statistics that the file states; what it does not
state is unknown. What memory our plugin noted of it is a trial beside that one, as it was; where
the plugin could not measure it, memory alone is not known. The file itself stays with the run, so
that nothing of it is lost when it is exported again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.formats.pytest_benchmark_file import (
    NAME,
    Benchmark,
    File,
    as_object,
    number,
    parse,
    text,
)
from harness.formats.pytest_benchmark_machine import environment_of
from harness.formats.pytest_benchmark_names import cases_of
from harness.journal.lines import EXPORTED, Header, Plan, Run
from harness.schema.description import Parameter, ScenarioInfo, StrategyInfo
from harness.schema.records import (
    OUTCOMES,
    Case,
    Effort,
    Faults,
    HostSpec,
    Ledger,
    Outcome,
    OutcomeName,
    PlannedCase,
    Rss,
    StatedTiming,
    Trial,
    Value,
)

_SOMEWHERE = "extra_info"
"""Where memory was read, of a file that does not say how it was."""
_NOT_VERIFIED = "not verified"
"""How our plugin begins to say what nothing judged of a result."""


def read_file(path: Path, data: bytes) -> Run:
    """The run that a file stands for.

    Raises:
        UsageError: it is damaged, or holds no benchmarks.
    """
    file, document = parse(path, data)
    cases = cases_of(file)
    return Run(
        path,
        _header(path, file, cases),
        trials=[
            trial
            for index, benchmark in enumerate(file.benchmarks)
            for trial in _trials(benchmark, _noted(benchmark, file), index)
        ],
        ended="complete",
        remarks=list(_remarks(path, file)),
        good_bytes=len(data),
        document=document,
    )


def _noted(benchmark: Benchmark, file: File) -> Mapping[str, Any]:
    """What ferrybench noted of a test: our plugin apart, our export with everything else."""
    return benchmark.plugin_facts or (as_object(benchmark.extra_info) if file.exported else {})


def _trials(benchmark: Benchmark, noted: Mapping[str, Any], case: int) -> Iterator[Trial]:
    """The process that was timed, and the one whose memory was measured."""
    calls = int(number(benchmark.stats, "iterations") or 1)
    shares = noted.get("shares_memory")
    timed = Trial(
        case=case,
        kind="time",
        round=1,
        outcome=_outcome(benchmark, noted),
        timing=StatedTiming(
            math.nan, benchmark.samples_s, calls, calls == 1, 0.0, benchmark.statistics
        ),
        payload_bytes=int(number(noted, "payload_bytes") or 0),
        shares_memory=shares if isinstance(shares, bool) else None,
        faults_steady=_faults(noted, "minor_faults_steady"),
        unverified=_unverified(noted),
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


def _outcome(benchmark: Benchmark, noted: Mapping[str, Any]) -> Outcome:
    """Of a case of ours, what it was; of another program's test, that its result is wrong."""
    told: OutcomeName = next((one for one in OUTCOMES if one == noted.get("outcome")), "ok")
    if told == "wrong" or not benchmark.plugin_facts:
        return Outcome(told, text(noted, "reason"))
    return Outcome("ok")


def _unverified(noted: Mapping[str, Any]) -> str:
    """What nothing could judge of the result, as an export of ours or the plugin says it."""
    verified = text(noted, "verified")
    why = verified.partition(": ")[2] or verified if verified.startswith(_NOT_VERIFIED) else ""
    return text(noted, "unverified") or why


def _no_memory(noted: Mapping[str, Any]) -> str:
    """Why memory is not known, though it was to be measured; "" where nothing is said."""
    outcome, reason = text(noted, "outcome") or "ok", text(noted, "reason")
    failed = "" if outcome == "ok" else f"{outcome}: {reason}"
    return text(noted, "memory_unknown") or failed


def _faults(noted: Mapping[str, Any], name: str) -> Faults | None:
    minor = number(noted, name)
    return None if minor is None else Faults(minor, math.nan)


def _ledger(noted: Mapping[str, Any]) -> Ledger | None:
    """What was noted of memory; None unless all of it was, or why it is not known."""
    source = text(noted, "memory_source") or _SOMEWHERE
    split_source = text(noted, "memory_split_source") or _SOMEWHERE
    if unknown := text(noted, "memory_unknown"):
        nothing = Rss()
        return Ledger(nothing, 0, nothing, nothing, nothing, source, split_source, at_least=unknown)
    names = ("anon", "file", "shmem")
    peak = [number(noted, f"peak_{kind}_bytes") for kind in names]
    extra, kept, left = (
        number(noted, f"{name}_bytes") for name in ("peak_extra", "retained", "left")
    )
    if extra is None or kept is None or left is None or None in peak:
        return None
    return Ledger(
        before=Rss(),
        peak_extra_bytes=int(extra),
        peak=Rss(*(int(kind or 0) for kind in peak)),
        retained=Rss(anon_bytes=int(kept)),
        left=Rss(anon_bytes=int(left)),
        source=source,
        split_source=split_source,
        arena_bytes=int(number(noted, "arena_bytes") or 0),
    )


def _header(path: Path, file: File, cases: Sequence[Case]) -> Header:
    options = file.benchmarks[0].options or {}
    baselines = _baselines(file, cases)
    effort = Effort(
        trials=1,
        steady_s=number(options, "max_time") or 0.0,
        min_samples=int(number(options, "min_rounds") or 1),
        collect_garbage=_collects_garbage(file),
    )
    hosts = tuple(HostSpec(name) for name in dict.fromkeys(case.host for case in cases))
    planned = tuple(
        PlannedCase(case, baseline=baselines[case.scenario] == case.strategy) for case in cases
    )
    return Header(
        run_id=path.stem,
        created=_created(file.datetime),
        plan=Plan(NAME, 0, effort, 0.0, "", hosts, planned),
        environment=environment_of(file),
        scenarios=tuple(_scenarios(file.benchmarks, cases, baselines)),
        format=EXPORTED if file.exported else NAME,
    )


def _collects_garbage(file: File) -> bool | None:
    """Whether the cyclic collector was on; None where a test does not say, or says otherwise."""
    stated = [(one.options or {}).get("disable_gc") for one in file.benchmarks]
    off = stated[0]
    return not off if isinstance(off, bool) and all(one is off for one in stated) else None


def _created(text: Any) -> str:
    """When it was measured, by UTC where no offset is given; "" where the file does not say."""
    try:
        created = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        created = None
    if created is None:
        return ""
    aware = created if created.tzinfo else created.replace(tzinfo=UTC)
    return aware.isoformat(timespec="seconds")


def _baselines(file: File, cases: Sequence[Case]) -> dict[str, str]:
    """The first strategy of every group, and "" of a file whose tests are of none."""
    found: dict[str, str] = {}
    for benchmark, case in zip(file.benchmarks, cases, strict=True):
        compared = benchmark.group or file.exported
        found.setdefault(case.scenario, case.strategy if compared else "")
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
    """What a reader should know of the file, in one line."""
    if file.exported:
        yield f"{path}: exported by ferrybench: the samples of all processes are combined"
        return
    about = ["measured by pytest-benchmark, without intervals over processes or first calls"]
    without = sum(not benchmark.samples_s for benchmark in file.benchmarks)
    if without:
        about.append(f"{without} of {len(file.benchmarks)} tests without their single rounds")
    noted = [_noted(benchmark, file) for benchmark in file.benchmarks]
    unknown = [why for why in map(_no_memory, noted) if why]
    if unknown:
        others = "" if len(set(unknown)) == 1 else ", and other reasons"
        about.append(f"memory of {len(unknown)} of {len(noted)} not known ({unknown[0]}{others})")
    elif not any(map(_ledger, noted)):
        about.append("no memory (pytest --ferrybench-memory measures it)")
    yield f"{path}: {'; '.join(about)}"
