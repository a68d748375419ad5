"""The smallest slowdown that a comparison of two runs would find."""

from __future__ import annotations

import math

from harness.comparison.calibration.drift import CaseRuns
from harness.stats.two_level import FALSE_ALARM, Spread, with_drift

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

    within = Spread(0.0, case.scatter * math.sqrt(2 / processes), 2 * (processes - 1))
    spread = with_drift(within, case.drift())
    beyond = sum(stdtrit(spread.freedom, share) for share in (1 - FALSE_ALARM / cases, POWER))
    return math.expm1(math.log1p(tolerance) + float(beyond) * spread.error)
