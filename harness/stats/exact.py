"""Tests that need no model of noise: how probable a pattern is where two sides do not differ.

Two groups lie apart by chance once in as many ways as there are to choose one of them: each choice
is as likely, whatever the readings are, if those of the two sides could be exchanged (R. A. Fisher,
The Design of Experiments, 1935, section 21). Groups that lie apart after more readings lay apart
before them, so it costs nothing to look again and again until there are enough.

Groups that overlap are judged by the sum of one's ranks (H. B. Mann and D. R. Whitney, Annals of
Mathematical Statistics 18 (1947) 50), whose choices are counted in the same way, ties and all.

Of pairs, each points either way with probability one half at most; the sign test counts those that
point the other way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

MOST_READINGS = 20
"""Of a candidate, beyond which nobody is asked for more: as often as the script for CI looks."""
MOST_COUNTED = 60
"""Of two groups together, up to which every choice is counted; more are nearly normal."""
MOST_PAIRS = 64
"""The same of pairs: far more than any number of flags needs."""


def apart_by_chance(base: int, candidate: int) -> float:
    """The probability that every reading of the candidate lies above every one of the base.

    Args:
        base: how many readings it has.
        candidate: the same.

    Returns:
        One-sided: twice as much where either side may lie above.
    """
    return 1 / math.comb(base + candidate, base)


def ranks_by_chance(one: Sequence[float], other: Sequence[float]) -> float:
    """The probability that two groups differ by as much in their ranks, in either direction."""
    import numpy as np
    from scipy.stats import mannwhitneyu, rankdata

    if len(one) + len(other) > MOST_COUNTED:
        return float(mannwhitneyu(one, other, method="asymptotic").pvalue)
    doubled = (2 * rankdata([*one, *other])).astype(int)  # of ties, the mean may be a half
    own = int(doubled[: len(one)].sum())
    ways = np.zeros((len(one) + 1, int(doubled.sum()) + 1))  # by how many are chosen, and their sum
    ways[0, 0] = 1
    for rank in doubled:
        ways[1:, rank:] += ways[:-1, :-rank].copy()
    sums = ways[-1]
    tail = min(sums[: own + 1].sum(), sums[own:].sum())
    return float(min(1.0, 2 * tail / sums.sum()))


def readings_needed(base: int, level: float) -> int | None:
    """How many the candidate must have before lying apart is less likely than the level.

    None where the base has too few for any number up to :data:`MOST_READINGS`.
    """
    return next((n for n in range(1, MOST_READINGS + 1) if apart_by_chance(base, n) < level), None)


def signs_by_chance(pairs: int, against: int) -> float:
    """The probability that so few of the pairs, or fewer, point the other way."""
    return float(sum(math.comb(pairs, few) for few in range(against + 1)) / 2**pairs)


def pairs_needed(level: float, against: int) -> int:
    """How many there must be, of which so many may point the other way."""
    return next(
        n for n in range(against + 1, MOST_PAIRS + 1) if signs_by_chance(n, against) < level
    )
