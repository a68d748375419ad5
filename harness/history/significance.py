"""Whether two segments of a series really differ: beyond the tolerance, and beyond their own noise.

Times are judged by Yuen's test for the difference of two trimmed means, K. K. Yuen, The two-sample
trimmed t for unequal population variances, Biometrika 61 (1974) 165: Welch's with a fifth of the
runs left out at either end, so that a slow run neither makes a change nor hides one. The question
is whether chance would look like this if the change were just the tolerance. As the place of the
change was looked for, the answer is multiplied by the number of places and of directions. Some
cases run at one of two speeds, by the luck of each run, and a row of equal luck is no change: no
more than a tenth of the runs may lie at the level of the other side.

Of many series some look changed by chance, and more of them where a machine's speed wanders: a run
is then much like the one before, and a few runs say less than they seem to. So a change is sure
only if it stands among all series: the share of false ones among those is controlled, whatever the
series have in common (Y. Benjamini, D. Yekutieli, Annals of Statistics 29 (2001) 1165). What a run
hands on to the next is estimated, corrected for its bias (M. G. Kendall, Biometrika 41 (1954) 403),
and makes the standard error larger. The other changes are shown, and not counted.
``python -m harness.history.experiment`` counts how often either is wrong.

What is counted is judged as ``ferrybench compare`` judges it: the readings of either side, a fifth
of them trimmed in the same way, must lie apart by more than the tolerance, and neither side may
vary by more itself. One that does, by the luck of where an allocator finds room, still changed if
not one reading of at least four runs a side says otherwise. The probability of that by chance is
exact (:mod:`harness.stats.exact`), and counts runs: the processes of one run share its luck.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from harness.comparison.amounts import Amount, Scale
from harness.comparison.tolerance import Tolerance
from harness.stats.exact import ranks_by_chance
from harness.stats.two_level import Spread

HISTORY_TOLERANCE = Tolerance(time=0.05)
"""What is no difference: of times more than within one run, since these were not interleaved."""
TRIMMED = 0.2
LEAST_TIMED, LEAST_COUNTED = 3, 2
"""Runs that a segment must have; a series needs twice as many."""
LEAST_VARYING = 4
"""The same, where what is counted varies by more than the tolerance."""
LEVEL = 0.05
"""The doubt up to which a change in time is shown."""
FALSE_DISCOVERIES = 0.05
"""The share of false ones among the changes that are counted."""
MOST_CARRIED = 0.9
"""Of what a run has, the next one keeps no more."""
STRAYS = 0.1
"""The share of runs that may lie at the other side's level."""


@dataclass(frozen=True)
class Middle:
    """A trimmed mean, with its squared standard error on so many degrees of freedom."""

    mean: float
    error2: float
    freedom: int


def middle(values: Sequence[float]) -> Middle:
    """The trimmed mean of at least two values."""
    ordered = sorted(values)
    trimmed = math.floor(TRIMMED * len(ordered))
    core = ordered[trimmed : len(ordered) - trimmed]
    winsorised = [min(max(value, core[0]), core[-1]) for value in ordered]
    spread = statistics.variance(winsorised) * (len(ordered) - 1)
    return Middle(
        statistics.fmean(core), spread / (len(core) * (len(core) - 1)), max(1, len(core) - 1)
    )


def doubt_of_times(
    before: Sequence[float], after: Sequence[float], tolerance: float, carried: float = 0.0
) -> float:
    """The probability that times this far apart come by chance, if they differ by the tolerance.

    Args:
        before: seconds, or multiples, one per run.
        after: the same.
        tolerance: a share.
        carried: see :func:`carried_over`.

    Returns:
        1 where too many runs lie at the level of the other side.
    """
    sides = [[math.log(value) for value in side] for side in (before, after)]
    if _strays(*sides) > STRAYS * (len(before) + len(after)):
        return 1.0
    one, other = (middle(side) for side in sides)
    error2 = one.error2 + other.error2
    parts = one.error2**2 / one.freedom + other.error2**2 / other.freedom
    fewer = runs_like_one(carried)
    freedom = max(1.0, error2**2 / parts / fewer) if parts else 1.0
    spread = Spread(abs(other.mean - one.mean), math.sqrt(error2 * fewer), freedom)
    return spread.p_above(math.log1p(tolerance))


def carried_over(before: Sequence[float], after: Sequence[float]) -> float:
    """What a run hands on to the next, as a share of how it differs, on either side of a change."""
    products = squares = 0.0
    for side in (before, after):
        centre = middle(side).mean
        rests = [value - centre for value in side]
        products += math.fsum(rest * later for rest, later in itertools.pairwise(rests))
        squares += math.fsum(rest * rest for rest in rests)
    if not squares:
        return 0.0
    runs = (len(before) + len(after)) / 2
    unbiased = (runs * products / squares + 1) / max(1.0, runs - 3)
    return min(MOST_CARRIED, max(0.0, unbiased))


def runs_like_one(carried: float) -> float:
    """How many runs say no more together than one would that owes nothing to the one before."""
    return (1 + carried) / (1 - carried)


def _strays(before: Sequence[float], after: Sequence[float]) -> int:
    """Runs of either side that lie at the level of the other, give or take half the change."""
    levels = statistics.median(before), statistics.median(after)
    reach = abs(levels[1] - levels[0]) / 2
    return sum(abs(value - levels[1]) < reach for value in before) + sum(
        abs(value - levels[0]) < reach for value in after
    )


def places(count: int, least: int = LEAST_TIMED) -> int:
    """How many changes a series of runs might have had: each place, up or down."""
    return 2 * (count - 2 * least + 1)


def core(ordered: Sequence[float]) -> tuple[float, float]:
    """The least and the largest of ascending readings, a fifth left out at either end."""
    trimmed = math.floor(TRIMMED * len(ordered))
    return ordered[trimmed], ordered[len(ordered) - 1 - trimmed]


Readings = Sequence[tuple[float, ...]]
"""Of each run's processes."""


def doubt_of_amounts(
    before: Readings, after: Readings, amount: Amount, scale: Scale, tolerance: Tolerance
) -> float:
    """Below 1 for a change: the allowed difference ÷ what lies between the two sides' readings."""
    one, other = (sorted(value for run in side for value in run) for side in (before, after))
    allowed = amount.allowed(statistics.median(one), scale, tolerance)
    (low, high), (least, most) = core(one), core(other)
    apart = max(least - high, low - most)
    if max(high - low, most - least) > allowed:
        if min(len(before), len(after)) < LEAST_VARYING:
            return 1.0
        apart = max(other[0] - one[-1], one[0] - other[-1])
    return allowed / apart if apart > allowed else 1.0


def chance_of_amounts(before: Readings, after: Readings) -> float:
    """The probability that runs lie apart like this by chance, in either direction.

    A run counts once, by its median, in however many processes it was measured. What it hands on to
    the next is allowed for: each further run makes chance less likely by a factor, and runs that
    say no more together than one would count as one.
    """
    one, other = ([statistics.median(run) for run in side] for side in (before, after))
    chance: float = ranks_by_chance(one, other) ** (1 / runs_like_one(carried_over(one, other)))
    return chance
