"""What was measured on and how: the environment, the run and the ceilings, as text."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from harness.host.environment import Environment, python_text
from harness.journal.lines import Run
from harness.report.words.text import capital, ceiling_text, plural
from harness.schema.records import DISK_CEILINGS, Ceiling
from harness.units import (
    format_duration,
    format_multiple,
    format_rate,
    format_seconds,
    format_size,
)

LabelledTexts = tuple[tuple[str, str], ...]
UNKNOWN = "not known"
SOURCES_NAMED = 5
"""Runs that were merged of which the names are told; of others, how many there are."""
_COLLECTOR = {True: "on", False: "off while timing", None: UNKNOWN}
_CHANGES = {
    True: ", with uncommitted changes",
    False: "",
    None: f" (uncommitted changes: {UNKNOWN})",
}


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
    """Bytes a second by what was done and with how many threads, one column for each size."""

    sizes: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[str, ...]], ...]
    notes: tuple[str, ...]


def machine_pairs(environment: Environment) -> LabelledTexts:
    """The machine, compactly."""
    caches = ", ".join(
        f"{name} {format_size(size)}" for name, size in environment.caches_bytes.items()
    )
    usable, installed = environment.processors, environment.processors_installed
    processors = f"{usable or UNKNOWN} of {installed or UNKNOWN}"
    limit = (
        f", limited to {format_size(environment.memory_limit_bytes)}"
        if environment.memory_limit_bytes
        else ""
    )
    virtual = " · virtual machine" if environment.hypervisor else ""
    if environment.hypervisor is None and environment.cpu_model:
        virtual = f" · virtual or not: {UNKNOWN}"
    return (
        ("Processor", f"{environment.cpu_model or UNKNOWN}{virtual}"),
        ("Processors used", processors if usable or installed else UNKNOWN),
        ("Caches", caches or UNKNOWN),
        (
            "Memory",
            f"{format_size(environment.memory_bytes)}, "
            f"{format_size(environment.memory_available_bytes)} free{limit}"
            if environment.memory_bytes
            else UNKNOWN,
        ),
        ("System", _system(environment) or UNKNOWN),
        (
            "Huge pages",
            f"{environment.thp_enabled or UNKNOWN}, defrag {environment.thp_defrag or UNKNOWN}",
        ),
        ("Governor", environment.governor or UNKNOWN),
        (
            "Load at the start",
            UNKNOWN if environment.load_1m is None else f"{environment.load_1m:.2f}",
        ),
        (
            "Clock resolution",
            format_seconds(environment.clock_resolution_s)
            if environment.clock_resolution_s
            else UNKNOWN,
        ),
        *_accelerators(environment),
    )


def _system(environment: Environment) -> str:
    """``Linux 6.1, x86_64``; "" where nothing is known of it."""
    name = f"{environment.system} {environment.kernel}".strip()
    return ", ".join(filter(None, (name, environment.machine)))


def _accelerators(environment: Environment) -> LabelledTexts:
    """The accelerator of the first host that has one; nothing where none has."""
    said = [host.get("accelerator", {}) for host in environment.hosts.values()]
    found = next((one for one in said if "kind" in one), None)
    if found is None:
        return ()
    memory = found.get("memory_bytes")
    parts = (
        str(found.get("name", found["kind"])),
        format_size(memory) if memory else "",
        f"{found['count']} visible" if found.get("count", 1) > 1 else "",
        f"driver {found['driver']}" if "driver" in found else "",
        f"runtime {found['runtime']}" if found.get("runtime") else "",
        f"PCIe {found['pcie_generation']} ×{found['pcie_width']}" if "pcie_width" in found else "",
    )
    return (("Accelerator", ", ".join(part for part in parts if part)),)


def run_pairs(run: Run) -> LabelledTexts:
    """The run: when, of what revision, how hard."""
    header = run.header
    plan, environment = header.plan, header.environment
    budget = f", within {format_duration(plan.budget_s)}" if plan.budget_s else ""
    when = (
        ("Measured", _measured(header.created)),
        ("Run", header.run_id),
        *_merged_of(run),
    )
    revision = ("Revision", _revision(environment))
    collector = ("Cyclic collector", _COLLECTOR[plan.effort.collect_garbage])
    if header.imported:
        return (*when, revision, ("Measured by", header.format), collector)
    return (
        *when,
        ("ferrybench", environment.ferrybench),
        revision,
        ("Sweep", f"{plan.level}{budget}"),
        ("Processes per case", _processes(run)),
        ("Seed", "one for each run" if header.sources else str(plan.seed)),
        ("Trials started by", plan.method),
        collector,
    )


def _merged_of(run: Run) -> LabelledTexts:
    """The runs that it was merged of."""
    runs = dict.fromkeys(f"{one.run_id} ({one.created[:10]})" for one in run.header.sources)
    named = list(runs)[:SOURCES_NAMED]
    more = [f"{len(runs) - SOURCES_NAMED} more"] if len(runs) > SOURCES_NAMED else []
    return (("Merged of", ", ".join(named + more)),) if runs else ()


def _measured(created: str) -> str:
    if not created:
        return UNKNOWN
    return datetime.fromisoformat(created).strftime("%Y-%m-%d %H:%M %z")


def _revision(environment: Environment) -> str:
    """That of the working directory, and whether anything in it was not committed."""
    if not environment.git_revision:
        return UNKNOWN
    return f"{environment.git_revision}{_CHANGES[environment.git_dirty]}"


def _processes(run: Run) -> str:
    """How many of which kind a case is given."""
    searches = Counter(trial.case for trial in run.trials if trial.kind == "limit")
    parts = []
    if run.header.sources:
        timed = Counter(trial.case for trial in run.trials if trial.kind == "time").values()
        parts += [f"{min(timed)} to {max(timed)} timed"] if timed else []
    elif not searches or any(trial.kind == "time" for trial in run.trials):
        parts += [f"{run.header.plan.effort.trials} timed", "1 watched for memory"]
    if any(trial.tree for trial in run.trials):
        parts.append("1 with its workers")
    if searches:
        parts.append(f"up to {max(searches.values())} under a limit")
    return ", ".join(parts)


def host_lines(run: Run) -> tuple[HostLine, ...]:
    """Every interpreter of the run."""
    described = run.header.environment.hosts
    return tuple(
        HostLine(
            spec.name,
            python_text(about) or UNKNOWN,
            str(about.get("numpy", UNKNOWN)),
            str(about.get("torch", UNKNOWN)),
            str(about.get("torch_threads", UNKNOWN)),
            " ".join(f"{name}={value}" for name, value in spec.env.items()),
        )
        for spec in run.header.plan.hosts
        for about in (described.get(spec.name, {}),)
    )


def ceiling_table(run: Run, ceilings: Sequence[Ceiling]) -> CeilingTable | None:
    """The machine's limits; None when none was measured."""
    if not ceilings:
        return None
    sizes = sorted({one.size_bytes for one in ceilings})
    rows: dict[tuple[str, int, float], dict[int, float]] = {}
    for one in ceilings:
        found = rows.setdefault((_done(one), one.threads, _written(one)), {})
        found[one.size_bytes] = max(one.bytes_per_s, found.get(one.size_bytes, 0.0))
    alike = Counter((text, threads) for text, threads, _ in rows)
    return CeilingTable(
        tuple(map(format_size, sizes)),
        tuple(
            (
                capital(text)
                + (_WRITING.format(format_multiple(written)) if alike[text, threads] > 1 else ""),
                str(threads),
                tuple(format_rate(found.get(size, math.nan)) for size in sizes),
            )
            for (text, threads, written), found in rows.items()
        ),
        _notes(run),
    )


_WRITING = ", writing {} what is read"
"""Of work that differs in nothing else."""


def _written(ceiling: Ceiling) -> float:
    """How many times as much is written as is read; to two digits, as sizes are rounded."""
    work = ceiling.work
    if work is None or not (work.read_bytes and work.written_bytes):
        return 1.0
    return float(f"{work.written_bytes / work.read_bytes:.2g}")


def _done(ceiling: Ceiling) -> str:
    """What was done, and in blocks or pieces of which size."""
    text, work = ceiling_text(ceiling), ceiling.work
    if work is not None and work.piece_bytes and work.kind not in DISK_CEILINGS:
        text += f" {format_size(work.piece_bytes)} at a time"
    if work is not None and work.block_bytes:
        text += f", in blocks of {format_size(work.block_bytes)}"
    return text


def _notes(run: Run) -> tuple[str, ...]:
    """What was noted of the ceilings, once of each kind."""
    notes: dict[tuple[str, str], str] = {}
    for line in run.ceilings:
        if line.ceiling.note:
            text = ceiling_text(line.ceiling)
            reason = line.ceiling.note if not line.ceiling.bytes_per_s else ""
            notes.setdefault((text, reason), f"{capital(text)}: {line.ceiling.note}")
    return tuple(notes.values())


def machine_line(run: Run) -> str:
    """The machine and the versions in one line."""
    environment = run.header.environment
    hosts = host_lines(run)
    count = environment.processors or environment.processors_installed
    versions = (
        f"Python {hosts[0].python}, NumPy {hosts[0].numpy}, torch {hosts[0].torch}" if hosts else ""
    )
    parts = (
        environment.cpu_model,
        plural(count, "processor") if count else "",
        format_size(environment.memory_bytes) if environment.memory_bytes else "",
        f"{environment.system} {environment.kernel}".strip(),
        f"huge pages: {environment.thp_enabled or UNKNOWN}",
        versions,
        f"ferrybench {environment.ferrybench}" if environment.ferrybench else "",
    )
    return " · ".join(part for part in parts if part)
