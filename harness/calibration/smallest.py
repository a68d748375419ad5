"""The smallest slowdown that a comparison of two runs would find."""

from __future__ import annotations

import math

from harness.calibration.drift import CaseRuns
from harness.comparison.times import FALSE_ALARM

POWER = 0.9
"""The share of comparisons in which it is found."""


def smallest_found(case: CaseRuns, cases: int, processes: int, tolerance: float) -> float:
    """As a share: 0.1 for a tenth.

    A case is called slower when its ratio is beyond the tolerance by so many standard errors; to
    be so in most comparisons, it has to lie a little further beyond.

    Args:
        case: in every run of a calibration.
        cases: that are compared at once, and corrected for.
        processes: of either run.
        tolerance: the share that is no difference.
    """
    from scipy.special import stdtrit

    drift = case.drift()
    within, between = 2 * case.scatter**2 / processes, 2 * drift.deviation**2
    error = math.sqrt(within + between)
    parts = within**2 / (2 * (processes - 1)) + between**2 / (drift.runs - 1)
    freedom = (within + between) ** 2 / parts if parts else math.inf
    if not math.isfinite(freedom):
        freedom = 1e6
    beyond = stdtrit(freedom, 1 - FALSE_ALARM / cases) + stdtrit(freedom, POWER)
    return math.expm1(math.log1p(tolerance) + float(beyond) * error)
