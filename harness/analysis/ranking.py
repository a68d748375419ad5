"""Who is best among strategies that make the same promise, and whether that is certain.

Best is the fastest, by :mod:`harness.stats.contest`: a contest has a winner, or some that are
level, or is undecided. Where a scenario weighs memory, which hardly varies, it is the one whose
process tree grows least; where it searches under a limit, the one that takes the largest data.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.sweep import Sweep, Weighs, setting
from harness.cases.rounds import steady_by_sitting
from harness.cases.summary import NEGLIGIBLE_BYTES, CaseSummary
from harness.stats.contest import LEAST_GAIN, Answer, Word, decide
from harness.stats.intervals import NOTHING, Interval

ACCURACY = 1 + LEAST_GAIN
"""Ratios closer to one than this are equal: the harness itself is no more accurate."""
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
    leaders: tuple[CaseSummary, ...]  # those that nobody has beaten, the best first
    weighs: Weighs = "time"
    answer: Answer | None = None  # of times; None of what is not weighed by them

    @property
    def word(self) -> Word:
        """How the contest ended."""
        if self.too_few:
            return "undecided"
        if self.answer is not None:
            return self.answer.word
        if any(row.limit and not (row.limit.closed or row.limit.beyond) for row in self.leaders):
            return "undecided"  # a search that gave up
        return "winner" if len(self.leaders) == 1 else "level"

    @property
    def margin(self) -> Interval:
        """The nearest rival's time in multiples of the winner's, with an interval of 95%.

        Without a winner, the slowest leader's in those of the fastest.
        """
        return self.answer.margin if self.answer is not None else NOTHING

    @property
    def nearest(self) -> CaseSummary | None:
        """The nearest rival of a winner; the slowest of several leaders."""
        if self.answer is None or self.answer.nearest is None:
            return None
        return self.rows[self.answer.nearest]

    @property
    def winner(self) -> CaseSummary | None:
        """The only leader; None when there are several, or too few processes to tell."""
        return self.leaders[0] if self.word == "winner" else None

    @property
    def too_few(self) -> bool:
        """Whether a contest was held in too few processes to know their spread."""
        if self.weighs != "time":
            return False  # memory hardly varies: one reading will do
        return len(self.rows) > 1 and self.leaders[0].steady.coverage < LEAST_COVERAGE

    @property
    def cheapest(self) -> CaseSummary | None:
        """The leader that needs least memory; None where that is unknown, or is no difference."""
        known = sorted(self.leaders, key=lambda row: row.extra_bytes)
        if len(known) < 2 or any(math.isnan(row.extra_bytes) for row in known):
            return None
        least, next_one = known[:2]
        slack = max(NEGLIGIBLE_BYTES, LEANER * least.payload_bytes)
        return least if least.extra_bytes + slack < next_one.extra_bytes else None

    @property
    def leanest(self) -> CaseSummary | None:
        """A contestant that peaks well below every leader; None when there is none."""
        known = [row for row in self.rows if row.extra_bytes >= 0]
        if not known or self.weighs != "time":
            return None
        if any(math.isnan(row.extra_bytes) for row in self.leaders):
            return None  # one of them may need less
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
    ordered = sorted(rows, key=sweep.weight)
    answer = None
    if sweep.weighs == "time":
        times = [steady_by_sitting(row.processes) for row in ordered]
        answer = decide(times, ordered[0].rule)
        leaders = [ordered[place] for place in answer.leaders]
    else:
        better = BETTER[sweep.weighs]
        leaders = [row for row in ordered if not any(better(other, row) for other in ordered)]
    # All searches that are compared have one limit, which the verdict names.
    place = "" if sweep.by_size else setting(ordered[0], sweep.info)
    meaning = sweep.info.meaning(group)
    return Ranking(group, meaning, place, tuple(ordered), tuple(leaders), sweep.weighs, answer)


def clearly_leaner(one: CaseSummary, other: CaseSummary) -> bool:
    """Whether the process tree of a case grows less than another's, by more than it may vary."""
    slack = max(LEANER_TREE_BYTES, LEANER * max(one.payload_bytes, other.payload_bytes))
    return one.tree_bytes + slack < other.tree_bytes


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
    "memory": clearly_leaner,
    "size": clearly_larger,
}
"""What has to lie between two cases for one to be the better, where that is not time."""
