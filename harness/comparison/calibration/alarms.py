"""How often runs of identical code would have been told apart, had they been compared."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from harness.comparison.calibration.drift import CaseRuns
from harness.stats.two_level import called, compare_times


@dataclass(frozen=True)
class Alarms:
    """Comparisons of runs of identical code, and those that called any case slower."""

    false: int
    comparisons: int


def false_alarms(cases: Sequence[CaseRuns], tolerance: float) -> Alarms:
    """Every run against every other, judged by what the remaining ones tell of drift."""
    if not cases:
        return Alarms(0, 0)
    pairs = list(itertools.permutations(range(len(cases[0].runs)), 2))
    false = sum(_alarms(cases, base, candidate, tolerance) for base, candidate in pairs)
    return Alarms(false, len(pairs))


def _alarms(cases: Sequence[CaseRuns], base: int, candidate: int, tolerance: float) -> bool:
    ratios = [
        compare_times(
            case.runs[base], case.runs[candidate], tolerance, case.drift((base, candidate))
        )
        for case in cases
    ]
    return any(called([ratio.p_slower for ratio in ratios if ratio is not None]))
