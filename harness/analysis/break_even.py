"""From where on along an axis one strategy beats the baseline."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.analysis.parameter_values import is_number, number_of, value_text
from harness.analysis.ranking import ACCURACY, LEAST_COVERAGE
from harness.analysis.sweep import Sweep
from harness.analysis.wording import shortened
from harness.cases.summary import CaseSummary
from harness.stats.intervals import Interval

UNITS = {"sample_cost_us": "of work per sample"}
"""What values of an axis are values of; other axes are called by their names."""
Shape = Literal["gains", "loses", "always", "never", "unclear"]


@dataclass(frozen=True)
class BreakEven:
    """How a strategy's ratio to the baseline goes along an axis."""

    strategy: str
    shape: Shape  # gains: certainly slower at first, certainly faster from some value on
    low: float = math.nan  # certain on one side of 1
    high: float = math.nan  # the next that is certain, on the other side
    value: float = math.nan  # between the two, where they are neighbours


def crossing(strategy: str, series: Sequence[tuple[float, Interval]]) -> BreakEven:
    """Where the ratios of a strategy, by ascending values of an axis, pass 1.

    Between two neighbouring values whose intervals lie on either side of 1, the logarithm of the
    ratio is taken for linear in that of the value; in the value itself, next to zero.
    """
    sides = [_side(ratio) for _, ratio in series]
    certain = [index for index, side in enumerate(sides) if side]
    turns = [
        (one, other) for one, other in itertools.pairwise(certain) if sides[one] != sides[other]
    ]
    if not turns:
        whole = len(certain) == len(series) > 0
        shape: Shape = "always" if sides[0] < 0 else "never"
        return BreakEven(strategy, shape if whole else "unclear")
    if len(turns) > 1:
        return BreakEven(strategy, "unclear")
    one, other = turns[0]
    (low, before), (high, after) = series[one], series[other]
    value = math.nan
    if other == one + 1:
        share = math.log(before.median) / (math.log(before.median) - math.log(after.median))
        value = low * (high / low) ** share if low > 0 else high * share
    return BreakEven(strategy, "gains" if sides[one] > 0 else "loses", low, high, value)


def _side(ratio: Interval) -> int:
    """1 for certainly slower than the baseline, -1 for faster, else 0."""
    if ratio.coverage < LEAST_COVERAGE:
        return 0
    return 1 if ratio.low > ACCURACY else -1 if ratio.high < 1 / ACCURACY else 0


def crossings(sweep: Sweep, name: str) -> list[BreakEven]:
    """The break-even of every strategy but the baseline along an axis of numbers."""
    rows = [row for row in sweep.variation(name) if is_number(row.parameters[name])]
    found = []
    for strategy in sweep.info.strategies:
        own = [row for row in rows if row.strategy == strategy.name and row.timed]
        if len(own) > 1 and strategy.name != sweep.info.baseline:
            found.append(crossing(strategy.name, _by_value(own, name)))
    return found


def _by_value(rows: Sequence[CaseSummary], name: str) -> list[tuple[float, Interval]]:
    return sorted(
        ((number_of(row.parameters[name]), row.ratio) for row in rows), key=lambda pair: pair[0]
    )


def break_even(sweep: Sweep, name: str) -> str:
    """Who beats the baseline from where on, in a sentence; "" where nothing is certain."""
    found = crossings(sweep, name)
    values = [number_of(value) for value in sweep.values(name) if is_number(value)]
    gaining = sorted((one for one in found if one.shape == "gains"), key=lambda one: one.high)
    losing = [one for one in found if one.shape == "loses"]
    than = f"than `{sweep.info.baseline}`"
    parts = []
    if gaining:
        first, *rest = gaining
        more = "".join(f", `{one.strategy}` from {_where(name, one)}" for one in rest)
        parts.append(
            f"from {_where(name, first)}{_of(name)} on, `{first.strategy}` is faster {than}{more}"
        )
    parts += [
        f"`{one.strategy}` is faster {than} up to {_where(name, one)}{_of(name)}" for one in losing
    ]
    always, never = (
        [f"`{one.strategy}`" for one in found if one.shape == shape]
        for shape in ("always", "never")
    )
    if always:
        parts.append(f"{shortened(always)} {_verb(always)} faster {than} at every {_called(name)}")
    if never:
        most = f"up to {value_text(name, max(values))}{_of(name)}"
        parts.append(f"{shortened(never)} {_verb(never)} slower {than} throughout, {most}")
    return "; ".join(parts)


def _where(name: str, one: BreakEven) -> str:
    if math.isnan(one.value):
        low, high = (value_text(name, value) for value in (one.low, one.high))
        return f"somewhere between {low} and {high}"
    return f"about {value_text(name, float(f'{one.value:.2g}'))}"


def _of(name: str) -> str:
    return f" {UNITS[name]}" if name in UNITS else f" of `{name}`"


def _called(name: str) -> str:
    return f"amount {UNITS[name]}" if name in UNITS else f"`{name}`"


def _verb(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
