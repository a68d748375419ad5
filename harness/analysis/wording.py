"""How promises and comparisons are put into words."""

from __future__ import annotations

import math

from harness.analysis.contest import ACCURACY
from harness.analysis.stats import Interval

PROMISES = {
    "share": "if the memory may be shared",
    "copy": "if you need your own copy",
    "reuse": "if the data may go into memory you keep",
    "chunks": "if a part at a time will do",
    "kept chunks": "if the data comes in parts, and all are kept",
    "list": "if the data is a list of arrays",
    "layout": "if the layout must change",
    "cast": "if the dtype must change",
    "shared memory": "if other processes must see it",
    "bfloat16": "if the tensor is bfloat16",
}
"""What choosing among a group of the built-in scenarios means to a user."""


def promise(group: str) -> str:
    """When to choose among a group, as the beginning of a sentence."""
    return PROMISES.get(group, f"among {group}" if group else "of all")


def comparison(ratio: Interval) -> str:
    """``2.3× faster`` or ``slower``, where the interval of a ratio leaves no doubt; else ""."""
    if ratio.high < 1 / ACCURACY:
        return f"{factor(1 / ratio.median)} faster"
    if ratio.low > ACCURACY:
        return f"{factor(ratio.median)} slower"
    return ""


def factor(ratio: float) -> str:
    """1.234 → ``1.23×``, 12.34 → ``12×``, 42566 → ``43 000×``: no more digits than are certain."""
    if ratio < 9.95:
        return f"{ratio:.2f}×" if ratio < 1.995 else f"{ratio:.1f}×"
    digits = max(0, math.floor(math.log10(ratio)) - 1)
    return f"{round(ratio, -digits):,.0f}×".replace(",", "\u202f")
