"""What to use under which promise: a verdict's contests as rows of text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.ranking import Ranking
from harness.analysis.verdict_limit import largest_text
from harness.analysis.wording import comparison
from harness.cases.rows import CaseRow
from harness.report.words.limits import needs_text
from harness.report.words.text import ratio_text, seconds_text
from harness.units import MISSING, format_multiple


@dataclass(frozen=True)
class Choice:
    """Which strategies to use under one promise."""

    group: str
    promise: str
    setting: str
    names: tuple[str, ...]  # more than one: none is clearly the fastest
    best: str  # "fastest" or "leanest", where that is clear
    steady: str
    against: str
    peak: str
    tree: str
    added: str  # what adding up RSS would make of it
    among: int
    leaner: str  # a strategy that needs much less memory, and how much; "" when there is none
    largest: str  # what survives under a limit, that by the budget, and what a byte of it takes
    share: str
    needs: str


def best_word(ranking: Ranking) -> str:
    """What the winner of a contest is called."""
    return {"time": "fastest", "memory": "leanest", "size": "largest"}[ranking.weighs]


def choices(found: Sequence[Ranking]) -> tuple[Choice, ...]:
    """A verdict's picks as rows: what to use, and when."""
    return tuple(_choice(ranking) for ranking in found)


def _choice(ranking: Ranking) -> Choice:
    best, leaner = ranking.leaders[0], ranking.leanest
    return Choice(
        group=ranking.group,
        promise=ranking.meaning,
        setting=ranking.setting,
        names=tuple(row.strategy for row in ranking.leaders),
        best=best_word(ranking) if ranking.winner is not None else "",
        steady=seconds_text(best.pace),
        against=_against(best),
        peak=format_multiple(best.peak_multiple),
        tree=format_multiple(best.tree_multiple),
        added=format_multiple(best.tree_rss_multiple),
        among=len(ranking.rows),
        leaner=f"{leaner.strategy}: {format_multiple(leaner.peak_multiple)}" if leaner else "",
        largest=largest_text(best),
        share=format_multiple(best.limit.share) if best.limit else MISSING,
        needs=needs_text(best.limit).removesuffix(" the data") if best.limit else MISSING,
    )


def _against(row: CaseRow) -> str:
    if row.baseline:
        return "the baseline"
    if math.isnan(row.ratio.median):
        return MISSING
    return comparison(row.ratio) or ratio_text(row.ratio)
