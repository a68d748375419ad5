"""What was measured on and how: the environment, the run and the ceilings, as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from harness.environment import Environment
from harness.journal import Run
from harness.report.text import CEILINGS, ceiling_text, plural
from harness.units import format_duration, format_rate, format_seconds, format_size

Pairs = tuple[tuple[str, str], ...]
UNKNOWN = "not known"


@dataclass(frozen=True)
class HostLine:
    """An interpreter and the variables it was started with."""

    name: str
    python: str
    numpy: str
    torch: str
    threads: str
    settings: str


@dataclass(frozen=True)
class CeilingTable:
    """Bytes a second by ceiling, one column per thread count."""

    threads: tuple[int, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    size: str
    notes: tuple[str, ...]


def machine_pairs(environment: Environment) -> Pairs:
    """The machine, compactly."""
    caches = ", ".join(
        f"{name} {format_size(size)}" for name, size in environment.caches_bytes.items()
    )
    processors = (
        f"{environment.processors} of {plural(environment.processors_installed, 'processor')}"
    )
    limit = (
        f", limited to {format_size(environment.memory_limit_bytes)}"
        if environment.memory_limit_bytes
        else ""
    )
    virtual = " · virtual machine" if environment.hypervisor else ""
    return (
        ("Processor", f"{environment.cpu_model or UNKNOWN}{virtual}"),
        ("Processors used", processors),
        ("Caches", caches or UNKNOWN),
        (
            "Memory",
            f"{format_size(environment.memory_bytes)}, "
            f"{format_size(environment.memory_available_bytes)} free{limit}",
        ),
        ("System", f"{environment.system} {environment.kernel}, {environment.machine}"),
        (
            "Huge pages",
            f"{environment.thp_enabled or UNKNOWN}, defrag {environment.thp_defrag or UNKNOWN}",
        ),
        ("Governor", environment.governor or UNKNOWN),
        ("Load at the start", f"{environment.load_1m:.2f}"),
        ("Clock resolution", format_seconds(environment.clock_resolution_s)),
    )


def run_pairs(run: Run) -> Pairs:
    """The run: when, of what revision, how hard."""
    header = run.header
    plan, environment = header.plan, header.environment
    changed = ", with uncommitted changes" if environment.git_dirty else ""
    trees = ", 1 with its workers" if any(trial.tree for trial in run.trials) else ""
    budget = f", within {format_duration(plan.budget_s)}" if plan.budget_s else ""
    return (
        ("Measured", datetime.fromisoformat(header.created).strftime("%Y-%m-%d %H:%M %z")),
        ("Run", header.run_id),
        ("ferrybench", environment.ferrybench),
        (
            "Revision",
            f"{environment.git_revision}{changed}" if environment.git_revision else UNKNOWN,
        ),
        ("Sweep", f"{plan.level}{budget}"),
        ("Processes per case", f"{plan.effort.trials} timed, 1 watched for memory{trees}"),
        ("Seed", str(plan.seed)),
        ("Trials started by", plan.method),
        ("Cyclic collector", "on" if plan.effort.collect_garbage else "off while timing"),
    )


def host_lines(run: Run) -> tuple[HostLine, ...]:
    """Every interpreter of the run."""
    described = run.header.environment.hosts
    return tuple(
        HostLine(
            spec.name,
            str(about.get("python", UNKNOWN)),
            str(about.get("numpy", UNKNOWN)),
            str(about.get("torch", UNKNOWN)),
            str(about.get("torch_threads", UNKNOWN)),
            " ".join(f"{name}={value}" for name, value in spec.env.items()),
        )
        for spec in run.header.plan.hosts
        for about in (described.get(spec.name, {}),)
    )


def ceiling_table(run: Run, rates: Mapping[tuple[str, int], float]) -> CeilingTable | None:
    """The machine's limits; None when none was measured."""
    notes = dict.fromkeys(line.ceiling.note for line in run.ceilings if line.ceiling.note)
    if not rates:
        return None
    threads = sorted({count for _, count in rates})
    names = sorted({name for name, _ in rates}, key=lambda name: (name not in CEILINGS, name))
    sizes = [line.ceiling.size_bytes for line in run.ceilings if line.ceiling.bytes_per_s]
    return CeilingTable(
        tuple(threads),
        tuple(
            (
                f"memcpy {ceiling_text(name)}",
                tuple(format_rate(rates.get((name, count), float("nan"))) for count in threads),
            )
            for name in names
        ),
        format_size(max(sizes, default=0)),
        tuple(notes),
    )


def machine_line(run: Run) -> str:
    """The machine and the versions in one line."""
    environment = run.header.environment
    hosts = host_lines(run)
    versions = (
        f"Python {hosts[0].python}, NumPy {hosts[0].numpy}, torch {hosts[0].torch}" if hosts else ""
    )
    parts = (
        environment.cpu_model,
        plural(environment.processors, "processor"),
        format_size(environment.memory_bytes),
        f"{environment.system} {environment.kernel}",
        f"huge pages: {environment.thp_enabled or UNKNOWN}",
        versions,
        f"ferrybench {environment.ferrybench}",
    )
    return " · ".join(part for part in parts if part)
