"""How much of a difference is gone when a cause is taken away: by experiment, not by shares.

Two strategies differ by S - F seconds. Measured again without a cause, in the same rounds, they
differ by S' - F'; then the cause is the share 1 - (S' - F') / (S - F) of the difference. Causes
overlap: two that each are 80% are not 160%, so shares are never added. Only an experiment in which
all of them are taken away says what they are together, and what is left unexplained.

Intervals are those of Wilcoxon's signed ranks over rounds: see :mod:`harness.stats.signed_rank`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from harness.stats.intervals import Interval
from harness.stats.signed_rank import SignedRanks

CONFIDENCE = 0.9
LEAST_ROUNDS = 5
"""Fewer have no interval of this confidence."""
DIFFERENT = 1.05
"""Strategies nearer to each other than this have no difference to explain."""
UNEXPLAINED = 0.2
"""With more of the difference left, nothing is said to be the reason."""
MATERIAL = 0.1
"""A smaller share is none worth telling, and may be chance: many experiments are looked at."""
Round = TypeVar("Round", bound=Hashable)
Word = Literal["because", "in part", "not because", "level", "undecided"]


@dataclass(frozen=True)
class Attribution:
    """What an experiment says of a difference.

    Args:
        word: because, where at most a fifth is certainly left; in part, where a tenth of it or more
            certainly goes; not because, where at most a fifth may go; level, where there is no
            difference.
        ratio: of the times, the slower over the faster strategy's.
        share: of the difference that goes; below zero where it grows.
        rounds: in which all four were measured.
    """

    word: Word
    ratio: Interval
    share: Interval
    rounds: int

    @property
    def left(self) -> float:
        """The share that is not explained."""
        return 1 - self.share.median


def attribute(
    slow: Mapping[Round, float],
    fast: Mapping[Round, float],
    slow_without: Mapping[Round, float],
    fast_without: Mapping[Round, float],
) -> Attribution | None:
    """What taking a cause away does to a difference.

    Args:
        slow: seconds of the slower strategy's processes by their round, as it is.
        fast: of the faster one.
        slow_without: of the slower one without the cause.
        fast_without: of the faster one without it: the same as ``fast`` where it never had it.

    Returns:
        None where no round has all of them.
    """
    rounds = [one for one in slow if one in fast and one in slow_without and one in fast_without]
    if not rounds:
        return None
    ratio = _interval([slow[one] / fast[one] for one in rounds])
    middle = SignedRanks.of([slow[one] - fast[one] for one in rounds]).centre
    if middle <= 0:
        return Attribution("level", ratio, _interval([0.0] * len(rounds)), len(rounds))
    # Over the difference of all rounds: in a single one it may be anything, even next to nothing.
    gone = [
        (slow[one] - fast[one] - slow_without[one] + fast_without[one]) / middle for one in rounds
    ]
    share = _interval(gone)
    return Attribution(_word(ratio, share, len(rounds)), ratio, share, len(rounds))


def _word(ratio: Interval, share: Interval, rounds: int) -> Word:
    if rounds < LEAST_ROUNDS:
        return "undecided"
    if ratio.low <= DIFFERENT:
        return "level" if ratio.high < DIFFERENT else "undecided"
    if share.low >= 1 - UNEXPLAINED and share.high <= 1 + UNEXPLAINED:
        return "because"
    if share.high <= UNEXPLAINED:
        return "not because"
    return "in part" if share.low > MATERIAL else "undecided"


def _interval(values: list[float]) -> Interval:
    ranks = SignedRanks.of(values)
    low, high = ranks.interval(CONFIDENCE)
    return Interval(ranks.centre, low, high, CONFIDENCE, len(values))
