"""Small runs made by hand, for tests of what comes after measuring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.host.environment import Environment
from harness.journal.lines import CeilingLine, EndLine, Header, Plan
from harness.journal.write import Journal
from harness.schema.description import Parameter, ScenarioInfo, StrategyInfo
from harness.schema.records import (
    Case,
    Ceiling,
    Effort,
    Epoch,
    Faults,
    HostSpec,
    Ledger,
    Limit,
    Loading,
    Outcome,
    PlannedCase,
    Rss,
    Timing,
    Training,
    Tree,
    TreeSample,
    Trial,
    TrialKind,
    Value,
    Work,
)

MIB = 1024**2
ENVIRONMENT = Environment(
    ferrybench="0.1.0",
    system="Linux",
    kernel="6.1",
    machine="x86_64",
    cpu_model="A Processor",
    processors=2,
    processors_installed=2,
    governor="",
    caches_bytes={"L1d": 32768, "L2": 1 * MIB, "L3": 32 * MIB},
    hypervisor=True,
    memory_bytes=16 * 1024 * MIB,
    memory_available_bytes=12 * 1024 * MIB,
    memory_limit_bytes=0,
    swap_bytes=0,
    thp_enabled="madvise",
    thp_defrag="madvise",
    load_1m=0.1,
    clock_resolution_s=1e-9,
    hosts={"default": {"python": "3.11.7", "torch": "2.13.0+cpu", "numpy": "2.4.6"}},
)


GROUPS = {
    "copy": "if you need your own copy",
    "share": "if the memory may be shared",
    "reuse": "if the data may go into memory you keep",
}


def parameter(
    default: Value, *values: Value, axis: bool = False, beside: Mapping[str, Value] | None = None
) -> Parameter:
    chosen = values or (default,)
    return Parameter(default, (), chosen, chosen, chosen, axis, beside=beside or {})


def strategy(
    name: str,
    *,
    group: str = "copy",
    shares: bool | None = False,
    at: Mapping[str, Value] | None = None,
    max_size: int | None = None,
    names: tuple[str, ...] = (),
    published: str = "",
) -> StrategyInfo:
    return StrategyInfo(
        name=name,
        doc=f"What {name} does.",
        source=f"def {name}(a):\n    ...",
        group=group,
        shares_memory=shares,
        at=at or {},
        max_size=max_size,
        names=names,
        published=published,
    )


def scenario(
    strategies: Sequence[StrategyInfo] = (strategy("base"), strategy("other")),
    parameters: Mapping[str, Parameter] | None = None,
    *,
    name: str = "moving",
    baseline: str = "base",
    probe: bool = False,
) -> ScenarioInfo:
    grid = parameters or {"size": parameter(MIB, MIB, 4 * MIB, axis=True)}
    return ScenarioInfo(
        name,
        "/moving.py",
        "Does it move?",
        baseline,
        probe,
        grid,
        tuple(strategies),
        (),
        ("size",),
        groups=GROUPS,
    )


def case(name: str, size: int = MIB, host: str = "default", **more: Value) -> Case:
    return Case("moving", name, {"size": size, **more}, host)


def trial(
    index: int,
    number: int,
    steady_s: float | Sequence[float] = 1e-3,
    *,
    first_s: float = 2e-3,
    payload: int = MIB,
    peak: Rss | None = None,
    shares: bool | None = False,
    outcome: Outcome | None = None,
    kind: TrialKind | None = None,
    faults_steady: float = 0.0,
    threads: int = 1,
) -> Trial:
    """A trial of case ``index``; round 0 measures memory, later rounds time."""
    samples = [steady_s] * 4 if isinstance(steady_s, float) else list(steady_s)
    kind = kind or ("time" if number else "memory")
    peak = Rss(anon_bytes=payload) if peak is None else peak
    return Trial(
        case=index,
        kind=kind,
        round=number,
        outcome=outcome or Outcome("ok"),
        wall_s=0.1,
        payload_bytes=payload,
        result_bytes=payload,
        result="tensor float32 (4, 256)",
        shares_memory=shares,
        timing=Timing(first_s, tuple(samples) if kind == "time" else (), 1, True, 5e-8),
        ledger=Ledger(Rss(), peak.total_bytes, peak, peak, Rss(), "VmHWM", "observed"),
        faults_first=Faults(257.0, 0.0),
        faults_steady=Faults(faults_steady, 0.0),
        threads=threads,
    )


def epoch(total_s: float, start_s: float = 0.0) -> Epoch:
    """An epoch of which a part goes into starting and ending workers."""
    work_s = total_s - start_s
    return Epoch(start_s * 0.4, start_s * 0.4 + work_s * 0.1, work_s * 0.9, start_s * 0.2)


def loaded(
    one: Trial,
    epoch_s: float | Sequence[float],
    *,
    samples: int = 1024,
    batches: int = 16,
    start_s: float = 0.0,
    build_s: float = 1e-4,
    data_bytes: int = MIB,
) -> Trial:
    """The trial of a strategy that makes a loader: its epochs take so long, workers' start so.

    The first epoch takes twice as long as the first of the steady ones.
    """
    times = [epoch_s] * 4 if isinstance(epoch_s, float) else list(epoch_s)
    first = epoch(times[0] * 2, start_s)
    steady = tuple(epoch(total, start_s) for total in times) if one.kind == "time" else ()
    waited = build_s + first.iter_s + first.first_batch_s
    return replace(
        one,
        result_bytes=data_bytes,
        timing=Timing(waited, tuple(pass_.total_s for pass_ in steady), 1, True, 5e-8),
        loading=Loading(build_s, first, steady, batches, samples, data_bytes),
    )


def trained(one: Trial, step_s: float, losses: tuple[float, float] = (2.3, 0.3)) -> Trial:
    """A loader's trial on whose batches so much of an epoch was spent in training steps.

    What ``loaded`` gave an epoch is then the time of waiting.
    """
    loading, timing = one.loading, one.timing
    assert loading is not None
    assert timing is not None
    steady = tuple(replace(pass_, step_s=step_s) for pass_ in loading.steady)
    return replace(
        one,
        timing=replace(timing, samples_s=tuple(pass_.total_s for pass_ in steady)),
        loading=replace(loading, first=replace(loading.first, step_s=step_s), steady=steady),
        training=Training(loading.batches, *losses),
    )


def searched(
    index: int,
    *attempts: tuple[int, Outcome],
    budget: int,
    base: int = 0,
    limit: str = "data",
    stage: str = "call",
    held: bool = True,
) -> list[Trial]:
    """A search of case ``index``: the sizes that were tried, in their order, and how each ended.

    Args:
        index: of the case.
        attempts: sizes and outcomes.
        budget: bytes that every process might have.
        base: of it, taken before any data.
        limit: its kind.
        stage: what was done as attempts failed.
        held: the inputs were in memory; else they were files.
    """
    return [
        Trial(
            case=index,
            kind="limit",
            round=number,
            outcome=outcome,
            payload_bytes=size,
            limit=Limit(
                limit, budget, base, size, "" if outcome.ok else stage, size if held else 0
            ),
        )
        for number, (size, outcome) in enumerate(attempts)
    ]


def sample(
    at_s: float, pss: int, rss: int = 0, *, shmem: int = 0, processes: int = 3, files: int = 20
) -> TreeSample:
    return TreeSample(at_s, processes, rss, Rss(pss - shmem, 0, shmem), files, shmem)


def tree(
    peak: int, *, rss: int | None = None, shmem: int = 0, left: int = 0, files: int = 20
) -> Tree:
    """A process tree that grew by so much in a second, stayed there, and was left again.

    Args:
        peak: growth of summed PSS.
        rss: summed RSS at the peak; it was 100 MiB before. Three times the growth if not given.
        shmem: the part of the peak that is shared memory.
        left: growth after everything was dropped.
        files: most open files.
    """
    before = 100 * MIB
    most = before + 3 * peak if rss is None else rss
    top, idle = sample(1.0, peak, most, shmem=shmem, files=files), sample(2.0, peak, most)
    gone = sample(3.0, left, before, processes=1)
    course = (sample(0.0, 0, before, processes=1), sample(0.5, peak // 2, most), top, idle, gone)
    marks = (("build", 0.0), ("pass 1", 0.4), ("pass 2", 1.2), ("drop", 2.1))
    return Tree(top, idle, gone, course, marks, files, shmem, 0, 1000, 20_000)


def watched(
    index: int, grown: Tree, *, payload: int = MIB, outcome: Outcome | None = None
) -> Trial:
    """A trial of case ``index`` whose process tree was watched; no ledger of its own."""
    one = trial(index, 0, payload=payload, kind="tree", outcome=outcome)
    return replace(one, ledger=None, timing=None, tree=grown)


def header(
    cases: Sequence[PlannedCase], infos: Sequence[ScenarioInfo] | None = None, trials: int = 3
) -> Header:
    """Of a run of these cases, with scenarios and hosts for all of them."""
    hosts = dict.fromkeys(["default", *(one.case.host for one in cases)])
    specs = tuple(map(HostSpec, hosts))
    plan = Plan("quick", 1, Effort(trials, 0.1), 0.0, "fork", specs, tuple(cases))
    names = dict.fromkeys(["base", "other", *(one.case.strategy for one in cases)])
    return Header(
        "20260101-000000-abc123",
        "2026-01-01T00:00:00+00:00",
        plan,
        ENVIRONMENT,
        tuple(infos or (scenario([strategy(name) for name in names]),)),
    )


def ceiling(
    kind: str, bytes_per_s: float, size: int = MIB, *, written: int | None = None, **more: Any
) -> Ceiling:
    """The ceiling of work of some size, which writes as much as it reads if not told otherwise."""
    work = Work(kind, size, size if written is None else written, **more).rounded()
    return Ceiling(
        kind,
        work.threads,
        work.read_bytes,
        bytes_per_s,
        text={"copy": "copying"}.get(kind, kind),
        work=work,
    )


def write_run(
    path: Path,
    cases: Sequence[PlannedCase],
    trials: Sequence[Trial],
    *,
    infos: Sequence[ScenarioInfo] | None = None,
    ceilings: Sequence[Ceiling] = (),
    end: str = "complete",
) -> Path:
    with Journal.create(path, header(cases, infos), force=True) as journal:
        for ceiling in ceilings:
            journal.append(CeilingLine(0, ceiling))
        for one in trials:
            journal.append(one)
        if end:
            journal.append(EndLine(end))
    return path


def planned(
    name: str, size: int = MIB, *, baseline: bool = False, skip: str = "", copies: float = 1.0
) -> PlannedCase:
    return PlannedCase(case(name, size), baseline, 400 * MIB, copies, skip)
