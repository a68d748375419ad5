"""What the search under a limit adds to the record of a case."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from harness.cases.cells import Record, number, text, truth
from harness.cases.columns.limit import FITS_GIB

CLOSED = 0.02
"""A frontier is known when it lies within this share of the budget."""


@dataclass(frozen=True)
class LimitRow:
    """The largest size that survived under a limit, and how the next one failed."""

    limit: str  # data, address_space or cgroup
    budget_bytes: float
    base_bytes: float  # of it, what was taken before any data
    survived_bytes: float
    failed_bytes: float  # the smallest size that did not survive; nan where all did
    beyond: bool  # nothing failed up to the largest size that was tried
    predicted_bytes: float  # by the cost model; infinite where it needs none, nan without one
    verified: bool | None  # whether the search bore the model out; None without one
    found_multiple: float  # bytes that each byte of data could have had, beside the base
    predicted_multiple: float
    fits: Mapping[int, float]  # by GiB, what a verified model foretells; nan by one that is not
    attempts: int
    monotonic: bool  # nothing survived that is larger than what failed
    kind: str  # what gave way
    where: str  # ``file.py:12: the line``
    stage: str  # what was being done then: inputs or call
    reason: str

    @property
    def share(self) -> float:
        """The largest size as a multiple of the budget."""
        return self.survived_bytes / self.budget_bytes

    @property
    def closed(self) -> bool:
        """Whether no size much larger survives: not where a search gave up, or nothing failed."""
        return self.failed_bytes - self.survived_bytes <= CLOSED * self.budget_bytes

    @property
    def deviation(self) -> float:
        """By how much of the budget more was found than predicted; nan where neither is known.

        Where nothing failed, no more can be told than that the prediction was survived.
        """
        if self.beyond or math.isinf(self.predicted_bytes):
            return math.nan
        return (self.survived_bytes - self.predicted_bytes) / self.budget_bytes


def limit_row(record: Record) -> LimitRow | None:
    """None where nothing was searched, or nothing of it is known."""
    attempts = number(record["attempts"])
    if math.isnan(attempts):
        return None
    return LimitRow(
        limit=text(record.get("limit")),
        budget_bytes=number(record["budget_bytes"]),
        base_bytes=number(record["base_bytes"]),
        survived_bytes=number(record["survived_bytes"]),
        failed_bytes=number(record["failed_bytes"]),
        beyond=bool(truth(record["beyond"])),
        predicted_bytes=number(record["predicted_bytes"]),
        verified=truth(record["verified"]),
        found_multiple=number(record["found_multiple"]),
        predicted_multiple=number(record["predicted_multiple"]),
        fits={gib: number(record[f"fits_{gib}gib_bytes"]) for gib in FITS_GIB},
        attempts=int(attempts),
        monotonic=truth(record["monotonic"]) is not False,
        kind=text(record["failure_kind"]),
        where=text(record["failure_where"]),
        stage=text(record["failure_stage"]),
        reason=text(record["failure_reason"]),
    )
