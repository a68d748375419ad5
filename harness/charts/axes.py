"""Axes whose ends and ticks follow from the values to be shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from harness.charts.chart import Axis
from harness.charts.ticks import (
    Tick,
    Unit,
    byte_ticks,
    count_ticks,
    linear_label,
    linear_ticks,
    log_size_ticks,
    log_ticks,
    rate_ticks,
    second_ticks,
    time_ticks,
    widen,
)

_LOG_TICKS: dict[Unit, Callable[[float, float], tuple[Tick, ...]]] = {
    "bytes": log_size_ticks,
    "count": count_ticks,
    "multiple": lambda low, high: log_ticks(low, high, partial(linear_label, "multiple")),
    "rate": rate_ticks,
    "seconds": time_ticks,
}


def log_axis(title: str, unit: Unit, low: float, high: float) -> Axis:
    """A logarithmic axis of known ends."""
    return Axis(title, unit, True, low, high, _LOG_TICKS[unit](low, high))


def log_axis_of(title: str, unit: Unit, values: Iterable[float]) -> Axis:
    """A logarithmic axis with room around its values."""
    return log_axis(title, unit, *widen(values))


def linear_axis(title: str, unit: Unit, high: float, low: float = 0.0) -> Axis:
    """A linear axis, from zero unless something lies below."""
    high = high or 1.0
    if unit == "seconds":
        ticks = second_ticks(high)
    elif unit == "bytes":
        ticks = byte_ticks(high)
    else:
        ticks = linear_ticks(low, high, partial(linear_label, unit))
    return Axis(title, unit, False, low, high, ticks)
