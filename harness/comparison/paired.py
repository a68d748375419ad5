"""Is it slower? Judged by duets, in two stages.

In the first stage pairs are looked at again and again, and any case that looks slower is flagged,
however easily. That decides nothing: of many cases at many looks, some always look slower. What
counts is the second stage, in which flagged cases alone are measured anew, on new hosts. Its pairs
know nothing of those that raised the flag, so a suite's false alarms are bounded by its test
alone, corrected for the flagged cases and for the looks taken at them (Bonferroni).

A duet counts once, by the median of the log ratios of its neighbouring samples: samples of one
process share its luck.

The greatest luck is the allocator's: by how some hundred bytes happened to lie, the same code gives
its memory back after every call, and has it filled with zeros anew, or does not, and takes half the
time. Page faults tell. So a case is judged twice, by all pairs and by the even ones, whose halves
met with about as many faults, and the more certain of the two counts, at half the level (Bonferroni
again). What decides which pairs are even knows nothing of their times, so either test is exact.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.cases.rounds import steady_s
from harness.schema.records import Trial
from harness.stats.intervals import CONFIDENCE
from harness.stats.signed_rank import SignedRanks

PAIRS_A_BATCH = 5
"""On the same hosts."""
FLAGGED_FALSE_ALARM = 0.005
"""The probability with which a suite may call any case slower that is not."""
FLAGGED_AT = 0.1
"""A probability below which a case is looked at again."""
CLEARED_AT = 0.01
"""Both changes beyond the tolerance must be so improbable, at any look, for a case to be the same.

There are up to eight looks, so this is less than the probability with which a case that differs by
the tolerance is called the same. A constant level at each look is that of S. J. Pocock, Biometrika
64 (1977) 191; ``python -m harness.selfcheck.time_false_alarms`` counts what it comes to.
"""
FIRST_LOOK = 6
"""Pairs before anything is flagged or cleared."""
INTERIM_LOOKS = (15, 30, 60, 100)
"""Numbers of new pairs after which a flagged case may be called."""
FUTILE_AT = 0.5
"""From this probability on, more new pairs will not call it."""

FAULT_S = 1e-6
"""What a page fault takes at least; 2 to 5 µs were seen, with what a kernel does around it."""
EVEN_SHARE = 0.01
"""Of the time of a call, which faults that one half has more may take in an even pair."""

FirstWord = Literal["slower", "faster", "same", "open"]
LastWord = Literal["called", "not called", "open"]


@dataclass(frozen=True)
class Pair:
    """A duet, as far as it counts.

    Args:
        log_ratio: of the times, candidate to base.
        even: both halves met with about as many page faults.
    """

    log_ratio: float
    even: bool = True

    @classmethod
    def of(cls, base: Trial, candidate: Trial) -> Pair | None:
        """Of both halves, by the median over neighbouring samples; None where there are not two."""
        if base.timing is None or candidate.timing is None:
            return None
        both = zip(base.timing.samples_s, candidate.timing.samples_s, strict=False)
        logs = [math.log(late / early) for early, late in both if early > 0 and late > 0]
        return cls(statistics.median(logs), _even(base, candidate)) if len(logs) > 1 else None


def _even(base: Trial, candidate: Trial) -> bool:
    faults = [half.faults_steady for half in (base, candidate)]
    known = [one.minor for one in faults if one is not None]
    if len(known) < len(faults):
        return True
    allowed = EVEN_SHARE * min(steady_s(base), steady_s(candidate)) / FAULT_S
    return abs(known[0] - known[1]) <= allowed


@dataclass(frozen=True)
class Standing:
    """What a case's duets say, as logarithms of the ratio candidate to base.

    Centre, interval and what is ruled out are those of the even pairs, where there are any.
    """

    pairs: int
    even: int
    centre: float
    low: float
    high: float
    p_slower: float  # if it were slower by just the tolerance, would chance look like this?
    p_faster: float
    p_less: float  # if it were slower by just the tolerance, would it look as little so?
    p_more: float  # the same for faster

    @classmethod
    def of(cls, pairs: Sequence[Pair], tolerance: float) -> Standing:
        """Of at least one pair."""
        bar = math.log1p(tolerance)
        everything = SignedRanks.of([pair.log_ratio for pair in pairs])
        even = [pair.log_ratio for pair in pairs if pair.even]
        ranks = SignedRanks.of(even) if even else everything
        looks = [ranks] if len(even) in (0, len(pairs)) else [ranks, everything]
        low, high = ranks.interval(CONFIDENCE)
        return cls(
            pairs=len(pairs),
            even=len(even),
            centre=ranks.centre,
            low=low,
            high=high,
            p_slower=min(1.0, len(looks) * min(look.p_above(bar) for look in looks)),
            p_faster=min(1.0, len(looks) * min(look.p_below(-bar) for look in looks)),
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


def first_word(pairs: Sequence[Pair], tolerance: float) -> FirstWord:
    """What the first stage says after so many pairs."""
    if len(pairs) < FIRST_LOOK:
        return "open"
    standing = Standing.of(pairs, tolerance)
    for word in ("slower", "faster"):
        if standing.p(word) <= FLAGGED_AT:
            return word
    return "same" if standing.same else "open"


def last_word(
    pairs: Sequence[Pair], flag: FirstWord, tolerance: float, flagged: int
) -> tuple[LastWord, Standing | None]:
    """What the second stage says of a case that was flagged.

    Args:
        pairs: new ones, in their order.
        flag: what it was flagged for.
        tolerance: the share that is no difference.
        flagged: how many cases were.

    Returns:
        The word, and the standing at the look that gave it; None before the first look.
    """
    level = FLAGGED_FALSE_ALARM / len(INTERIM_LOOKS) / flagged
    standing = None
    for look in INTERIM_LOOKS:
        if len(pairs) < look:
            return "open", standing
        standing = Standing.of(pairs[:look], tolerance)
        if standing.p(flag) <= level:
            return "called", standing
        if standing.p(flag) >= FUTILE_AT:
            return "not called", standing
    return "not called", standing


@dataclass(frozen=True)
class Duets:
    """Every duet of a case."""

    first: tuple[Pair, ...]
    again: tuple[Pair, ...]
    base_s: float
    candidate_s: float

    @classmethod
    def of(cls, base: Iterable[Trial], candidate: Iterable[Trial]) -> Duets | None:
        """Match the halves by their round; None where there is no duet."""
        others = _halves(candidate)
        halves = [
            (mine, others[number], pair)
            for number, mine in sorted(_halves(base).items())
            if number in others and (pair := Pair.of(mine, others[number])) is not None
        ]
        if not halves:
            return None
        return cls(
            first=tuple(pair for mine, _, pair in halves if not mine.again),
            again=tuple(pair for mine, _, pair in halves if mine.again),
            base_s=statistics.median(steady_s(mine) for mine, _, _ in halves),
            candidate_s=statistics.median(steady_s(other) for _, other, _ in halves),
        )


def _halves(trials: Iterable[Trial]) -> Mapping[int, Trial]:
    return {t.round: t for t in trials if t.kind == "duet" and t.outcome.ok}
