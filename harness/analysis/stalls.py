"""How long a training step stands still for want of data, and from where on it does not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from harness.analysis.break_even import Shape, crossing
from harness.analysis.parameter_values import is_number, number_of, value_text
from harness.analysis.ranking import LEAST_COVERAGE, Ranking
from harness.analysis.sweep import Sweep
from harness.analysis.wording import percent, series, shortened
from harness.analysis.workers import WORKERS
from harness.cases.summary import CaseSummary
from harness.stats.intervals import Interval

HIDDEN = 0.05
"""Loading hides behind computing where the step stands still for less of an epoch."""
COMPUTE = "compute_ms"
SURE = 1e-3
"""Shares closer to none or all of an epoch than this are as good as that."""
MOST_TOLD = 3


def stall_sentences(
    sweep: Sweep, found: Sequence[Ranking], baseline: CaseSummary | None
) -> Iterator[str]:
    """What a scenario that trains on its batches says beside times."""
    yield _standing_still(found, baseline)
    yield _hidden(sweep)


def _standing_still(found: Sequence[Ranking], baseline: CaseSummary | None) -> str:
    """The stall of the baseline, and of the best of all where that is certainly less."""
    if baseline is None or baseline.training is None:
        return ""
    told = [f"{stall_text(baseline.training.stall)} of an epoch with `{baseline.strategy}`"]
    best = min(
        (row for ranking in found for row in ranking.rows if row.training),
        key=lambda row: row.training.stall.median if row.training else math.inf,
        default=baseline,
    )
    if best.training and stalls_less(best.training.stall, baseline.training.stall):
        told.append(f"{stall_text(best.training.stall)} with `{best.strategy}`")
    return f"training is stalled for {', for '.join(told)}"


def stall_text(stall: Interval) -> str:
    """``42% (40–44%)``."""
    low, high = percent(stall.low), percent(stall.high)
    if low == high or stall.coverage == 0:
        return percent(stall.median)
    return f"{percent(stall.median)} ({low.removesuffix('%')}–{high})"


def stalls_less(one: Interval, other: Interval) -> bool:
    """Whether a step certainly stands still for less of an epoch."""
    return min(one.coverage, other.coverage) >= LEAST_COVERAGE and one.high < other.low


@dataclass(frozen=True)
class Hiding:
    """From which computing time on loading hides behind it."""

    strategy: str
    workers: int
    shape: Shape  # gains: it does from some time on
    low: float = math.nan  # certainly does not
    high: float = math.nan  # certainly does
    value: float = math.nan  # between the two, where they are neighbours

    @property
    def name(self) -> str:
        if not self.workers:
            return f"`{self.strategy}`"
        return f"`{self.strategy}` ({self.workers} worker{'s' * (self.workers != 1)})"

    @property
    def where(self) -> str:
        """``about 3.1 ms``, or between which two it is."""
        if math.isnan(self.value):
            low, high = (value_text(COMPUTE, value) for value in (self.low, self.high))
            return f"somewhere between {low} and {high}"
        return f"about {value_text(COMPUTE, float(f'{self.value:.2g}'))}"


def hidings(sweep: Sweep) -> list[Hiding]:
    """Where loading begins to hide, for every strategy and number of workers."""
    alike: dict[tuple[str, int], list[CaseSummary]] = {}
    for row in computing(sweep):
        alike.setdefault((row.strategy, row.workers), []).append(row)
    return [
        _hiding(strategy, workers, rows)
        for (strategy, workers), rows in alike.items()
        if len(rows) > 1
    ]


def computing(sweep: Sweep) -> list[CaseSummary]:
    """The cases that differ from a main one in how long is computed, and in workers, alone."""
    if COMPUTE not in sweep.info.parameters:
        return []
    beside = sweep.info.parameters[COMPUTE].beside
    varied = sweep.varying(COMPUTE)
    size = sweep.reference_of(varied)

    def fits(row: CaseSummary) -> bool:
        usual = {**sweep.usual.get(row.strategy, {}), **beside}
        differs = {name for name, value in row.parameters.items() if usual.get(name) != value}
        return differs <= {COMPUTE, WORKERS}

    return [
        row
        for row in (*sweep.main, *sweep.others)
        if (row in varied or fits(row))
        and row.size_bytes == size
        and row.timed
        and row.training is not None
        and is_number(row.parameters.get(COMPUTE, ""))
    ]


def _hiding(strategy: str, workers: int, rows: Sequence[CaseSummary]) -> Hiding:
    """Where the odds of standing still pass those of ``HIDDEN``.

    A loader that works only while the step waits stalls for w / (w + c) of an epoch, whose odds
    are w / c: on logarithmic scales a straight line over the computing time.
    """
    series_ = sorted(
        ((number_of(row.parameters[COMPUTE]), row.training.stall) for row in rows if row.training),
        key=lambda pair: pair[0],
    )
    found = crossing(strategy, [(value, _odds(stall)) for value, stall in series_])
    # Next to no computing at all, no line is known.
    value = found.value if found.low > 0 else math.nan
    return Hiding(strategy, workers, found.shape, found.low, found.high, value)


def _odds(stall: Interval) -> Interval:
    """The odds of a share, held against those of ``HIDDEN``."""

    def odds(share: float) -> float:
        sure = min(max(share, SURE), 1 - SURE)
        return sure / (1 - sure) / (HIDDEN / (1 - HIDDEN))

    return replace(stall, median=odds(stall.median), low=odds(stall.low), high=odds(stall.high))


def _hidden(sweep: Sweep) -> str:
    """From which computing time on loading hides; "" where nothing is certain."""
    found = hidings(sweep)
    gaining = sorted((one for one in found if one.shape == "gains"), key=lambda one: one.high)
    always, never = ([one.name for one in found if one.shape == s] for s in ("always", "never"))
    parts = []
    if gaining:
        told = [f"from {one.where} on with {one.name}" for one in gaining[:MOST_TOLD]]
        told[0] = told[0].replace(" on with", " a batch on with", 1)
        later = len(gaining) - MOST_TOLD
        parts.append(f"{', '.join(told)} and {later} more later" if later > 0 else series(told))
    if always:
        parts.append(f"at every amount with {shortened(always)}")
    hides = f"behind computing (training is stalled for less than {percent(HIDDEN)} of an epoch)"
    if not never:
        return f"loading hides {hides} {'; '.join(parts)}" if parts else ""
    most = value_text(COMPUTE, max(_amounts(sweep)))
    but = f"within the {most} a batch measured with {shortened(never)}"
    if not parts:
        return f"loading does not hide {hides} {but}"
    return f"loading hides {hides} {'; '.join(parts)}; not {but}"


def _amounts(sweep: Sweep) -> list[float]:
    return [number_of(value) for value in sweep.values(COMPUTE) if is_number(value)]
