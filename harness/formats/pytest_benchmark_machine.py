"""What a file of pytest-benchmark tells of the machine, as an environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.formats.pytest_benchmark_file import File, as_object, number, part
from harness.host.environment import Environment


def environment_of(file: File) -> Environment:
    """The machine of a file; what the file does not tell is unknown, and not that of this one."""
    machine, commit = as_object(file.machine_info), as_object(file.commit_info)
    cpu, ours = part(machine, "cpu"), part(machine, "ferrybench")
    count = int(number(cpu, "count") or 0)
    flags, dirty = cpu.get("flags"), commit.get("dirty")
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
        processors=count if file.exported else 0,
        processors_installed=0 if file.exported else count,
        governor="",
        caches_bytes={},
        hypervisor="hypervisor" in flags if isinstance(flags, list) and flags else None,
        memory_bytes=0,
        memory_available_bytes=0,
        memory_limit_bytes=None,
        swap_bytes=None,
        thp_enabled=_text(ours, "thp_enabled"),
        thp_defrag="",
        load_1m=None,
        clock_resolution_s=0.0,
        git_revision=_revision(commit),
        git_dirty=dirty if isinstance(dirty, bool) else None,
        hosts=part(ours, "hosts") or {"default": python},
    )


def _text(whole: Mapping[str, Any], name: str) -> str:
    """What is told; what cpuinfo calls unknown is not."""
    text = str(whole.get(name) or "")
    return "" if text == "unknown" else text


def _revision(commit: Mapping[str, Any]) -> str:
    revision = _text(commit, "id")
    return "" if revision == "unversioned" else revision[:12]
