"""What the readings of one place say of a bound: the estimate, its interval, and how sure it is.

Times scatter by chance, and are judged by their spread over processes. Memory and what can be
counted are what they are: their interval is the range of the readings and what each may be off by.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.claims.cells import Place
from harness.analysis.claims.declared import Part
from harness.analysis.claims.metrics import METRICS, SHARE_ACCURACY, TIME_ACCURACY, Metric
from harness.cases.summary import CaseSummary
from harness.schema.values import number_of
from harness.stats.borrowed_spread import Usual, difference, mean_spread
from harness.stats.exact import apart_by_chance
from harness.stats.intervals import CONFIDENCE
from harness.stats.two_level import Spread

SCATTERING = ("time", "share")
RIGHT = "right"
Readings = Mapping[int, Sequence[float]]


@dataclass(frozen=True)
class Evidence:
    """One place, judged.

    Args:
        place: where.
        centre: the value, ratio or exponent; NaN where it is not known.
        low: the lower end of its interval.
        high: the upper one.
        p_true: were the claim false here, would chance look like this? 1 where nothing is known.
        p_false: the same, were it true.
        by_chance: how often readings whose labels mean nothing would be decisive here.
        counted: it does not scatter by chance.
        labelled: whether labels say anything of such readings; None if that is not known.
        lacks: why nothing is known; "" where something is.
    """

    place: Place
    centre: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p_true: float = 1.0
    p_false: float = 1.0
    by_chance: float = 1.0
    counted: bool = False
    labelled: bool | None = None
    lacks: str = ""

    def answer(self, level: float) -> bool | None:
        """Whether the claim is true here; None where that is open."""
        if self.p_true < level:
            return True
        return False if self.p_false < level else None


def evidence(part: Part, place: Place, usual: Usual, *, labelled: bool | None) -> Evidence:
    """Judge one place of a part.

    Args:
        part: of a claim.
        place: where.
        usual: how far this metric scatters in other cases of the scenario.
        labelled: whether labels were found to say anything of such readings; None if unknown.
    """
    metric = METRICS[part.metric]
    needed = [place.row, place.other] if part.compares or part.along else [place.row]
    readings = []
    for row in needed:
        values = metric.read(row) if row else []
        if row is None or not values:
            return Evidence(place, lacks=_why_nothing(metric, row))
        readings.append(values)
    if metric.kind in SCATTERING:
        return _scattering(part, metric, place, readings, usual, labelled)
    return _counted(part, metric, place, readings, labelled)


def _why_nothing(metric: Metric, row: CaseSummary | None) -> str:
    if row is None:
        return "not planned"
    if not row.ok:
        return f"{row.outcome}: {row.reason}" if row.reason else row.outcome
    return f"its {metric.name} is not known"


def _scattering(
    part: Part,
    metric: Metric,
    place: Place,
    readings: Sequence[Sequence[float]],
    usual: Usual,
    labelled: bool | None,
) -> Evidence:
    logs = metric.kind == "time"
    spreads = [
        mean_spread([math.log(one) for one in values] if logs else values, usual)
        for values in readings
    ]
    first, last = spreads[0], spreads[-1]
    if first is None or last is None:
        return Evidence(place, lacks="one process says nothing of the spread")
    found = difference(first, last) if len(spreads) > 1 else first
    slack = math.log1p(TIME_ACCURACY) if logs else SHARE_ACCURACY
    if part.along:
        steps = _log_step(part, place)
        found = Spread(found.centre / steps, found.error / steps, found.freedom)
        slack /= steps
    plain = part.along or not logs

    def unlogged(value: float) -> float:
        return value if plain else math.exp(min(value, 700))

    def bar(bound: float | None) -> float | None:
        return bound if plain or bound is None else math.log(bound) if bound > 0 else -math.inf

    low, high = bar(part.at_least), bar(part.at_most)
    counts = [len(values) for values in readings]
    return Evidence(
        place,
        unlogged(found.centre),
        unlogged(found.bound(-CONFIDENCE)),
        unlogged(found.bound(CONFIDENCE)),
        max(
            0.0 if low is None else found.p_above(low + slack),
            0.0 if high is None else found.p_below(high - slack),
        ),
        min(
            1.0 if low is None else found.p_below(low - slack),
            1.0 if high is None else found.p_above(high + slack),
        ),
        _exchanged(counts) if len(counts) > 1 else _alone(counts[0], labelled),
        labelled=labelled,
    )


def _log_step(part: Part, place: Place) -> float:
    assert place.row is not None
    assert place.other is not None
    high = number_of(place.row.planned.case.parameters[part.along])
    low = number_of(place.other.planned.case.parameters[part.along])
    return math.log(high / low)


def _counted(
    part: Part,
    metric: Metric,
    place: Place,
    readings: Sequence[Sequence[float]],
    labelled: bool | None,
) -> Evidence:
    ranges = []
    for row, values in zip((place.row, place.other), readings, strict=False):
        assert row is not None
        slack = metric.slack(row)
        ranges.append((min(values) - slack, max(values) + slack, sorted(values)[len(values) // 2]))
    low, high, centre = ranges[0]
    if part.compares:
        below, above, middle = ranges[1]
        low, high = _divided(low, high, below, above)
        centre = centre / middle if middle > 0 else math.nan
    if metric.name == RIGHT and not part.compares:
        return _of_right(part, place, readings[0], labelled)
    least = -math.inf if part.at_least is None else part.at_least
    most = math.inf if part.at_most is None else part.at_most
    return Evidence(
        place,
        centre,
        low,
        high,
        0.0 if least <= low and high <= most else 1.0,
        0.0 if high < least or low > most else 1.0,
        _alone(min(map(len, readings)), labelled, certain=metric.kind in ("flag", "limit")),
        counted=True,
        labelled=labelled,
    )


def _of_right(part: Part, place: Place, values: Sequence[float], labelled: bool | None) -> Evidence:
    """One trial that is wrong refutes "right in every trial"; one that is right proves little."""
    all_right = min(values) == 1
    wanted = part.at_least is not None
    return Evidence(
        place,
        sum(values) / len(values),
        min(values),
        max(values),
        0.0 if all_right == wanted else 1.0,
        0.0 if all_right != wanted else 1.0,
        _alone(len(values), labelled) if all_right else 0.0,
        counted=True,
        labelled=labelled,
    )


def _divided(low: float, high: float, below: float, above: float) -> tuple[float, float]:
    """The range of a ratio of two that are not negative; anything may lie over nothing."""
    low, below = max(0.0, low), max(0.0, below)
    return (
        low / above if above > 0 else 0.0,
        high / below if below > 0 else math.inf,
    )


def _exchanged(counts: Sequence[int]) -> float:
    """How often two groups would lie wholly apart if they could be exchanged."""
    return min(1.0, 2 * apart_by_chance(counts[0], counts[1]))


def _alone(count: int, labelled: bool | None, *, certain: bool = False) -> float:
    """The same of readings that are held against a bound.

    Where labels were found to say something of such readings, nothing. Else each reading might as
    well lie on the other side, unless it is one of those that a single look settles.
    """
    if labelled:
        return 0.0
    if labelled is None and certain:
        return 0.0
    return 1.0 if labelled is False else min(1.0, 2 * 0.5**count)
