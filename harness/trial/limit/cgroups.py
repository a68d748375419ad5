"""A control group for one trial: a limit on what is resident, which ends in a kill.

cgroups(7). A group counts only what is touched by processes after they have entered it; what
Python and torch had touched before stays with the group they were in. One is made below the group
of this process, under whatever limits that has; in version 2, where groups with processes may
have none with a memory limit below them, it is made beside, if that is permitted.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

GROUP_PREFIX = "ferrybench-"
_NUMBERS = itertools.count()
_PROC = Path("/proc/self")


@dataclass(frozen=True)
class _Version:
    """The files of a group, and what is written to them."""

    usage: str
    events: str  # where kills are counted
    limits: tuple[tuple[str, bool], ...]  # in the order they are set; whether swap counts along
    without: str  # no limit


_FIRST = _Version(
    "memory.usage_in_bytes",
    "memory.oom_control",
    (("memory.limit_in_bytes", True), ("memory.memsw.limit_in_bytes", True)),
    "-1",
)
_SECOND = _Version(
    "memory.current", "memory.events", (("memory.max", True), ("memory.swap.max", False)), "max"
)


class ControlGroup:
    """A control group with a memory limit.

    Args:
        folder: of the group, in the file system of control groups.
    """

    most_bytes = math.inf

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._version = _SECOND if (folder / "memory.max").exists() else _FIRST

    @property
    def _limits(self) -> list[tuple[Path, bool]]:
        files = [(self.folder / name, counts) for name, counts in self._version.limits]
        return [(file, counts) for file, counts in files if file.exists()]  # a kernel without swap

    def enter(self) -> None:
        """Put this process into it, and all that it starts from now on."""
        (self.folder / "cgroup.procs").write_text("0")

    def used_bytes(self) -> int:
        return int((self.folder / self._version.usage).read_text())

    def enforce(self, budget_bytes: int) -> None:
        for file, counts in self._limits:
            file.write_text(str(budget_bytes if counts else 0))

    def lift(self) -> None:
        for file, _ in reversed(self._limits):
            file.write_text(self._version.without)

    def kills(self) -> int:
        """How many of its processes were killed for want of memory."""
        words = (self.folder / self._version.events).read_text().split()
        return int(words[words.index("oom_kill") + 1]) if "oom_kill" in words else 0

    def remove(self, patience_s: float = 1.0) -> None:
        """Remove it once its processes have ended; the kernel may take a moment to see that."""
        deadline = time.monotonic() + patience_s
        while True:
            try:
                self.folder.rmdir()
            except FileNotFoundError:
                return
            except OSError:
                if time.monotonic() > deadline:
                    return  # the next run removes it
                time.sleep(0.005)
            else:
                return


def make_group(parents: Sequence[Path] | None = None) -> ControlGroup:
    """A new group, removed by whoever asked for it.

    Raises:
        OSError: it is not permitted, or there is no memory controller.
    """
    problem: OSError | None = None
    for parent in _parents() if parents is None else parents:
        remove_stale(parent)
        group = ControlGroup(parent / f"{GROUP_PREFIX}{os.getpid()}-{next(_NUMBERS)}")
        try:
            group.folder.mkdir()
        except OSError as error:
            problem = problem or error
            continue
        group = ControlGroup(group.folder)  # only now can its version be seen
        try:
            group.enforce(1 << 40)
        except OSError as error:
            group.remove()
            problem = problem or error
            continue
        return group
    raise problem or OSError("no control group of this process has a memory controller")


@cache
def why_no_group() -> str:
    """Why a control group cannot be made here; empty where it can."""
    try:
        group = make_group()
    except OSError as error:
        return f"a control group with a memory limit cannot be made here: {error.strerror or error}"
    try:
        _try_to_enter(group)
    except OSError as error:
        return f"a control group cannot be entered here: {error.strerror or error}"
    finally:
        group.remove()
    return ""


def _try_to_enter(group: ControlGroup) -> None:
    """Enter it in a process of its own."""
    pid = os.fork()
    if pid == 0:
        try:
            group.enter()
        except OSError as error:
            os._exit(error.errno or 1)
        finally:
            os._exit(0)
    _, status = os.waitpid(pid, 0)
    if code := os.waitstatus_to_exitcode(status):
        raise OSError(code, os.strerror(code))


def remove_stale(parent: Path) -> None:
    """Remove groups that a killed run left behind; one with processes in it cannot be removed."""
    for folder in parent.glob(f"{GROUP_PREFIX}*"):
        with contextlib.suppress(ValueError, OSError):
            pid = int(folder.name.removeprefix(GROUP_PREFIX).partition("-")[0])
            if not Path(f"/proc/{pid}").exists():
                folder.rmdir()


def _parents() -> Iterator[Path]:
    """Where a group could be made, the best place first."""
    own = dict(_own_groups((_PROC / "cgroup").read_text()))
    for version, root, mounted in _mounts((_PROC / "mountinfo").read_text()):
        if version not in own:
            continue
        inside = os.path.relpath(own[version], root)
        folder = mounted if inside.startswith("..") else mounted / inside
        if version == 1:
            yield folder
            continue
        for parent in (folder, folder.parent):
            if mounted in (parent, *parent.parents) and _has_memory(parent):
                yield parent


def _own_groups(text: str) -> Iterator[tuple[int, str]]:
    """Of ``/proc/self/cgroup``: the version of a hierarchy, and this process's group in it."""
    for line in text.splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0" and not controllers:
            yield 2, path
        elif "memory" in controllers.split(","):
            yield 1, path


def _mounts(text: str) -> Iterator[tuple[int, str, Path]]:
    """Of ``/proc/self/mountinfo``: version, root and mount point of hierarchies with memory."""
    for line in text.splitlines():
        left, _, right = line.partition(" - ")
        _, _, _, root, mounted, *_ = left.split()
        kind, _, options = right.split(" ", 2)
        if kind == "cgroup2":
            yield 2, root, Path(mounted)
        elif kind == "cgroup" and "memory" in options.split(","):
            yield 1, root, Path(mounted)


def _has_memory(parent: Path) -> bool:
    """Whether groups below ``parent`` have a memory controller (version 2)."""
    try:
        return "memory" in (parent / "cgroup.subtree_control").read_text().split()
    except OSError:
        return False
