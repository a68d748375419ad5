"""What a run was measured on: hardware, kernel settings, load, versions.

Read once when a run starts; two runs whose environments differ are compared with care.
"""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from harness.version import __version__

_CGROUP = Path("/sys/fs/cgroup")
_THP = Path("/sys/kernel/mm/transparent_hugepage")
_CPUINFO = Path("/proc/cpuinfo")
_CPU0 = Path("/sys/devices/system/cpu/cpu0")
_MACHINE_ID = Path("/etc/machine-id")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Environment:
    """One machine at one time.

    Unknown values are None or empty; a zero means unknown only where zero is impossible.
    """

    ferrybench: str
    system: str
    kernel: str
    machine: str
    cpu_model: str
    processors: int  # usable by this process
    processors_installed: int
    governor: str
    caches_bytes: Mapping[str, int]  # as the first processor sees them: L1d, L2, L3
    hypervisor: bool | None
    memory_bytes: int
    memory_available_bytes: int
    memory_limit_bytes: int | None  # of the control group; 0 when there is none
    swap_bytes: int | None
    thp_enabled: str
    thp_defrag: str
    load_1m: float | None
    clock_resolution_s: float
    git_revision: str = ""
    git_dirty: bool | None = None
    hosts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    machine_id: str = ""  # a digest that tells machines apart and names none
    boot_id: str = ""  # the same of one start of its kernel


def read_environment(hosts: Mapping[str, Mapping[str, Any]] | None = None) -> Environment:
    """Look at this machine now.

    Args:
        hosts: by name, what each host said of its interpreter and how it was started.
    """
    memory = psutil.virtual_memory()
    revision, dirty = _git()
    return Environment(
        ferrybench=__version__,
        system=platform.system(),
        kernel=platform.release(),
        machine=platform.machine(),
        cpu_model=_cpu_model(),
        processors=usable_processors(),
        processors_installed=os.cpu_count() or 0,
        governor=_text(_CPU0 / "cpufreq/scaling_governor"),
        caches_bytes=_caches(),
        hypervisor=_hypervisor(),
        memory_bytes=memory.total,
        memory_available_bytes=available_bytes(),
        memory_limit_bytes=_cgroup_limit(),
        swap_bytes=psutil.swap_memory().total,
        thp_enabled=_chosen(_THP / "enabled"),
        thp_defrag=_chosen(_THP / "defrag"),
        load_1m=_load(),
        clock_resolution_s=time.get_clock_info("perf_counter").resolution,
        git_revision=revision,
        git_dirty=dirty,
        hosts=dict(hosts or {}),
        machine_id=_digest(_text(_MACHINE_ID), platform.node()),
        boot_id=_digest(_text(_BOOT_ID)),
    )


def _digest(identity: str, *more: str) -> str:
    """What stands for an identity in files that are passed on; "" where there is none.

    A machine's identity comes with its name: images are copied with what identifies them.
    """
    text = "\n".join(("ferrybench", identity, *more))
    return hashlib.sha256(text.encode()).hexdigest()[:16] if identity else ""


def python_text(host: Mapping[str, Any]) -> str:
    """The version of a host's interpreter, and what kind of build it is if not the usual one."""
    version = str(host.get("python", ""))
    return f"{version} free-threaded, GIL {gil}" if (gil := host.get("gil")) in FREE else version


FREE = ("on", "off")
"""What a host says of the GIL if its interpreter is a free-threaded build."""


def usable_processors() -> int:
    """Processors this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def available_bytes() -> int:
    """Memory a new process can use without swapping, within the control group's limit."""
    memory = psutil.virtual_memory()
    free: int = memory.available
    limit = _cgroup_limit()
    if limit:
        text = _text(_CGROUP / "memory.current")
        used = int(text) if text.isdigit() else memory.total - free  # of all groups: no less
        free = min(free, max(0, limit - used))
    return free


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _chosen(path: Path) -> str:
    """The bracketed choice of a sysfs file such as ``always [madvise] never``."""
    text = _text(path)
    return text.partition("[")[2].partition("]")[0]


def _cgroup_limit() -> int:
    text = _text(_CGROUP / "memory.max")
    return int(text) if text.isdigit() else 0


def _hypervisor() -> bool | None:
    """Whether there is one, as processors with flags say; others say nothing of it."""
    lines = (line.partition(":") for line in _text(_CPUINFO).splitlines())
    flags = next((text.split() for name, _, text in lines if name.strip() == "flags"), [])
    return "hypervisor" in flags if flags else None


def _load() -> float | None:
    try:
        return os.getloadavg()[0]
    except OSError:
        return None


def _cpu_model() -> str:
    import cpuinfo  # takes a tenth of a second to import, and only a run needs it

    return str(cpuinfo.get_cpu_info().get("brand_raw", ""))


def _caches() -> dict[str, int]:
    caches = {}
    for index in sorted((_CPU0 / "cache").glob("index*")):
        level, kind, size = (_text(index / name) for name in ("level", "type", "size"))
        if kind != "Instruction" and size.endswith("K"):
            caches[f"L{level}{'d' if kind == 'Data' else ''}"] = int(size[:-1]) * 1024
    return caches


def _git() -> tuple[str, bool | None]:
    """Revision of the working directory, and whether it has uncommitted changes; "" and None."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "", None
    if done.returncode:
        return "", None
    text = done.stdout.strip()
    return text.removesuffix("-dirty"), text.endswith("-dirty")
