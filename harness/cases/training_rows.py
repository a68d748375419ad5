"""What training from files adds to the record of a case: the stall, the losses, the page cache."""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.cases.cells import Record, interval, number, text
from harness.stats.intervals import Interval

COLD_SHARE = 0.01
"""A cold file may have this share of itself in the page cache; see the parameter ``page_cache``."""


@dataclass(frozen=True)
class TrainingRow:
    """What came of a case whose batches a training step computed on."""

    stall: Interval  # the share of a steady epoch in which the step stood still
    samples_per_s: float
    first_loss: float  # nan, as the last, where nothing was learnt
    last_loss: float


@dataclass(frozen=True)
class CacheRow:
    """How much of the inputs' files lay in the page cache, as shares of them."""

    state: str  # cold or warm, as asked for
    before: float  # an epoch: the most of all if cold, the least if warm
    after: float  # the first epoch
    file_bytes: float

    @property
    def obeyed(self) -> bool:
        """Whether what was asked for is what there was, as far as is known."""
        if math.isnan(self.before):
            return True
        return self.before < COLD_SHARE if self.state == "cold" else self.before > 1 - COLD_SHARE


def training_row(record: Record) -> TrainingRow | None:
    """None where no step was taken."""
    stall = interval(record, "stall_fraction", "stall_low", "stall_high")
    if math.isnan(stall.median):
        return None
    return TrainingRow(
        stall,
        number(record["samples_per_s"]),
        number(record["first_loss"]),
        number(record["last_loss"]),
    )


def cache_row(record: Record) -> CacheRow | None:
    """None where no state of the page cache was asked for, or there are no files."""
    state = text(record["cache_state"])
    if not state:
        return None
    before, after = (number(record[f"cache_{when}_fraction"]) for when in ("before", "after"))
    return CacheRow(state, before, after, number(record["cache_file_bytes"]))
