"""What each strategy of a run costs: its time against size, all other parameters fixed."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from harness.analysis.models.places import Place, places
from harness.cases.rounds import steady_s
from harness.cases.summary import CaseSummary
from harness.host.environment import Environment
from harness.schema.records import DEFAULT_HOST, Value
from harness.stats.cost_fit import CostFit, Point, fit_cost
from harness.stats.size_curve import SizeCurve, usual_misfit
from harness.stats.size_points import points_of
from harness.units import plural

LEAST_SIZES = 3
"""Two constants, and one size that could contradict them."""
LEAST_PROCESSES = 2
"""At most of its sizes: one process says nothing of how far another would lie off."""


@dataclass(frozen=True)
class TimeModel:
    """One strategy with fixed parameters, on one host.

    Args:
        cases: that were timed, ascending by size.
        curve: of their times; None where too little is known.
        unknown: why it is None; "" where it is not.
        places: known sizes at which a step may lie.
    """

    cases: tuple[CaseSummary, ...]
    curve: SizeCurve | None
    unknown: str
    places: tuple[Place, ...]

    @property
    def scenario(self) -> str:
        return self.cases[0].scenario

    @property
    def strategy(self) -> str:
        return self.cases[0].strategy

    @property
    def host(self) -> str:
        return self.cases[0].host

    @property
    def name(self) -> str:
        """As tables name it."""
        return self.cases[0].name

    @property
    def default_host(self) -> bool:
        return self.host == DEFAULT_HOST

    @property
    def parameters(self) -> dict[str, Value]:
        """All but the size."""
        return dict(self.cases[0].parameters)

    @property
    def sizes(self) -> tuple[int, ...]:
        """At which it was timed, ascending."""
        return tuple(case.size_bytes for case in self.cases if case.size_bytes)

    @property
    def processes(self) -> int:
        """At each size: the fewest."""
        return min(len(case.processes) for case in self.cases)


def time_models(rows: Sequence[CaseSummary], environment: Environment) -> list[TimeModel]:
    """A model of every strategy and setting of some cases that took sizes, in their order.

    How far sizes lie off their fits is known the better the more strategies say it: those of one
    scenario count for one another.
    """
    known = places(environment)
    series: dict[Hashable, list[CaseSummary]] = {}
    for row in rows:
        if row.ours and row.timed and row.size_bytes:
            series.setdefault(_series(row), []).append(row)
    fits: dict[Hashable, tuple[CostFit, list[Point]]] = {}
    for key, cases in series.items():
        cases.sort(key=lambda case: case.size_bytes or 0)
        if not _too_little(cases):
            points = points_of({case.size_bytes or 0: logs_of(case) for case in cases})
            fits[key] = fit_cost(points, _steps_may_be(points, known)), points
    found = []
    for key, cases in series.items():
        curve = None
        if key in fits:
            beside = [fits[one] for one in fits if series[one][0].scenario == cases[0].scenario]
            curve = SizeCurve(*fits[key], usual_misfit(beside))
        found.append(TimeModel(tuple(cases), curve, _too_little(cases), known))
    return found


def _series(row: CaseSummary) -> Hashable:
    """What the cases of one model have in common."""
    return row.scenario, row.strategy, row.host, row.point


def logs_of(case: CaseSummary) -> list[float]:
    """The logarithm of each process's time, in seconds."""
    times = [steady_s(trial) for trial in case.processes]
    return [math.log(time) for time in times if time > 0]


def _too_little(cases: Sequence[CaseSummary]) -> str:
    """Why nothing can be said of these; "" where something can."""
    if len(cases) < LEAST_SIZES:
        return f"{plural(len(cases), 'size')} timed, and a fit needs {LEAST_SIZES}"
    repeated = sum(len(logs_of(case)) >= LEAST_PROCESSES for case in cases)
    if repeated < LEAST_SIZES:
        return "one process at a size says nothing of how far another would lie off"
    return ""


def _steps_may_be(points: Sequence[Point], known: Sequence[Place]) -> list[int]:
    """The points beyond a known place that the points before are not beyond."""
    return [
        index
        for index in range(1, len(points))
        if any(points[index - 1].size < place.size <= points[index].size for place in known)
    ]
