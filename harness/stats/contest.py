"""Which of several ways is the fastest: a winner, some that are level, or undecided.

Ways are compared in pairs, by the logarithms of the ratios of their times in the same rounds, which
share their layout of memory and their moment of the machine. A *winner* has beaten every other.
*Level* are those that nobody has beaten if none of them takes more than :data:`MARGIN` longer than
another. All else is *undecided*.

To be beaten takes two tests, since each is wrong where the other is not:

- of the centre of the ratios, by a t whose scatter is drawn towards a usual one, as if that were
  known by some rounds more: few rounds that happen to agree prove little (Smyth, Statistical
  Applications in Genetics and Molecular Biology 3 (2004) 3). A fifth of the ratios at either end
  counts no further than its neighbours (Yuen, Biometrika 61 (1974) 165), and what a round has of
  the one before widens the error;
- of how many ratios are how large. Of two equal ways, one process in 11 may be twice as slow as the
  other for reasons of its own, one in 64 four times (:func:`by_luck`), and two or three that agree
  prove nothing at all.

The second alone will do if it is a thousand times as sure, with rounds that take after each other
counted as fewer: on a busy machine ratios may lie anywhere between three and thirty, of which a t
makes little.

So in a sweep of many contests a factor of 4.2 decides after three rounds, 2.1 after five, 1.3 after
ten, and a twentieth after 16. Two are level if both of two one-sided tests of the centre reject a
difference of the margin (Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15 (1987)
657).

``python -m harness.selfcheck.contest_errors`` counts how often this is wrong.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any, Literal

from harness.stats.intervals import CONFIDENCE, NOTHING, Interval
from harness.stats.two_level import Spread

FALSE_WINNER = 0.01
"""The probability with which any contest of a run may name a winner that is not the fastest."""
FALSE_LEVEL = 0.01
"""The probability with which one contest may name two level that differ by more than the margin."""
MARGIN = 0.05
"""The share of time within which ways are level."""
LEAST_GAIN = 0.02
"""A smaller gain makes no winner: the harness itself is no more accurate."""
ACCURACY_S = 30e-9
"""Nor does a gain of less time than this; and ways that differ by less are level."""
USUAL_SCATTER, USUAL_ROUNDS = 0.03, 4
"""How far the ratios of a pair scatter from round to round, known as by so many rounds."""
SURELY = 1e-3
"""The share of its level at which luck that is ruled out needs no other test."""
POOLED_AT = 0.1
"""The probability with which the pairs of a contest may scatter more than is believed of them."""
TRIMMED = 0.2
MOST_CARRIED = 0.8
"""The share of a round's luck that the next one may keep."""
MOST_ROUNDS = 400
"""Nobody is asked for more."""

Word = Literal["winner", "level", "undecided"]
Times = Mapping[Any, float]
"""Seconds by round, in the order of the rounds."""


@dataclass(frozen=True)
class ContestRule:
    """How sure a run has to be, by what may go wrong in it (Bonferroni).

    Args:
        contests: of the run, none of which may err.
        looks: at which each may end.
        margin: the share of time within which ways are level.
    """

    contests: int = 1
    looks: int = 1
    margin: float = MARGIN

    def winner_at(self, rivals: int) -> float:
        """The probability below which one of so many rivals is beaten."""
        return FALSE_WINNER / (self.contests * self.looks * max(1, rivals))

    @property
    def level_at(self) -> float:
        """The probability below which a pair is level."""
        return FALSE_LEVEL / self.looks


ALONE = ContestRule()
"""Of a run that holds one contest, and looks at it once."""


@dataclass(frozen=True)
class Scatter:
    """Logarithms of ratios from round to round.

    Args:
        ordered: ascending.
        centre: their mean, without the ends.
        squares: the sum of squared distances from it, the ends being brought in.
        repeated: by how much their mean varies more, since a round takes after the one before.
        kept: how many are left without the ends.
        count: how many there are, or should be.
    """

    ordered: tuple[float, ...]
    centre: float
    squares: float
    repeated: float
    kept: int
    count: int

    @classmethod
    def of(cls, logs: Sequence[float]) -> Scatter:
        """Of at least one, in the order of the rounds."""
        ordered = tuple(sorted(logs))
        cut = int(TRIMMED * len(ordered))
        kept = ordered[cut : len(ordered) - cut]
        brought_in = [min(max(value, kept[0]), kept[-1]) for value in logs]
        middle = math.fsum(brought_in) / len(brought_in)
        apart = [value - middle for value in brought_in]
        squares, repeated = math.fsum(value**2 for value in apart), _repeated(apart)
        return cls(
            ordered=ordered,
            centre=math.fsum(kept) / len(kept),
            squares=squares * repeated,
            repeated=repeated,
            kept=len(kept),
            count=len(ordered),
        )

    def spread(self, usual: float) -> Spread:
        """The centre, with an error that is drawn towards that of a usual scatter."""
        freedom = USUAL_ROUNDS + self.kept - 1
        variance = (USUAL_ROUNDS * usual**2 + self.squares) / freedom
        return Spread(self.centre, math.sqrt(variance / self.kept), freedom)

    @cached_property
    def luck(self) -> float:
        """The probability with which so many ratios of equal ways would be so large.

        For every ratio above one: that as many would be at least so large.
        """
        from scipy.special import bdtrc

        share = self.count / len(self.ordered)
        lucks = (
            bdtrc(math.floor(share * (len(self.ordered) - below)) - 1, self.count, by_luck(value))
            for below, value in enumerate(self.ordered)
            if value > 0
        )
        return float(min(lucks, default=1.0))

    def with_rounds(self, count: int) -> Scatter:
        """What so many rounds should give that are like these."""
        kept = count - 2 * int(TRIMMED * count)
        squares = self.squares / max(1, self.kept - 1) * (kept - 1)
        return replace(self, squares=squares, kept=kept, count=count)


def by_luck(log_ratio: float) -> float:
    """The probability with which one of two equal ways takes so many times as long, at most.

    Args:
        log_ratio: greater than zero.
    """
    return 0.5 * math.exp(-2.5 * log_ratio)


def _repeated(apart: Sequence[float]) -> float:
    """By how much the mean varies more, since a round takes after the one before; 1 at least.

    Args:
        apart: distances from the mean, in the order of the rounds.
    """
    squares = math.fsum(value**2 for value in apart)
    if not squares:
        return 1.0
    products = math.fsum(one * other for one, other in itertools.pairwise(apart))
    carried = products / squares + 1 / len(apart)  # of independent ones it is less than zero
    carried = min(MOST_CARRIED, max(0.0, carried))
    return (1 + carried) / (1 - carried)


@dataclass(frozen=True)
class Answer:
    """What a contest says, of ways that are told by their places.

    Args:
        word: how it ended.
        leaders: those that are not beaten, the fastest first.
        nearest: of a winner, its nearest rival; else the slowest leader; None of one way alone.
        margin: the time of that one in multiples of the first leader's.
        needed: rounds in all after which it should have ended, if those to come are like these;
            None where that is not foreseeable, and 0 where it has.
    """

    word: Word
    leaders: tuple[int, ...]
    nearest: int | None = None
    margin: Interval = NOTHING
    needed: int | None = 0


class Standings:
    """The pairs of a contest.

    Args:
        times: of each way, at least one.
        rule: how sure to be.
    """

    def __init__(self, times: Sequence[Times], rule: ContestRule) -> None:
        self._times, self._rule = times, rule
        self._medians = [statistics.median(own.values()) for own in times]
        self._order = sorted(range(len(times)), key=lambda way: self._medians[way])
        self._scatters: dict[tuple[int, int], Scatter | None] = {}
        self._usual = self._usual_scatter()

    def scatter(self, one: int, other: int) -> Scatter | None:
        """Of the other's times in multiples of the one's; None without a round in common."""
        if (one, other) not in self._scatters:
            own, theirs = self._times[one], self._times[other]
            logs = [math.log(theirs[key] / own[key]) for key in own if key in theirs]
            self._scatters[one, other] = Scatter.of(logs) if logs else None
        return self._scatters[one, other]

    def _usual_scatter(self) -> float:
        """What is known beforehand, or what the pairs of the contest may have."""
        best = self._order[0]
        pairs = [one for way in self._order[1:] if (one := self.scatter(best, way)) is not None]
        freedom = sum(one.kept - 1 for one in pairs)
        if not freedom:
            return USUAL_SCATTER
        squares = math.fsum(one.squares for one in pairs)
        return max(USUAL_SCATTER, math.sqrt(squares / _least_squares(freedom)))

    def beats(self, one: int, other: int, scatter: Scatter | None = None) -> bool:
        """Whether one is faster than another, by more than measuring leaves open."""
        found = scatter or self.scatter(one, other)
        if found is None or found.centre <= self._bar(one, other, LEAST_GAIN):
            return False
        level = self._rule.winner_at(len(self._times) - 1)
        if found.luck > level:
            return False
        if found.luck ** (1 / found.repeated) <= SURELY * level:
            return True
        return found.spread(self._usual).p_above(0.0) <= level

    def level(self, one: int, other: int, scatter: Scatter | None = None) -> bool:
        """Whether either takes at most the margin longer than the other."""
        found = scatter or self.scatter(one, other)
        if found is None:
            return False
        bar, spread = self._bar(one, other, self._rule.margin), found.spread(self._usual)
        return max(spread.p_below(bar), spread.p_above(-bar)) <= self._rule.level_at

    def _bar(self, one: int, other: int, share: float) -> float:
        """A share of time, or what the clock may be off by where that is more."""
        least_s = min(self._medians[one], self._medians[other])
        return math.log1p(max(share, ACCURACY_S / least_s))

    def answer(self) -> Answer:
        """How the contest stands."""
        leaders = [
            way
            for way in self._order
            if not any(self.beats(other, way) for other in self._order if other != way)
        ] or self._order  # in a circle, of ways that have different rounds in common
        best = leaders[0]
        if len(leaders) == 1:
            rivals = [way for way in self._order if way != best]
            nearest = min(rivals, key=lambda way: self._centre(best, way), default=None)
            return Answer("winner", (best,), nearest, self._margin(best, nearest))
        last = max(leaders[1:], key=lambda way: self._centre(best, way))
        margin = self._margin(best, last)
        if all(self.level(*pair) for pair in itertools.combinations(leaders, 2)):
            return Answer("level", tuple(leaders), last, margin)
        return Answer("undecided", tuple(leaders), last, margin, self._needed(leaders))

    def _centre(self, one: int, other: int) -> float:
        found = self.scatter(one, other)
        return math.inf if found is None else found.centre

    def _margin(self, one: int, other: int | None) -> Interval:
        found = None if other is None else self.scatter(one, other)
        if found is None:
            return NOTHING
        spread = found.spread(self._usual)
        low, high = (math.exp(spread.bound(end)) for end in (-CONFIDENCE, CONFIDENCE))
        return Interval(math.exp(found.centre), low, high, CONFIDENCE, found.count)

    def _needed(self, leaders: Sequence[int]) -> int | None:
        """Rounds after which each leader should be beaten by the best, or level with it."""
        best, needed = leaders[0], 0
        for way in leaders[1:]:
            found = self.scatter(best, way)
            if found is None:
                return None
            count = max(needed, found.count + 1)
            while not self._ends(best, way, found.with_rounds(count)):
                count += max(1, count // 10)
                if count > MOST_ROUNDS:
                    return None
            needed = count
        return needed

    def _ends(self, one: int, other: int, scatter: Scatter) -> bool:
        return self.beats(one, other, scatter) or self.level(one, other, scatter)


def decide(times: Sequence[Times], rule: ContestRule) -> Answer:
    """Hold a contest among ways, of each of which at least one time is known."""
    return Standings(times, rule).answer()


@cache
def _least_squares(freedom: int) -> float:
    """What a sum of squares, in multiples of the variance, exceeds but for one time in ten."""
    from scipy.special import chdtri

    return float(chdtri(freedom, 1 - POOLED_AT))
