"""The time at a size that was not measured, and the size to measure next."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.models.places import Place, between
from harness.analysis.models.time_model import TimeModel
from harness.errors import UsageError
from harness.host.environment import Environment
from harness.planning.forecast import forecast_bytes, too_big
from harness.stats.cost_fit import Point
from harness.stats.intervals import Interval
from harness.stats.size_curve import CONFIDENCE, SizeCurve
from harness.units import KIB, format_size

FURTHEST = 4.0
"""Times the largest size, or a part of the smallest: beyond it, nothing is predicted."""
BEYOND_A_PLACE = math.log(1.3)
"""What a step may be at a known place that lies beyond all sizes: nobody has seen it."""
PAGE = 4 * KIB
NEAR = 1.25
"""Between sizes that are no further apart nothing more is to be found."""
SHARP = 1.1
"""An interval whose ends are no further from its middle needs no further size."""


@dataclass(frozen=True)
class Prediction:
    """The time at a size.

    Args:
        size: bytes.
        time: seconds; the interval holds the median of as many processes as the run had.
        measured: the run has this size.
        outside: beyond the sizes of the run, so that the fit alone is extended.
        steps: known places between the sizes of the run and this one, where it may change.
    """

    size: int
    time: Interval
    measured: bool
    outside: bool
    steps: tuple[Place, ...]


def predict(model: TimeModel, size: int) -> Prediction:
    """The time of a strategy at a size.

    Raises:
        UsageError: too far from every size of the run, or nothing is known.
    """
    if model.curve is None:
        raise UsageError(f"{model.scenario}/{model.name}: {model.unknown}")
    low, high = model.sizes[0], model.sizes[-1]
    if not low / FURTHEST <= size <= high * FURTHEST:
        raise UsageError(
            f"{format_size(size)} is too far from what was measured, {format_size(low)} to "
            f"{format_size(high)}; at most {FURTHEST:g} times as far is predicted"
        )
    outside = not low <= size <= high
    beyond = between(model.places, high, size) + between(model.places, size, low)
    variance = new_measurement(model.curve.points, size) + len(beyond) * BEYOND_A_PLACE**2
    forecast = model.curve.at(size, variance)
    ends = forecast.bounds(CONFIDENCE)
    time = Interval(forecast.value, *ends, CONFIDENCE, model.processes)
    return Prediction(size, time, size in model.sizes, outside, tuple(beyond))


def fits_into_memory(model: TimeModel, size: int, environment: Environment) -> str:
    """Why a size could not be measured where the run was; "" where it could, or nobody knows."""
    copies = model.cases[-1].planned.expected_copies
    if copies is None or not environment.memory_available_bytes:
        return ""
    return too_big(forecast_bytes(size, copies), environment.memory_available_bytes)


def new_measurement(points: Sequence[Point], size: float) -> float:
    """The variance of a median that was not measured: that of the sizes around it, on average."""
    near = sorted(points, key=lambda point: abs(math.log(point.size / size)))[:2]
    return sum(point.variance for point in near) / len(near)


@dataclass(frozen=True)
class NextSize:
    """The size whose measurement would say most.

    Args:
        size: bytes, in whole pages.
        factor: how far the ends of its interval are from the middle now.
        around: the measured sizes between which it lies.
        step: a step was found between them, and may lie anywhere there.
        places: known ones between them.
    """

    size: int
    factor: float
    around: tuple[int, int]
    step: bool
    places: tuple[Place, ...]


def next_size(model: TimeModel) -> NextSize | None:
    """The middle between two sizes where the prediction is widest; None where all are sharp."""
    if model.curve is None:
        return None
    found = [_between(model, model.curve, *pair) for pair in itertools.pairwise(model.sizes)]
    widest = max((one for one in found if one), key=lambda one: one.factor, default=None)
    return widest if widest is not None and widest.factor > SHARP else None


def _between(model: TimeModel, curve: SizeCurve, low: int, high: int) -> NextSize | None:
    """The middle of two sizes in whole pages; None where they are too near for one."""
    size = round(math.sqrt(low * high) / PAGE) * PAGE
    if high < NEAR * low or not low < size < high:
        return None
    step = (low, high) in curve.fit.around
    places = tuple(between(model.places, low, high))
    return NextSize(size, _factor(curve, size), (low, high), step, places)


def _factor(curve: SizeCurve, size: float) -> float:
    """How far the ends of an interval are from its middle, without a new measurement's error."""
    low, high = curve.at(size).bounds(CONFIDENCE)
    return math.sqrt(high / low)
