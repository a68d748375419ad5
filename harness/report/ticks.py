"""Where to put ticks on logarithmic axes, and how values of each unit are written on any axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from harness.units import format_seconds, format_size

Unit = Literal["bytes", "seconds", "rate", "multiple"]
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
    """Powers of ten, and 2 and 5 times those where the span is short, in seconds."""
    dense = math.log10(high / low) < DENSE_DECADES
    return tuple(
        (value, format_seconds(value))
        for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for digit in ((1, 2, 5) if dense else (1,))
        for value in (float(f"{digit}e{power}"),)
        if low <= value <= high
    )


def widen(values: Sequence[float], by: float = 1.25) -> tuple[float, float]:
    """A logarithmic domain with room around positive values."""
    low, high = min(values), max(values)
    return low / by, high * by


def linear_label(unit: Unit, value: float) -> str:
    """A tick on a linear axis; the title names the unit of a rate."""
    if unit == "rate":
        return f"{value / 1e9:g}"
    return f"{value:g}×"
