"""Who is best among strategies that make the same promise, and whether that is certain.

Best is the fastest; where a scenario weighs memory, the one whose process tree grows least; where
it searches under a limit, the one that takes the largest data.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.sweep import Sweep, Weighs, setting
from harness.cases.summary import NEGLIGIBLE_BYTES, CaseSummary
from harness.stats.intervals import Interval

ACCURACY = 1.02
ACCURACY_S = 30e-9
"""Times closer than this are equal: the harness itself is no more accurate."""
FAR = 1.25
"""Ratios at least this far apart decide although the times themselves overlap."""
LEAST_COVERAGE = 0.75
"""Intervals less certain than those of three processes name no winner."""
LEANER = 0.05
"""Less extra memory than this, in multiples of the data, makes no difference."""
LEANER_TREE_BYTES = 4 * 1024**2
"""Nor does less than this in a process tree, where every process has some memory of its own."""

LARGER = 0.02
"""Largest sizes that differ by less than this share of the budget are equal: each search may be
off by half of it."""


@dataclass(frozen=True)
class Ranking:
    """One contest: strategies of equal group at one point of the grid."""

    group: str
    meaning: str  # when to choose among that group, as the beginning of a sentence
    setting: str  # the parameters of the contest that are not the defaults; "" when all are
    rows: tuple[CaseSummary, ...]  # all contestants, the best first
    leaders: tuple[CaseSummary, ...]  # those that cannot be told from the best
    weighs: Weighs = "time"

    @property
    def winner(self) -> CaseSummary | None:
        """The only leader; None when there are several, or too few processes to tell."""
        return self.leaders[0] if len(self.leaders) == 1 and not self.too_few else None

    @property
    def too_few(self) -> bool:
        """Whether a contest was held in too few processes to know their spread."""
        if self.weighs != "time":
            return False  # memory hardly varies: one reading will do
        return len(self.rows) > 1 and self.leaders[0].steady.coverage < LEAST_COVERAGE

    @property
    def leanest(self) -> CaseSummary | None:
        """A contestant that peaks well below every leader; None when there is none."""
        known = [row for row in self.rows if row.extra_bytes >= 0]
        if not known or self.weighs != "time":
            return None
        least = min(known, key=lambda row: row.extra_bytes)
        leading = min((row.extra_bytes for row in self.leaders), default=0.0)
        slack = max(NEGLIGIBLE_BYTES, LEANER * least.payload_bytes)
        return least if least.extra_bytes + slack < leading else None


def rankings(sweep: Sweep, rows: Sequence[CaseSummary]) -> tuple[Ranking, ...]:
    """Hold the contests among rows of one size, in the order of the scenario's groups.

    A strategy that stands alone at its point is left out where its group has a real contest. One
    that is kept as published is shown, but never recommended: it may be right only here. What has
    no baseline is not compared at all.
    """
    if not sweep.info.baseline:
        return ()
    contests: dict[tuple[str, object], list[CaseSummary]] = {}
    for row in rows:
        as_published = sweep.info.strategy(row.strategy).published and not row.baseline
        if sweep.compared(row) and not as_published:
            contests.setdefault((row.group, row.point), []).append(row)
    contested = {group for (group, _), found in contests.items() if len(found) > 1}
    order = list(dict.fromkeys(strategy.group for strategy in sweep.info.strategies))
    return tuple(
        _pick(group, found, sweep)
        for (group, _), found in sorted(contests.items(), key=lambda item: order.index(item[0][0]))
        if len(found) > 1 or group not in contested
    )


def _pick(group: str, rows: Sequence[CaseSummary], sweep: Sweep) -> Ranking:
    better = BETTER[sweep.weighs]
    ordered = sorted(rows, key=sweep.weight)
    leaders = [row for row in ordered if not any(better(other, row) for other in ordered)]
    # All searches that are compared have one limit, which the verdict names.
    place = "" if sweep.by_size else setting(ordered[0], sweep.info)
    return Ranking(
        group, sweep.info.meaning(group), place, tuple(ordered), tuple(leaders), sweep.weighs
    )


def clearly_leaner(one: CaseSummary, other: CaseSummary) -> bool:
    """Whether the process tree of a case grows less than another's, by more than it may vary."""
    slack = max(LEANER_TREE_BYTES, LEANER * max(one.payload_bytes, other.payload_bytes))
    return one.tree_bytes + slack < other.tree_bytes


def clearly_faster(one: CaseSummary, other: CaseSummary) -> bool:
    """Whether a case beats another by more than the harness's own error, with intervals apart.

    The intervals of the times and those of the ratios to the baseline's neighbouring process must
    both be apart: with three processes either one alone is so by chance in one contest of ten.
    On a machine whose speed drifts times overlap, and ratios that are far apart decide; where the
    baseline has no times, those of the strategies have to do.
    """
    gap = other.steady.median - one.steady.median
    if gap <= max(one.steady.median * (ACCURACY - 1), ACCURACY_S):
        return False
    times_apart = one.steady.high < other.steady.low
    if math.isnan(one.ratio.median) or math.isnan(other.ratio.median):
        return times_apart
    return one.ratio.high * (1 if times_apart else FAR) < other.ratio.low


def certainly_less(less: Interval, more: Interval, by: float = ACCURACY) -> bool:
    """Whether one time is certainly less than another, and by so much."""
    if min(less.coverage, more.coverage) < LEAST_COVERAGE:
        return False
    return less.high < more.low and less.median * by < more.median


def clearly_larger(one: CaseSummary, other: CaseSummary) -> bool:
    """Whether a case survives with more data than another, by more than two searches may miss."""
    if one.limit is None or other.limit is None:
        return False
    slack = LARGER * max(one.limit.budget_bytes, other.limit.budget_bytes)
    return one.limit.survived_bytes > other.limit.survived_bytes + slack and other.limit.closed


BETTER: Mapping[Weighs, Callable[[CaseSummary, CaseSummary], bool]] = {
    "time": clearly_faster,
    "memory": clearly_leaner,
    "size": clearly_larger,
}
"""What has to lie between two cases for one to be the better."""
