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
    doubt: float = 0.0  # the probability of such a change by chance, in its series alone
    sure: bool = True  # it stands among all series; otherwise it is shown, and not counted

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
        sure = any(change.sure for one in self._trusted for change in one.changes)
        return sure or bool(self.outcomes and self.outcomes.changed)

    @property
    def doubtful(self) -> bool:
        """It may have changed, and chance may have done that."""
        return not self.changed and any(one.changes for one in self._trusted)

    @property
    def drifted(self) -> bool:
        """In time alone, which is advisory."""
        quiet = not (self.changed or self.doubtful)
        return quiet and any(one.changes for one in self.series)

    @property
    def judged(self) -> bool:
        """Whether a change would have been found: of memory, a ratio, or how a cell ends."""
        cell = self.asks_outcome_alone and self.outcomes and len(self.outcomes.runs) > 1
        return self.changed or bool(cell) or any(not one.too_few for one in self._trusted)

    @property
    def asks_outcome_alone(self) -> bool:
        return any(
            self.key in run.cases and run.cases[self.key].asks_outcome_alone
            for run in self.machine.runs
        )

    @property
    def _trusted(self) -> list[Series]:
        return [one for one in self.series if not one.metric.advisory]


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
    def doubtful(self) -> list[CaseHistory]:
        return [case for case in self.cases if case.doubtful]

    @property
    def drifted(self) -> list[CaseHistory]:
        return [case for case in self.cases if case.drifted]

    @property
    def shown(self) -> list[CaseHistory]:
        """The cases in which anything was found, what can be trusted first."""
        return [*self.changed, *self.doubtful, *self.drifted]

    @property
    def judged(self) -> bool:
        """Whether a change that counts would have been found in any case."""
        return any(case.judged for case in self.cases)

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
    def doubtful_count(self) -> int:
        """Of cases that changed on no machine, but may have on one."""
        return len({case.key for case in self.doubtful} - {case.key for case in self.changed})

    @property
    def drifted_count(self) -> int:
        """Of cases that changed on no machine, save in time alone."""
        others = {case.key for case in (*self.changed, *self.doubtful)}
        return len({case.key for case in self.drifted} - others)
