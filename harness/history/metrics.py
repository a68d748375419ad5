"""What is followed over runs, and how far each can be trusted there.

Runs that were made at different times were not interleaved: a machine's speed drifts between them,
so that a time alone is advisory. The ratio to the baseline is measured within each run, by pairing
neighbours. Memory, page faults and outcomes hardly depend on how fast a machine is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.comparison.amounts import AMOUNTS, Amount
from harness.units import format_multiple, format_seconds

OUTCOME = "outcome"
METRIC_NAMES = (OUTCOME, "ratio", "time", *(amount.compared.metric for amount in AMOUNTS))
if TYPE_CHECKING:
    MetricName = str
else:  # the command line offers these
    MetricName = Literal[METRIC_NAMES]


@dataclass(frozen=True)
class Metric:
    """One thing that is followed.

    Args:
        name: on the command line.
        label: in a report.
        unit: seconds, multiple, bytes, or what is counted.
        amount: how trials are read, and what difference is none; None of what is timed.
        advisory: told, and not counted as a change.
    """

    name: MetricName
    label: str
    unit: str
    amount: Amount | None = None
    advisory: bool = False

    @property
    def informs(self) -> bool:
        """Whether it is shown for information alone: no change is looked for."""
        return self.amount is not None and self.amount.informs

    def text(self, value: float) -> str:
        """A value as people write it."""
        if self.amount:
            return self.amount.text(value)
        return format_seconds(value) if self.unit == "seconds" else format_multiple(value)


METRICS: tuple[Metric, ...] = (
    Metric("ratio", "time over the baseline's", "multiple"),
    *(
        Metric(amount.compared.metric, amount.name, amount.unit, amount, amount.informs)
        for amount in AMOUNTS
    ),
    Metric("time", "steady time", "seconds", advisory=True),
)
"""Everything that is a number; outcomes are names, and are followed apart."""
