"""How comparisons are put into words."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from harness.analysis.ranking import ACCURACY
from harness.cases.summary import CaseSummary
from harness.stats.intervals import Interval

TOO_FEW = "too few processes were timed to name a winner"


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


def percent(share: float) -> str:
    """0.423 → ``42%``, 0.0123 → ``1.2%``."""
    if abs(share) < 0.0005:
        return "0%"
    return f"{share:.0%}" if abs(share) >= 0.0995 else f"{share * 100:.2g}%"


def per(row: CaseSummary) -> str:
    """What a case's pace is a time of, where it is not a call's: `` a sample``."""
    return " a sample" if row.loading else ""


def span(values: Sequence[float], write: Callable[[float], str]) -> str:
    """``1.2 to 3.4 ms``; one value where the ends are written alike."""
    low, high = write(min(values)), write(max(values))
    if low == high:
        return high
    same_unit = low.split()[1:] == high.split()[1:]
    return f"{low.split()[0] if same_unit else low} to {high}"


def series(names: Sequence[str], last: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


def shortened(names: Sequence[str], most: int = 3) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"
