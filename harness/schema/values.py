"""Values of parameters as people write them."""

from __future__ import annotations

from harness.schema.records import Value
from harness.units import format_seconds, format_size

SECONDS = {"_us": 1e-6, "_ms": 1e-3, "_s": 1.0}


def is_number(value: Value) -> bool:
    """Whether a value lies on a numeric axis: truth values do not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def number_of(value: Value) -> float:
    """A numeric value as a float."""
    assert not isinstance(value, str)
    return float(value)


def value_text(name: str, value: Value) -> str:
    """A value as people write it, by the unit that ends the parameter's name."""
    if not is_number(value):
        return str(value)
    if name.endswith("_bytes"):
        return format_size(number_of(value))
    for ending, seconds in SECONDS.items():
        if name.endswith(ending):
            return format_seconds(number_of(value) * seconds) if value else "0"
    return f"{value:g}" if isinstance(value, float) else str(value)
