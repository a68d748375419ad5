"""Is it slower? Judged by duets, in two stages.

In the first stage pairs are looked at again and again, and any case that looks slower is flagged,
however easily. That decides nothing: of many cases at many looks, some always look slower. What
counts is the second stage, in which flagged cases alone are measured anew, on new hosts. Its pairs
know nothing of those that raised the flag, so a suite's false alarms are bounded by its test
alone, corrected for the flagged cases and for the looks taken at them (Bonferroni).

A duet counts once, by the median of the log ratios of its neighbouring samples: samples of one
process share its luck.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.case_outcome import steady_s
from harness.comparison.signed_rank import SignedRanks
from harness.model import Trial

FALSE_ALARM = 0.005
"""The probability with which a suite may call any case slower that is not."""
FLAGGED_AT = 0.02
"""A probability below which a case is looked at again."""
CLEARED_AT = 0.05
"""Both changes beyond the tolerance must be so improbable for a case to count as the same."""
FIRST_LOOK = 6
"""Pairs before anything is flagged or cleared."""
LOOKS = (15, 30, 60)
"""Numbers of new pairs after which a flagged case may be called."""
FUTILE_AT = 0.5
"""From this probability on, more new pairs will not call it."""
CONFIDENCE = 0.95

FirstWord = Literal["slower", "faster", "same", "open"]
LastWord = Literal["called", "not called", "open"]


@dataclass(frozen=True)
class Standing:
    """What a case's duets say, as logarithms of the ratio candidate to base."""

    pairs: int
    centre: float
    low: float
    high: float
    p_slower: float  # if it were slower by just the tolerance, would chance look like this?
    p_faster: float
    p_less: float  # if it were slower by just the tolerance, would it look as little so?
    p_more: float  # the same for faster

    @classmethod
    def of(cls, logs: Sequence[float], tolerance: float) -> Standing:
        ranks, bar = SignedRanks.of(logs), math.log1p(tolerance)
        low, high = ranks.interval(CONFIDENCE)
        return cls(
            pairs=len(logs),
            centre=ranks.centre,
            low=low,
            high=high,
            p_slower=ranks.p_above(bar),
            p_faster=ranks.p_below(-bar),
            p_less=ranks.p_below(bar),
            p_more=ranks.p_above(-bar),
        )

    def p(self, word: FirstWord) -> float:
        """Of the change that a case was flagged for."""
        return self.p_slower if word == "slower" else self.p_faster

    @property
    def same(self) -> bool:
        """Whether a change beyond the tolerance is ruled out."""
        return max(self.p_less, self.p_more) <= CLEARED_AT


def log_ratio(base: Trial, candidate: Trial) -> float:
    """Of a duet: the median over its neighbouring samples; NaN where there are not two."""
    if base.timing is None or candidate.timing is None:
        return math.nan
    both = zip(base.timing.samples_s, candidate.timing.samples_s, strict=False)
    logs = [math.log(late / early) for early, late in both if early > 0 and late > 0]
    return statistics.median(logs) if len(logs) > 1 else math.nan


def first_word(logs: Sequence[float], tolerance: float) -> FirstWord:
    """What the first stage says after so many pairs."""
    if len(logs) < FIRST_LOOK:
        return "open"
    standing = Standing.of(logs, tolerance)
    for word in ("slower", "faster"):
        if standing.p(word) <= FLAGGED_AT:
            return word
    return "same" if standing.same else "open"


def last_word(
    logs: Sequence[float], flag: FirstWord, tolerance: float, flagged: int
) -> tuple[LastWord, Standing | None]:
    """What the second stage says of a case that was flagged.

    Args:
        logs: of its new pairs, in their order.
        flag: what it was flagged for.
        tolerance: the share that is no difference.
        flagged: how many cases were.

    Returns:
        The word, and the standing at the look that gave it; None before the first look.
    """
    level = FALSE_ALARM / len(LOOKS) / flagged
    standing = None
    for look in LOOKS:
        if len(logs) < look:
            return "open", standing
        standing = Standing.of(logs[:look], tolerance)
        if standing.p(flag) <= level:
            return "called", standing
        if standing.p(flag) >= FUTILE_AT:
            return "not called", standing
    return "not called", standing


@dataclass(frozen=True)
class Duets:
    """Every duet of a case."""

    first: tuple[float, ...]
    again: tuple[float, ...]
    base_s: float
    candidate_s: float

    @classmethod
    def of(cls, base: Iterable[Trial], candidate: Iterable[Trial]) -> Duets | None:
        """Match the halves by their round; None where there is no duet."""
        others = _halves(candidate)
        halves = [
            (mine, others[number])
            for number, mine in sorted(_halves(base).items())
            if number in others and not math.isnan(log_ratio(mine, others[number]))
        ]
        if not halves:
            return None
        return cls(
            first=tuple(log_ratio(*pair) for pair in halves if not pair[0].again),
            again=tuple(log_ratio(*pair) for pair in halves if pair[0].again),
            base_s=statistics.median(steady_s(mine) for mine, _ in halves),
            candidate_s=statistics.median(steady_s(other) for _, other in halves),
        )


def _halves(trials: Iterable[Trial]) -> Mapping[int, Trial]:
    return {t.round: t for t in trials if t.kind == "duet" and t.outcome.ok}
