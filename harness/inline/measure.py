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
    **kwargs: Any,
) -> Measurement:
    """Measure ``function(*args, **kwargs)`` in processes forked from this one.

    Each trial is a fresh copy of this process as it is now: it sees the same arguments, globals
    and imports, and nothing that it changes reaches this process, unless it lies in shared memory
    or in a file. What the function prints is not shown.

    Two trials find out memory. The first one calls the function once: its ledger is
    ``first_ledger``, its result what others are compared with. The second calls it once
    beforehand, so that its ``ledger`` holds neither imports nor tables that are built but once.
    In both, the allocator keeps nothing that is free, and there are no huge pages, which would
    round memory up. Times and page faults are of trials without such measures.
    Then ``trials`` more measure time: the first call in a process, and the steady state.
    Arguments that a call changes are restored before each further one. The first write to memory
    that this process made costs a page fault, of a first call alone.

    Args:
        function: anything that can be called: a closure, a lambda, a method, one of a notebook.
        *args: passed to it.
        **kwargs: passed to it; for one that bears the name of an option here, give a lambda.
        trials: processes that measure time; with 0, memory alone is measured.
        steady_s: how long each of them measures the steady state.
        timeout_s: after which a trial is given up.
        check: called with the result in each trial: raises, or returns something false, where it
            is wrong. Without it, results are compared with the first one: arrays and tensors by
            dtype, shape and value, but for rounding; numbers, text and containers of all these;
            other objects by type alone. False compares nothing, as for what is random.
        payload: bytes that count as one copy; else those of the arrays and tensors among the
            arguments or, without any, of those the function refers to.
        warm: call the function once before its memory is measured; otherwise the ledger is that
            of the first call, and the function is called but once where ``trials`` is 0.

    Returns:
        What was found out; a function that fails is no exception, but an ``outcome``.

    Raises:
        UsageError: the function cannot be measured like this.
        UnableError: this process cannot be forked: it uses an accelerator, or there is no fork.
    """
    job = Job(function, args, kwargs, check, payload)
    return measure_job(job, effort_of(trials, steady_s, timeout_s), warm=warm)


def measure_job(job: Job, effort: Effort, *, warm: bool = True) -> Measurement:
    """What :func:`measure` does, for a job; ``effort.trials`` may be 0: memory alone."""
    with Processes([job], effort, warm=warm) as series:
        series.find_memory(0)
        for number in range(1, effort.trials + 1):
            series.find_time(0, number)
        return series.measurement(0)


def effort_of(trials: int, steady_s: float, timeout_s: float) -> Effort:
    """The effort that was asked for.

    Raises:
        UsageError: it is none.
    """
    if trials < 0 or steady_s < 0 or timeout_s <= 0:
        raise UsageError("trials= and steady_s= must not be negative, timeout_s= must be positive")
    return Effort(trials, steady_s, timeout_s=timeout_s)
