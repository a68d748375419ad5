"""Process trees on Linux: tie children to their parent, and leave none behind.

Sources: prctl(2) for PR_SET_PDEATHSIG and PR_SET_CHILD_SUBREAPER; proc_pid_task_children(5).
Elsewhere these calls do nothing and a process group is all there is.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import sys
import time
from pathlib import Path

from harness.trial.base.children import children, is_helper

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_THP_DISABLE = 41
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGE_BYTES = 128 * 1024  # glibc's limits, as long as nothing was freed
_LINUX = sys.platform.startswith("linux")
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 — where torch puts it
_BEFORE_OTHERS = "\0ferrybench runs before others"  # an abstract name: no file of unix(7)
_TURN_NAP_S = 0.0005
_CLOCK_TICK_S = 0.02  # by which a file may seem to be older than it is


def _prctl(option: int, value: int) -> None:
    if _LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def die_with_parent() -> None:
    """Ask the kernel to kill this process when the one that started it ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def die_with(parent: int) -> None:
    """The same of a process that was started by way of another program, if that is still there.

    Raises:
        SystemExit: it has ended, before it could be asked for.
    """
    die_with_parent()
    if os.getppid() != parent:
        raise SystemExit(1)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent has ended."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def run_before_others(patience_s: float = 0.0) -> bool:
    """Run this process before all usual ones; False without a second processor or permission, or
    where another has its turn all that time.

    The scheduling policy SCHED_FIFO of sched(7) needs root or CAP_SYS_NICE. A lower niceness would
    not do, since it counts only within one session (autogroups). Who runs like this must nap, and
    must be the only one: two that watch beside each other would leave two processors to nobody,
    least of all to those that they watch. The socket's name goes with its process.
    """
    if not _LINUX or len(os.sched_getaffinity(0)) < 2:
        return False
    turn = socket.socket(socket.AF_UNIX)
    deadline = time.monotonic() + patience_s
    while not _bound(turn):
        if time.monotonic() >= deadline:
            turn.close()
            return False
        time.sleep(_TURN_NAP_S)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        turn.close()
        return False
    turn.detach()  # open until this process ends
    return True


def _bound(turn: socket.socket) -> bool:
    try:
        turn.bind(_BEFORE_OTHERS)
    except OSError:
        return False
    return True


def settle(ours: set[int], limit_s: float = 0.2) -> None:
    """Kill the children ``ours``, then let the others end by themselves for a moment.

    multiprocessing's resource tracker does, once nobody uses it any more, and only then removes
    the shared memory that was left behind: killed at once, it would stay until the next boot.
    """
    deadline = time.monotonic() + limit_s
    for pid in ours & set(children()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    while (alive := children()) and time.monotonic() < deadline:
        for pid in alive:
            os.waitpid(pid, os.WNOHANG)
        time.sleep(0.001)


def kill_tree(group: int = 0, grace_s: float = 5.0) -> set[int]:
    """Kill every child and, as each death hands up its own children, every descendant.

    Returns the processes that were still running, but for multiprocessing's own, which end by
    themselves. Needs :func:`adopt_orphans`; without it, on systems other than Linux, the process
    group ``group`` is all that can be found.
    """
    if not _LINUX:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL) if group else None
        return set()
    killed: set[int] = set()
    helpers: set[int] = set()
    deadline = time.monotonic() + grace_s
    while (alive := children()) and time.monotonic() < deadline:
        for pid in alive:
            if is_helper(pid):
                helpers.add(pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in alive:
            ended, status = os.waitpid(pid, os.WNOHANG)
            # A process that had already ended is a zombie to collect, not one left behind.
            if ended and os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
                killed.add(pid)
        time.sleep(0.001)
    return killed - helpers


def remove_shared_memory(first: int, since_s: float) -> None:
    """Remove what a process tree that is gone has left of torch's in shared memory.

    torch takes a file's name away once it is mapped; where there is no address space for that, it
    forgets the file, whose pages are taken until the next boot. Its name tells who made it.

    Args:
        first: process of the tree; its descendants have numbers that were given later.
        since_s: when it began, since the epoch.
    """
    last = _last_number()
    for file in _SHARED_MEMORY.glob("torch_*_*"):
        number = file.name.split("_")[1]
        if not number.isdecimal() or not given_between(int(number), first, last):
            continue
        if not Path(f"/proc/{number}").exists():
            with contextlib.suppress(OSError):
                made = file.stat()
                if made.st_uid == os.getuid() and made.st_ctime >= since_s - _CLOCK_TICK_S:
                    file.unlink()


def _last_number() -> int:
    """That of the process that was started last (proc_loadavg(5))."""
    return int(Path("/proc/loadavg").read_text().split()[-1]) if _LINUX else 0


def given_between(number: int, first: int, last: int) -> bool:
    """Whether a process has a number that was given after ``first`` and not after ``last``.

    They are given in order, and small ones again after the largest (pid_max, proc_sys_kernel(5)).
    """
    if first <= last:
        return first <= number <= last
    return number >= first or number <= last


def release_free_memory() -> None:
    """Return freed heap to the kernel, so that new allocations touch fresh pages.

    What importing torch left on the heap would otherwise serve the first allocations of a trial,
    and a copy of 1 MiB would seem to need no memory. glibc only: malloc_trim(3).
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if _LINUX else None
    if trim is not None:
        trim(0)


def use_small_pages() -> None:
    """Give this process no more huge pages, whoever asks for them (PR_SET_THP_DISABLE, prctl(2)).

    One is 2 MiB as soon as a byte of it is touched, and may reach beyond a block into the next
    one, where those lie side by side: by chance, a copy would seem to take that much more.
    """
    _prctl(_PR_SET_THP_DISABLE, 1)


def keep_no_free_memory() -> None:
    """Have the allocator take every large block from the system, and give it back when freed.

    glibc raises its limits as blocks are freed, up to 32 MiB, and of the heaps of other threads
    malloc_trim(3) leaves the top: what a call freed there would serve the next one without a page.
    Setting a limit keeps it (mallopt(3)), which costs time: this is for memory alone.
    """
    if not _LINUX:
        return
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallopt"):
        return
    libc.mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
    libc.mallopt(_M_TRIM_THRESHOLD, _LARGE_BYTES)
    libc.malloc.restype = ctypes.c_void_p
    libc.malloc.argtypes = [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]
    libc.free(libc.malloc(_LARGE_BYTES * 3 // 4))  # freeing this much has this thread's heap cut
