"""When pinning pays: for one transfer, and for memory that is pinned once and sent many times.

Three groups of a scenario say it together. ``pageable`` holds the baseline and the strategies that
pin as they go; ``pinned`` sends what is pinned already; ``pin`` does nothing but pin, for the first
time in a process and then with memory that torch has kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from harness.analysis.ranking import ACCURACY
from harness.analysis.sweep import Sweep
from harness.cases.summary import CaseSummary
from harness.units import format_seconds, format_size

STAGED, PINNED, PIN = "pageable", "pinned", "pin"


@dataclass(frozen=True)
class Pinning:
    """What pinning costs and saves at one size, in seconds a transfer."""

    size_bytes: int
    pageable_s: float
    pinned_s: float  # the fastest way, of memory that is pinned
    first_pin_s: float
    kept_pin_s: float  # with pinned memory that was freed before, and kept

    @property
    def saved_s(self) -> float:
        """By every transfer of memory that is pinned; negative where that is slower."""
        return self.pageable_s - self.pinned_s

    @property
    def transfers(self) -> float:
        """After how many of them the first pin has paid; infinite where it never does."""
        return math.ceil(self.first_pin_s / self.saved_s) if self.saved_s > 0 else math.inf


def pinnings(sweep: Sweep) -> list[Pinning]:
    """By size, ascending; sizes at which one of the three is missing are left out."""
    found = []
    for size in sweep.sizes:
        baseline = sweep.baseline_at(size)
        timed = [row for row in sweep.at(size) if sweep.compared(row)]
        pinned = [row.steady.median for row in timed if row.group == PINNED]
        pins = [row for row in timed if row.group == PIN]
        if size is None or baseline is None or not baseline.timed or not pinned or not pins:
            continue
        found.append(
            Pinning(
                size,
                baseline.steady.median,
                min(pinned),
                pins[0].first.median,
                pins[0].steady.median,
            )
        )
    return found


def pays_from(sweep: Sweep) -> dict[str, int | None]:
    """By strategy that pins as it goes: the size from which on it beats the baseline every time.

    Its memory was freed by the call before, and kept. None where it does not at the largest size.
    """
    found: dict[str, int | None] = {}
    for strategy in sweep.info.strategies:
        if strategy.group != STAGED or strategy.name == sweep.info.baseline:
            continue
        rows = sorted(
            (row for row in sweep.main if row.strategy == strategy.name and sweep.compared(row)),
            key=lambda row: row.size_bytes or 0,
        )
        if len(rows) > 1:
            found[strategy.name] = _first_of_the_faster(rows)
    return found


def _first_of_the_faster(rows: list[CaseSummary]) -> int | None:
    size = None
    for row in reversed(rows):
        if not row.ratio.high < 1 / ACCURACY:
            break
        size = row.size_bytes
    return size


def pinning_sentences(sweep: Sweep) -> tuple[str, ...]:
    """What was found about pinning, in words; nothing of a scenario that does not send."""
    return tuple(_sentences(sweep)) if sweep.info.transfers == "to" else ()


def _sentences(sweep: Sweep) -> Iterator[str]:
    baseline = sweep.info.baseline
    for name, size in pays_from(sweep).items():
        if size is None:
            yield f"`{name}` is not faster than `{baseline}` at the largest size."
        else:
            yield f"`{name}` is faster than `{baseline}` from {format_size(size)} on."
    for one in pinnings(sweep):
        at = f"At {format_size(one.size_bytes)}"
        cost = (
            f"pinning takes {format_seconds(one.first_pin_s)} the first time and "
            f"{format_seconds(one.kept_pin_s)} with memory that torch has kept"
        )
        if one.saved_s > 0:
            times = f"{one.transfers:.0f} transfer{'s' if one.transfers > 1 else ''}"
            yield (
                f"{at}, sending pinned memory saves {format_seconds(one.saved_s)} each time, and "
                f"{cost}: pinned once and kept, it pays off after {times}."
            )
        else:
            yield f"{at}, sending pinned memory saves nothing, and {cost}."
