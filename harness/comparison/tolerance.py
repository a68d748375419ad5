"""How much worse something may be before it counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from harness.errors import UsageError


@dataclass(frozen=True)
class Tolerance:
    """Shares within which a difference is none: 0.05 for 5%.

    Memory is a share of the payload, or of what the base took where that is more: an extra copy
    of a twentieth of the data is as bad for a strategy that makes three as for one that makes none.
    """

    time: float = 0.02
    memory: float = 0.02
    faults: float = 0.10


def parse_tolerance(text: str) -> Tolerance:
    """Read ``time=5%,memory=2%``; what is not named keeps its default.

    Raises:
        UsageError: an unknown name, or no percentage between 0 and 1000.
    """
    names = [field.name for field in fields(Tolerance)]
    chosen: dict[str, float] = {}
    for part in filter(None, text.split(",")):
        name, _, share = part.partition("=")
        if name.strip() not in names:
            raise UsageError(f"--tolerance {part}: choose from {', '.join(names)}")
        chosen[name.strip()] = _share(part, share)
    return _with(Tolerance(), chosen)


def _share(part: str, text: str) -> float:
    try:
        percent = float(text.strip().removesuffix("%"))
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 1000:
        raise UsageError(f"--tolerance {part}: write a percentage such as time=5%")
    return percent / 100


def _with(tolerance: Tolerance, chosen: Mapping[str, float]) -> Tolerance:
    return replace(tolerance, **chosen)
