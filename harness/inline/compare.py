"""``harness.compare``: several ways to do one thing, in turns and from the same state."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from harness.cases.rounds import paired_ratio
from harness.errors import UsageError
from harness.inline.call import Check, Job
from harness.inline.comparison import Comparison
from harness.inline.measure import effort_of
from harness.inline.processes import Processes


def compare(
    ways: Mapping[str, Callable[..., Any]],
    *args: Any,
    baseline: str = "",
    trials: int = 5,
    steady_s: float = 0.1,
    timeout_s: float = 60.0,
    check: Check = None,
    payload: int | None = None,
    warm: bool = True,
    allow_shared: bool = False,
    **kwargs: Any,
) -> Comparison:
    """Measure several functions on the same arguments, as :func:`harness.measure` does each.

    Time is measured in rounds: in each, every way has a process of its own, in random order.
    Ratios pair the processes of a round, so that a machine that slows down cancels out.

    Args:
        ways: functions by name.
        *args: passed to each.
        baseline: the way that the others are compared with; by default the first.
        trials: rounds. It takes six for an interval that holds the true ratio with 95%.
        steady_s: how long each process measures the steady state.
        timeout_s: how long a trial may take.
        check: of each result, as in :func:`harness.measure`; without it, all ways must return
            the same as the baseline, up to rounding. An array and a tensor may be equal.
        payload: bytes that count as one copy.
        warm: call each function once before its memory is measured.
        allow_shared: measure them even if they could write to memory shared with other processes.
        **kwargs: passed to each.

    Raises:
        UsageError: there is nothing to compare, or no such baseline.
        UnableError: this process cannot be forked.
    """
    if not ways:
        raise UsageError("compare needs functions: {'a name': function, …}")
    baseline = baseline or next(iter(ways))
    if baseline not in ways:
        raise UsageError(f"baseline {baseline!r} is not one of {', '.join(ways)}")
    effort = effort_of(trials, steady_s, timeout_s)
    names = [baseline, *(name for name in ways if name != baseline)]
    jobs = [
        Job(ways[name], args, kwargs, check, payload, name, allow_shared=allow_shared)
        for name in names
    ]
    with Processes(jobs, effort, warm=warm) as series:
        for index in range(len(jobs)):
            series.find_memory(index)
        for number in range(1, trials + 1):
            order = list(range(len(jobs)))
            random.Random(number).shuffle(order)
            for index in order:
                series.find_time(index, number)
        found = {name: series.measurement(index) for index, name in enumerate(names)}
    timed = {name: one.trials if one.ok else () for name, one in found.items()}
    return Comparison(
        baseline=baseline,
        measurements={name: found[name] for name in ways},
        ratios={name: paired_ratio(timed[name], timed[baseline]) for name in ways},
    )
