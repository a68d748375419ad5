"""Numbers in what other programs write."""

from __future__ import annotations

import math
from typing import Any


def finite(value: Any) -> float | None:
    """The number that a value is; None of anything else, and of what no float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None
