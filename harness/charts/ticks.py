"""Where to put ticks on axes of known ends, and how values of each unit are written on any."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from harness.units import format_seconds, format_size

Unit = Literal["bytes", "seconds", "rate", "multiple", "count", "share"]
Tick = tuple[float, str]

MOST_SIZES = 10
DENSE_DECADES = 2.0
"""A span of fewer decades than this gets ticks at 2 and 5 too."""


def size_ticks(sizes: Sequence[float]) -> tuple[Tick, ...]:
    """The sizes that were measured, thinned out where there are many."""
    step = math.ceil(len(sizes) / MOST_SIZES) or 1
    kept = sorted(sizes)[::-1][::step][::-1]  # the largest is always named
    return tuple((size, format_size(size)) for size in kept)


def time_ticks(low: float, high: float) -> tuple[Tick, ...]:
    """Seconds on a logarithmic axis."""
    return log_ticks(low, high, format_seconds)


def rate_ticks(low: float, high: float) -> tuple[Tick, ...]:
    """Bytes a second on a logarithmic axis, whose title names the unit."""
    return log_ticks(low, high, lambda value: linear_label("rate", value))


def count_ticks(low: float, high: float) -> tuple[Tick, ...]:
    """Counts, such as of samples a second, on a logarithmic axis."""
    return log_ticks(low, high, lambda value: linear_label("count", value))


def log_size_ticks(low: float, high: float) -> tuple[Tick, ...]:
    """Sizes on a logarithmic axis: powers of four, of two where the span is short."""
    first, last = math.ceil(math.log2(low)), math.floor(math.log2(high))
    step = math.ceil((last - first + 1) / MOST_SIZES) or 1
    return tuple((2.0**power, format_size(2**power)) for power in range(first, last + 1, step))


def second_ticks(last: float) -> tuple[Tick, ...]:
    """Seconds on a linear axis from zero."""
    return linear_ticks(0.0, last, lambda value: format_seconds(value) if value else "0")


def byte_ticks(most: float) -> tuple[Tick, ...]:
    """Sizes on a linear axis from zero."""
    unit = 1024 ** math.floor(math.log(max(most, 1024), 1024))  # round sizes are powers of 1024
    ticks = linear_ticks(0, most / unit, lambda value: format_size(value * unit))
    return tuple((value * unit, name) for value, name in ticks)


def log_ticks(low: float, high: float, write: Callable[[float], str]) -> tuple[Tick, ...]:
    """Powers of ten, and 2 and 5 times those where the span is short."""
    dense = math.log10(high / low) < DENSE_DECADES
    return tuple(
        (value, write(value))
        for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for digit in ((1, 2, 5) if dense else (1,))
        for value in (float(f"{digit}e{power}"),)
        if low <= value <= high
    )


def linear_ticks(
    low: float, high: float, write: Callable[[float], str], about: int = 5
) -> tuple[Tick, ...]:
    """Multiples of 1, 2 or 5 times a power of ten, about as many as asked for."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step for step in (power, 2 * power, 5 * power, 10 * power) if step >= rough * 0.7)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    digits = max(0, -math.floor(math.log10(step)))
    values = [round(index * step, digits) + 0.0 for index in range(first, last + 1)]
    return tuple((value, write(value)) for value in values)


def widen(values: Iterable[float], by: float = 1.25) -> tuple[float, float]:
    """A logarithmic domain with room around positive values; others have no place on it."""
    known = [value for value in values if 0 < value < math.inf]
    return min(known) / by, max(known) * by


def linear_label(unit: Unit, value: float) -> str:
    """A tick on a linear axis; the title names the unit of a rate."""
    if unit == "rate":
        return f"{value / 1e9:g}"
    if unit == "count":
        return f"{value:,.10g}".replace(",", "\u202f")
    if unit == "share":
        return f"{value:.0%}"
    return f"{value:g}×"
