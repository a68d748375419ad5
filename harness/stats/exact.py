"""Tests that need no model of noise: how probable a pattern is where two sides do not differ.

Two groups lie apart by chance once in as many ways as there are to choose one of them: each choice
is as likely, whatever the readings are, if those of the two sides could be exchanged (R. A. Fisher,
The Design of Experiments, 1935, section 21). Groups that lie apart after more readings lay apart
before them, so it costs nothing to look again and again until there are enough.

Of pairs, each points either way with probability one half at most; the sign test counts those that
point the other way.
"""

from __future__ import annotations

import math

MOST = 200
"""Readings, or pairs, beyond which nobody is asked for more."""


def apart_by_chance(base: int, candidate: int) -> float:
    """The probability that every reading of one side lies above every one of the other."""
    return 1 / math.comb(base + candidate, base)


def readings_needed(base: int, level: float) -> int | None:
    """How many the candidate must have before lying apart is less likely than the level.

    None where the base has too few for that.
    """
    return next((n for n in range(1, MOST + 1) if apart_by_chance(base, n) < level), None)


def signs_by_chance(pairs: int, against: int) -> float:
    """The probability that so few of the pairs, or fewer, point the other way."""
    return float(sum(math.comb(pairs, few) for few in range(against + 1)) / 2**pairs)


def pairs_needed(level: float, against: int) -> int:
    """How many there must be, of which so many may point the other way."""
    return next(n for n in range(against + 1, 64) if signs_by_chance(n, against) < level)
