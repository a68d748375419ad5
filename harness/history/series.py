"""What a history is made of: series of one metric of one case, and where they changed."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field
from functools import cached_property

from harness.comparison.amounts import Scale
from harness.comparison.tolerance import Tolerance
from harness.history.machines import Machine
from harness.history.metrics import Metric, MetricName
from harness.history.outcomes import Outcomes


@dataclass(frozen=True)
class ChangePoint:
    """Where a series took another level, for at least as many runs as a segment must have."""

    at: int  # the first point of the new level
    before: float  # the median of the old level's runs
    after: float
    causes: tuple[str, ...]  # what else changed in that run

    @property
    def ratio(self) -> float:
        """NaN where there was nothing before."""
        return self.after / self.before if self.before else math.nan

    @property
    def worse(self) -> bool:
        return self.after > self.before


@dataclass(frozen=True)
class Series:
    """One metric of one case on one machine, over the runs that have it."""

    metric: Metric
    runs: tuple[int, ...]  # indices into the machine's runs
    readings: tuple[tuple[float, ...], ...]  # of each run's processes
    scale: Scale = field(default_factory=Scale)
    too_few: int = 0  # runs that would be needed to find a change; 0 where there are enough
    changes: tuple[ChangePoint, ...] = ()

    @cached_property
    def values(self) -> tuple[float, ...]:
        """Each run's, the median of its processes."""
        return tuple(statistics.median(one) for one in self.readings)


@dataclass(frozen=True)
class CaseHistory:
    """A case on one machine."""

    key: str
    machine: Machine
    series: tuple[Series, ...]
    outcomes: Outcomes | None

    @property
    def changed(self) -> bool:
        """In anything that can be trusted over runs."""
        told = any(one.changes and not one.metric.advisory for one in self.series)
        return told or bool(self.outcomes and self.outcomes.changed)

    @property
    def drifted(self) -> bool:
        """In time alone, which is advisory."""
        return not self.changed and any(one.changes for one in self.series)


@dataclass(frozen=True)
class History:
    """Everything that was found."""

    machines: tuple[Machine, ...]
    cases: tuple[CaseHistory, ...]
    tolerance: Tolerance
    metrics: tuple[MetricName, ...]
    remarks: tuple[str, ...] = ()

    @property
    def changed(self) -> list[CaseHistory]:
        return [case for case in self.cases if case.changed]

    @property
    def drifted(self) -> list[CaseHistory]:
        return [case for case in self.cases if case.drifted]

    @property
    def run_count(self) -> int:
        return sum(len(machine.runs) for machine in self.machines)

    @property
    def case_count(self) -> int:
        """Of different cases: one that was run on two machines counts once."""
        return len({case.key for case in self.cases})

    @property
    def changed_count(self) -> int:
        return len({case.key for case in self.changed})

    @property
    def drifted_count(self) -> int:
        """Of cases that changed on no machine, save in time alone."""
        return len({case.key for case in self.drifted} - {case.key for case in self.changed})
