"""Where a series changed: proposed by its partition, confirmed by a test."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.comparison.amounts import Amount
from harness.comparison.tolerance import Tolerance
from harness.history.series import Series
from harness.history.significance import (
    LEAST_COUNTED,
    LEAST_TIMED,
    LEVEL,
    carried_over,
    chance_of_amounts,
    doubt_of_amounts,
    doubt_of_times,
    places,
)
from harness.stats.change_points import around, placed, proposed, standing


def runs_needed(series: Series) -> int:
    """How many runs a series must have before a change can be found in it."""
    return 2 * (LEAST_COUNTED if series.metric.amount else LEAST_TIMED)


def cuts_of(series: Series, tolerance: Tolerance) -> list[int]:
    """The first point of every new level, in a series that has enough runs."""
    amount = series.metric.amount
    return _timed(series, tolerance) if amount is None else _counted(series, amount, tolerance)


def _timed(series: Series, tolerance: Tolerance) -> list[int]:
    values = series.values
    count = len(values)
    if max(values) <= min(values) * (1 + tolerance.time):
        return []

    def doubt(before: Sequence[int], after: Sequence[int]) -> float:
        one, other = ([values[index] for index in side] for side in (before, after))
        return min(1.0, doubt_of_times(one, other, tolerance.time) * places(count))

    cuts = standing(proposed(values, LEAST_TIMED), count, doubt, LEVEL)
    return placed([math.log(value) for value in values], cuts, LEAST_TIMED)


def _counted(series: Series, amount: Amount, tolerance: Tolerance) -> list[int]:
    values, scale = series.values, series.scale
    if max(values) - min(values) <= amount.allowed(min(values), scale, tolerance):
        return []

    def doubt(before: Sequence[int], after: Sequence[int]) -> float:
        one, other = ([series.readings[index] for index in side] for side in (before, after))
        return doubt_of_amounts(one, other, amount, scale, tolerance)

    proposals = proposed(values, LEAST_COUNTED)
    cuts = standing(proposals, len(values), doubt, math.nextafter(1, 0))
    return placed(values, cuts, LEAST_COUNTED)


def doubts_of(series: Series, cuts: Sequence[int], tolerance: Tolerance) -> list[float]:
    """How probable each of these changes is by chance, in a series by itself."""
    found = []
    for place in range(len(cuts)):
        before, after = around(cuts, len(series.values), place)
        if series.metric.amount is None:
            one, other = ([series.values[index] for index in side] for side in (before, after))
            logs = ([math.log(value) for value in side] for side in (one, other))
            carried = carried_over(*logs)
            doubt = doubt_of_times(one, other, tolerance.time, carried) * places(len(series.values))
        else:
            sides = ([series.readings[index] for index in side] for side in (before, after))
            # Either direction is counted there already.
            doubt = chance_of_amounts(*sides) * places(len(series.values), LEAST_COUNTED) / 2
        found.append(min(1.0, doubt))
    return found
