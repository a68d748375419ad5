"""What a file of pytest-benchmark tells of the machine, as an environment."""

from __future__ import annotations

from typing import Any

from harness.formats.pytest_benchmark_file import File, number
from harness.host.environment import Environment


def environment_of(file: File) -> Environment:
    """The machine of a file; what the file does not tell is unknown, and not that of this one."""
    machine = file.machine_info
    cpu, ours = _part(machine, "cpu"), _part(machine, "ferrybench")
    processors = int(number(cpu, "count") or 0)
    python = {
        "python": _text(machine, "python_version"),
        "implementation": _text(machine, "python_implementation"),
    }
    return Environment(
        ferrybench=_text(ours, "ferrybench"),
        system=_text(machine, "system"),
        kernel=_text(machine, "release"),
        machine=_text(machine, "machine"),
        cpu_model=_text(cpu, "brand_raw") or _text(cpu, "brand") or _text(machine, "processor"),
        processors=processors,
        processors_installed=processors,
        governor="",
        caches_bytes={},
        hypervisor="hypervisor" in (cpu.get("flags") or ()),
        memory_bytes=0,
        memory_available_bytes=0,
        memory_limit_bytes=0,
        swap_bytes=0,
        thp_enabled=_text(ours, "thp_enabled"),
        thp_defrag="",
        load_1m=0.0,
        clock_resolution_s=0.0,
        git_revision=_revision(file.commit_info),
        git_dirty=bool(file.commit_info.get("dirty", False)),
        hosts=_part(ours, "hosts") or {"default": python},
    )


def _part(whole: dict[str, Any], name: str) -> dict[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, dict) else {}


def _text(part: dict[str, Any], name: str) -> str:
    return str(part.get(name) or "")


def _revision(commit: dict[str, Any]) -> str:
    revision = _text(commit, "id")
    return "" if revision == "unversioned" else revision[:12]
