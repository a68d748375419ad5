"""Small runs made by hand, for tests of what comes after measuring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.description import ParameterInfo, ScenarioInfo, StrategyInfo
from harness.environment import Environment
from harness.journal import CeilingLine, EndLine, Header, Journal, Plan
from harness.model import (
    Case,
    Ceiling,
    Effort,
    Faults,
    HostSpec,
    Ledger,
    Outcome,
    PlannedCase,
    Rss,
    Timing,
    Trial,
    TrialKind,
    Value,
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


def parameter(default: Value, *values: Value, axis: bool = False) -> ParameterInfo:
    chosen = values or (default,)
    return ParameterInfo(default, (), chosen, chosen, chosen, axis)


def strategy(
    name: str,
    *,
    group: str = "copy",
    shares: bool | None = False,
    at: Mapping[str, Value] | None = None,
    max_size: int | None = None,
) -> StrategyInfo:
    return StrategyInfo(
        name, f"What {name} does.", f"def {name}(a):\n    ...", group, shares, at or {}, max_size
    )


def scenario(
    strategies: Sequence[StrategyInfo] = (strategy("base"), strategy("other")),
    parameters: Mapping[str, ParameterInfo] | None = None,
    *,
    name: str = "moving",
    baseline: str = "base",
    probe: bool = False,
) -> ScenarioInfo:
    grid = parameters or {"size": parameter(MIB, MIB, 4 * MIB, axis=True)}
    return ScenarioInfo(
        name, "/moving.py", "Does it move?", baseline, probe, grid, tuple(strategies), (), ("size",)
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


def header(
    cases: Sequence[PlannedCase], infos: Sequence[ScenarioInfo] | None = None, trials: int = 3
) -> Header:
    plan = Plan("quick", 1, Effort(trials, 0.1), 0.0, "fork", (HostSpec(),), tuple(cases))
    return Header(
        "20260101-000000-abc123",
        "2026-01-01T00:00:00+00:00",
        plan,
        ENVIRONMENT,
        tuple(infos or (scenario(),)),
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
