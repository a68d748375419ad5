"""Page faults of a call in the steady state, each call by itself.

An allocator now and then grows its heap or gives some of it back, which costs one call thousands of
faults. The median call tells whether memory is mapped anew for every call, and a mean does not.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable

from harness.schema.records import Faults

MOST_CALLS, LEAST_CALLS = 15, 5
PATIENCE = 10  # times the budget, after which fewer calls have to do


def median_faults(call: Callable[[], object], budget_s: float) -> tuple[Faults, int]:
    """Minor and major faults of the median call, and how many calls were made.

    Args:
        call: what is called, warmed up.
        budget_s: after which no more calls are made than are needed.
    """
    minor: list[int] = []
    major: list[int] = []
    began = time.monotonic()
    while len(minor) < MOST_CALLS:
        patience_s = budget_s * (1 if len(minor) >= LEAST_CALLS else PATIENCE)
        if minor and time.monotonic() - began > patience_s:
            break
        before = resource.getrusage(resource.RUSAGE_SELF)
        call()
        after = resource.getrusage(resource.RUSAGE_SELF)
        minor.append(after.ru_minflt - before.ru_minflt)
        major.append(after.ru_majflt - before.ru_majflt)
    median = Faults(float(statistics.median(minor)), float(statistics.median(major)))
    return median, len(minor)
