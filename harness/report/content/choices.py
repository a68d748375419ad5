"""What to use for which purpose: a verdict's rankings, in the columns of page and summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.analysis.ranking import Ranking
from harness.analysis.sweep import Sweep
from harness.cases.summary import CaseSummary
from harness.report.content.columns import (
    ADDED,
    AGAINST,
    COPIES,
    FIRST,
    PACE,
    PEAK,
    PROCESSES,
    SAMPLES,
    STALL,
    TREE,
    Cell,
    Column,
)
from harness.report.content.limit_columns import BEYOND, LARGEST, PREDICTED, SHARE, TAKES
from harness.report.words.kinds import Kind, kind_of
from harness.stats.contest import Word
from harness.units import format_multiple


def _against(row: CaseSummary) -> Cell | None:
    return Cell("the baseline") if row.baseline else AGAINST.cell(row)


_BY_TIME = (
    PACE,
    replace(AGAINST, heading=lambda sweep: f"against `{sweep.info.baseline}`", cell=_against),
    PEAK,
)
_OF_CALLS = (PACE, AGAINST, FIRST, PEAK, COPIES)
CHOICE_COLUMNS: Mapping[Kind, tuple[Column, ...]] = {
    "time": _BY_TIME,
    "training": _BY_TIME,
    "transfers": _BY_TIME,
    "memory": (TREE, ADDED, PACE),
    "size": (LARGEST, SHARE, TAKES),
}
"""What the page shows of a strategy to use."""
SUMMARY_COLUMNS: Mapping[Kind, tuple[Column, ...]] = {
    "time": _OF_CALLS,
    "training": (PACE, AGAINST, STALL, SAMPLES, PEAK),
    "transfers": _OF_CALLS,
    "memory": (TREE, ADDED, PROCESSES, FIRST),
    "size": (LARGEST, SHARE, TAKES, PREDICTED, BEYOND),
}
"""What the summary shows of it; the first is what decides."""


@dataclass(frozen=True)
class Choice:
    """Which strategies to use for one purpose."""

    group: str
    promise: str
    setting: str
    names: tuple[str, ...]  # more than one: they are level, or it is undecided
    best: str  # "fastest" or "leanest", where that is clear
    word: Word  # how the contest ended
    among: int
    leaner: str  # a strategy that needs much less memory, and how much; "" when there is none
    texts: tuple[str, ...]  # of the best, one for each column


def best_word(ranking: Ranking) -> str:
    """What the winner of a ranking is called."""
    return {"time": "fastest", "memory": "leanest", "size": "largest"}[ranking.weighs]


def texts(columns: Sequence[Column], row: CaseSummary) -> tuple[str, ...]:
    """What stands in some columns of a case, each in one text."""
    return tuple(cell.whole for column in columns if (cell := column.cell(row)) is not None)


def choices(sweep: Sweep, found: Sequence[Ranking]) -> tuple[Choice, ...]:
    """A verdict's rankings as rows: what to use, and when."""
    return tuple(_choice(sweep, ranking) for ranking in found)


def _choice(sweep: Sweep, ranking: Ranking) -> Choice:
    leaner = ranking.leanest
    return Choice(
        group=ranking.group,
        promise=ranking.meaning,
        setting=ranking.setting,
        names=tuple(row.strategy for row in ranking.leaders),
        best=best_word(ranking) if ranking.winner is not None else "",
        word=ranking.word,
        among=len(ranking.rows),
        leaner=f"{leaner.strategy}: {format_multiple(leaner.peak_multiple)}" if leaner else "",
        texts=texts(CHOICE_COLUMNS[kind_of(sweep)], ranking.leaders[0]),
    )
