"""Whether this process can be forked, and what a fork does not take along.

A forked process has one thread and copies of everything else: locks that other threads held stay
locked in it, and GNU's OpenMP waits for ever for threads that are not there. CUDA does not work
at all in the child of a process that uses it.
"""

from __future__ import annotations

import ctypes
import os
import threading
from pathlib import Path

from harness.errors import UnableError
from harness.trial.base.mapped import mappings
from harness.trial.base.queued_work import accelerator_in_use

_TASKS = Path("/proc/self/task")
_PAUSE_HARD = 2  # omp_pause_hard of the OpenMP API 5.0: give back all threads


def refuse_unless_forkable() -> None:
    """Raise where a forked process could not do what this one does.

    Raises:
        UnableError: there is no fork here, or an accelerator is in use.
    """
    if not hasattr(os, "fork"):
        raise UnableError(
            "measuring a function of this process needs fork(2), which this system lacks"
        )
    used = accelerator_in_use()
    if used:
        raise UnableError(
            f"this process has begun to use {used}, which does not work in a forked process: "
            f"measure before anything touches {used}, or write a scenario and use `ferrybench run`"
        )


def other_threads() -> tuple[str, ...]:
    """Every thread but this one: by the name that Python knows, or else the system."""
    own = threading.get_native_id()
    known = {thread.native_id: thread.name for thread in threading.enumerate()}
    if not _TASKS.exists():
        return tuple(sorted(name for number, name in known.items() if number != own))
    numbers = [int(task.name) for task in _TASKS.iterdir()]
    return tuple(
        sorted(known.get(number) or _system_name(number) for number in numbers if number != own)
    )


def _system_name(number: int) -> str:
    try:
        return (_TASKS / str(number) / "comm").read_text().strip()
    except OSError:  # it has just ended
        return "ended"


def pause_openmp() -> bool:
    """End the threads that GNU's OpenMP keeps for this one; it starts new ones when it needs them.

    Without that, the first parallel region of a forked process would wait for them for ever.
    Other implementations see to it themselves (pthread_atfork(3)).

    Returns:
        Whether that is done, wherever it is needed.
    """
    paused = True
    for library in _gnu_openmp():
        pause = getattr(library, "omp_pause_resource_all", None)
        paused = paused and pause is not None and pause(_PAUSE_HARD) == 0
    return paused


def _gnu_openmp() -> list[ctypes.CDLL]:
    mapped = {one.name for one in mappings() or ()}
    return [ctypes.CDLL(path) for path in sorted(mapped) if "libgomp" in Path(path).name]
