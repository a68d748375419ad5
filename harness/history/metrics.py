"""What is followed over runs, and how far each can be trusted there.

Runs that were made at different times were not interleaved: a machine's speed drifts between them,
so that a time alone is advisory. The ratio to the baseline is measured within each run, by pairing
neighbours. Memory, page faults and outcomes hardly depend on how fast a machine is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from harness.comparison.amounts import AMOUNTS, Amount
from harness.units import format_multiple, format_seconds, format_size

MetricName = Literal[
    "outcome", "ratio", "time", "peak", "kept", "left", "tree", "faults", "steady-faults"
]
METRIC_NAMES: tuple[MetricName, ...] = get_args(MetricName)
OUTCOME = "outcome"


@dataclass(frozen=True)
class Metric:
    """One thing that is followed.

    Args:
        name: on the command line.
        label: in a report.
        unit: seconds, multiple, bytes or faults.
        amount: how trials are read, and what difference is none; None of what is timed.
        advisory: told, and not counted as a change.
    """

    name: MetricName
    label: str
    unit: Literal["seconds", "multiple", "bytes", "faults"]
    amount: Amount | None = None
    advisory: bool = False

    def text(self, value: float) -> str:
        """A value as people write it."""
        if self.unit == "seconds":
            return format_seconds(value)
        if self.unit == "multiple":
            return format_multiple(value)
        return format_size(value) if self.unit == "bytes" else f"{value:,.0f} faults"


_OF_AMOUNTS: Mapping[str, MetricName] = {
    "memory at the peak": "peak",
    "memory kept with the result": "kept",
    "memory left after it was dropped": "left",
    "memory of the process tree": "tree",
    "page faults of the first call": "faults",
    "page faults a steady call": "steady-faults",
}
METRICS: tuple[Metric, ...] = (
    Metric("ratio", "time over the baseline's", "multiple"),
    *(
        Metric(
            _OF_AMOUNTS[amount.name],
            amount.name,
            "bytes" if amount.unit == "bytes" else "faults",
            amount,
        )
        for amount in AMOUNTS
        if amount.name in _OF_AMOUNTS
    ),
    Metric("time", "steady time", "seconds", advisory=True),
)
"""Everything that is a number; outcomes are names, and are followed apart."""
