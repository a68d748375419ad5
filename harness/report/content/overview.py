"""The picture of the whole run as figures that go into files: time, and extra memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.analysis.opportunities import Opportunity
from harness.cases.summary import CaseSummary
from harness.charts.axes import linear_axis, log_axis_of
from harness.charts.chart import Axis, Dot, DotFigure, DotRow, Tip
from harness.charts.palette import STYLES

OVERVIEW = "overview"
"""What stands in place of a scenario's name."""
LOOKS = {"": STYLES[0]}
LEAST = 2
"""Of a single question there is nothing to look over."""


@dataclass(frozen=True)
class Question:
    """A scenario, its usual way, and what to use."""

    name: str
    baseline: CaseSummary
    use: Opportunity | None
    multiple: Callable[[CaseSummary], float]  # of memory

    @property
    def tip(self) -> Tip:
        """What is compared: strategies, or the variables that the usual one is to have."""
        usual = self.baseline.strategy
        use = (self.use.variables or self.use.best.strategy) if self.use else usual
        return (("what to use", use), ("the usual way", usual))

    @property
    def ratio(self) -> tuple[float, float, float]:
        """Of what to use to the usual way, with the ends of its interval."""
        if self.use is None:
            return 1.0, 1.0, 1.0
        found = self.use.best.ratio
        return found.median, found.low, found.high

    @property
    def memory(self) -> tuple[float, float]:
        """Of the usual way, and of what to use."""
        best = self.use.best if self.use else self.baseline
        return self.multiple(self.baseline), self.multiple(best)


def overview(questions: Sequence[Question]) -> tuple[DotFigure, ...]:
    """Both figures, as far as two questions have something to show in them."""
    times = [one for one in questions if one.ratio[0] > 0]
    memory = [one for one in questions if not any(map(math.isnan, one.memory))]
    found = []
    if len(times) >= LEAST:
        axis = log_axis_of(
            "time ÷ that of the usual way",
            "multiple",
            [value for one in times for value in (1.0, *one.ratio)],
        )
        rows = [(one, 1.0, *one.ratio) for one in times]
        found.append(_figure("time", "Time, from the usual way to what to use", axis, rows))
    if len(memory) >= LEAST:
        most = max(max(one.memory) for one in memory)
        axis = linear_axis("extra memory ÷ data", "multiple", most * 1.02)
        rows = [(one, usual, best, best, best) for one in memory for usual, best in (one.memory,)]
        title = "Extra memory, from the usual way to what to use"
        found.append(_figure("memory", title, axis, rows))
    return tuple(found)


def _figure(
    key: str,
    title: str,
    axis: Axis,
    rows: Sequence[tuple[Question, float, float, float, float]],
) -> DotFigure:
    return DotFigure(
        scenario=OVERVIEW,
        key=key,
        title=title,
        subtitle="Each question at the size that its verdict is given for; left is better. Where "
        "there is but one mark, nothing was measured to be certainly better.",
        x=axis,
        rows=tuple(
            DotRow(
                one.name,
                "",
                "best",
                (
                    Dot(0, "main", value, low, high, one.tip),
                    Dot(0, "second", usual, usual, usual, one.tip),
                ),
            )
            for one, usual, value, low, high in rows
        ),
        sizes=(0,),
        size_bytes=0,
        roles=(("main", "what to use"), ("second", "the usual way")),
        joined=True,
    )
