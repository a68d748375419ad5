"""``harness.measure``: a function of this process, measured in processes forked from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.errors import UsageError
from harness.inline.call import Check, Job
from harness.inline.measurement import Measurement
from harness.inline.processes import Processes
from harness.schema.records import Effort

__all__ = ["Check", "Job", "effort_of", "measure", "measure_job"]


def measure(
    function: Callable[..., Any],
    *args: Any,
    trials: int = 3,
    steady_s: float = 0.1,
    timeout_s: float = 60.0,
    check: Check = None,
    payload: int | None = None,
    warm: bool = True,
    allow_shared: bool = False,
    **kwargs: Any,
) -> Measurement:
    """Measure ``function(*args, **kwargs)`` in processes forked from this one.

    Each trial is a fresh copy of this process as it is now: it sees the same arguments, globals
    and imports. Its changes do not reach this process, except those to shared memory or files. What
    the function prints is not shown.

    Two trials measure memory. The first calls the function once: its ledger is ``first_ledger``,
    and its result is what others are compared with. The second calls it once beforehand, so that
    its ``ledger`` includes neither imports nor tables that are built only once. In both, the
    allocator keeps no free memory, and huge pages, which would round memory up, are off. Times and
    page faults come from trials without these measures.
    Then ``trials`` more measure time: the first call in a process, and the steady state.
    Arguments that a call changes are restored before each further call. The first write to memory
    that this process made costs a page fault, in first calls only.

    Args:
        function: any callable: a closure, a lambda, a method, a function from a notebook.
        *args: passed to it.
        **kwargs: passed to it; if one has the name of an option here, pass a lambda instead.
        trials: processes that measure time; with 0, only memory is measured.
        steady_s: how long each of them measures the steady state.
        timeout_s: how long a trial may take.
        check: called with the result in each trial; raises, or returns something false, if the
            result is wrong. Without it, results are compared with the first one: arrays and
            tensors by dtype, shape and value, up to rounding, wherever they are in containers and
            objects; numbers, text and frames likewise. What cannot be compared, such as a
            generator, is shown as not verified. False compares nothing; use it for random results.
        payload: bytes that count as one copy; by default those of the arrays, tensors and buffers
            in the arguments or, without any, of those the function refers to.
        warm: call the function once before its memory is measured; otherwise the ledger is that
            of the first call, and the function is called only once if ``trials`` is 0.
        allow_shared: measure it even if it could write to memory that is shared with other
            processes, which a fork does not isolate; for functions that only read it.

    Returns:
        The measurement. If the function fails, its ``outcome`` says so; nothing is raised.

    Raises:
        UsageError: the function cannot be measured like this.
        UnableError: this process cannot be forked: it uses an accelerator, or has no fork(2).
    """
    job = Job(function, args, kwargs, check, payload, allow_shared=allow_shared)
    return measure_job(job, effort_of(trials, steady_s, timeout_s), warm=warm)


def measure_job(job: Job, effort: Effort, *, warm: bool = True) -> Measurement:
    """What :func:`measure` does, for a job; ``effort.trials`` may be 0: memory alone."""
    with Processes([job], effort, warm=warm) as series:
        series.find_memory(0)
        for number in range(1, effort.trials + 1):
            series.find_time(0, number)
        return series.measurement(0)


def effort_of(trials: int, steady_s: float, timeout_s: float) -> Effort:
    """The requested effort.

    Raises:
        UsageError: a number is out of range.
    """
    if trials < 0 or steady_s < 0 or timeout_s <= 0:
        raise UsageError("trials= and steady_s= must not be negative, timeout_s= must be positive")
    return Effort(trials, steady_s, timeout_s=timeout_s)
