"""The children of a process, and which of them multiprocessing keeps for itself.

These are its fork server and its resource tracker. An interpreter starts them when it first needs
them, and keeps them until it ends; on Linux, Python 3.14 needs both for the first worker whose
start method nobody chose. They are nobody's leftovers. What the fork server starts may be: those
processes belong to whoever asked for them, although they are not their children.

Helpers are new interpreters, and told by their commands. A process that the fork server starts has
the same command, but is a copy that never became another program: PF_FORKNOEXEC, among the flags
of proc_pid_stat(5).
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_FORK_SERVER = b"from multiprocessing.forkserver import main;"
_TRACKER = b"from multiprocessing.resource_tracker import main;"
_PF_FORKNOEXEC = 0x40
_FLAGS = 6  # the field of that name, counted from the one after the command's
_STREAMS = 3  # standard input, output and error, which every process shares with its parent


def descriptors_are_told() -> bool:
    """Whether :func:`open_descriptors` finds any here."""
    return Path("/proc/self/fd").is_dir()


def children_are_told() -> bool:
    """Whether :func:`children` finds any here: a kernel may be built without that list."""
    return Path("/proc/thread-self/children").exists()


def children(of: int | None = None) -> list[int]:
    """Process ids of a process's children, of this one's by default, including adopted ones."""
    if not sys.platform.startswith("linux"):
        return []
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{of or 'self'}/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                found += [int(pid) for pid in (task / "children").read_text().split()]
    return found


def is_helper(pid: int) -> bool:
    """Whether a process is one of Python's own; False once it has ended."""
    return is_fork_server(pid) or _runs(pid, _TRACKER)


def is_fork_server(pid: int) -> bool:
    return _runs(pid, _FORK_SERVER)


def _runs(pid: int, code: bytes) -> bool:
    place = Path(f"/proc/{pid}")
    try:
        if code not in (place / "cmdline").read_bytes():
            return False
        fields = (place / "stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return False
    return not int(fields[_FLAGS]) & _PF_FORKNOEXEC


def served() -> list[int]:
    """Processes that this one's fork server has started, and that have not ended."""
    return [pid for server in children() if is_fork_server(server) for pid in children(server)]


def helpers_pipes() -> set[str]:
    """The pipes at whose other ends this process's helpers wait for its end, as links name them."""
    pipes = set()
    for pid in filter(is_helper, children()):
        for descriptor, target in open_descriptors(pid):
            if descriptor >= _STREAMS and target.startswith("pipe:"):
                pipes.add(target)
    return pipes


def open_descriptors(pid: int | None = None) -> Iterator[tuple[int, str]]:
    """Each descriptor of a process, this one by default, and what its link says it is."""
    place = Path(f"/proc/{pid or 'self'}/fd")
    with contextlib.suppress(OSError):  # the process has ended
        for name in os.listdir(place):  # noqa: PTH208 — a Path for each would be waste
            with contextlib.suppress(OSError):  # the one of this very listing is closed by now
                yield int(name), str((place / name).readlink())


def forget_fork_server() -> None:
    """In a process just forked: have multiprocessing start a fork server of its own if need be.

    It remembers that of the process which was forked, and waits for it as for a child, which fails
    (seen up to Python 3.14). The resource tracker needs none of this.
    """
    module: Any = sys.modules.get("multiprocessing.forkserver")
    if module is None:
        return
    server = module._forkserver  # noqa: SLF001 — there is no other way to it
    server._lock = threading.Lock()  # noqa: SLF001 — a thread that is gone may have held it
    if server._forkserver_pid is not None:  # noqa: SLF001
        os.close(server._forkserver_alive_fd)  # noqa: SLF001 — or it would outlive that process
        server._forkserver_pid = server._forkserver_alive_fd = None  # noqa: SLF001
