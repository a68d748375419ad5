"""What a claim can be about: by name, which readings of a case's trials it is made of.

A case that failed is no measurement of time or memory; only ``right`` and ``can be caught`` are
about failures. Each reading is of a process of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from harness.cases.copies import copied_bytes, copies_of
from harness.cases.summary import NEGLIGIBLE_BYTES, CaseSummary
from harness.schema.records import Trial
from harness.stats.intervals import known_median
from harness.units import format_multiple, format_seconds, format_share

Kind = Literal["time", "share", "memory", "flag", "limit"]
"""How readings scatter: times by factors, shares by amounts; the others by what can be named."""
TIME_ACCURACY = 0.02
"""The share of a time that the harness itself may be off by."""
SHARE_ACCURACY = 0.01
TREE_ACCURACY_BYTES = 4 * 1024**2
"""Of a process tree, where every process has some memory of its own."""
LIMIT_ACCURACY = 0.02
"""Of a budget, by which a search of the largest size may be off."""
NOT_TRIED = ("skipped", "oom")
"""Outcomes that say nothing of whether a result is right."""


@dataclass(frozen=True)
class Metric:
    """One quantity.

    Args:
        name: as claims and people call it.
        kind: how its readings scatter.
        read: the readings of a case; none where it is not known.
        show: one as text.
        slack: what a reading of a case may be off by, in its unit.
        question: of what is true or not, what is asked of a strategy.
    """

    name: str
    kind: Kind
    read: Callable[[CaseSummary], list[float]]
    show: Callable[[float], str]
    slack: Callable[[CaseSummary], float]
    question: str = ""


def _times(row: CaseSummary) -> list[float]:
    """Of a loader per sample: an epoch's own time depends on how many it has."""
    if not row.timed:
        return []
    return [
        one.timing.median_s / (one.loading.samples if one.loading else 1)
        for one in row.processes
        if one.timing and one.timing.median_s > 0
    ]


def _first_calls(row: CaseSummary) -> list[float]:
    return [one.timing.first_call_s for one in row.processes if row.ok and one.timing]


def _worker_starts(row: CaseSummary) -> list[float]:
    return [one.loading.first.iter_s for one in row.processes if row.ok and one.loading]


def _first_batches(row: CaseSummary) -> list[float]:
    """The wait for a fresh process's first batch, over the steady state's mean batch."""
    found = []
    for one in row.processes:
        loading = one.loading
        if row.ok and loading and loading.steady and loading.batches > 1:
            epoch = sorted(loading.steady, key=lambda epoch: epoch.batches_s)[
                len(loading.steady) // 2
            ]
            first = loading.first.iter_s + loading.first.first_batch_s
            if epoch.batches_s > 0:
                found.append(first / (epoch.batches_s / (loading.batches - 1)))
    return found


def _later_batches(row: CaseSummary) -> list[float]:
    """From one batch of an epoch to the next, without starting and ending workers."""
    return [
        known_median(epoch.batches_s for epoch in one.loading.steady) / (one.loading.batches - 1)
        for one in row.processes
        if row.ok and one.loading and one.loading.steady and one.loading.batches > 1
    ]


def _stalls(row: CaseSummary) -> list[float]:
    found = []
    for one in row.processes:
        stalls = [
            epoch.stall_fraction
            for epoch in (one.loading.steady if row.ok and one.loading else ())
            if epoch.step_s > 0
        ]
        if stalls:
            found.append(sorted(stalls)[len(stalls) // 2])
    return found


def _ledgers(row: CaseSummary) -> Iterator[Trial]:
    """Trials whose memory is known."""
    for one in row.measured if row.ok else ():
        if one.ledger and one.outcome.ok and not math.isnan(copies_of(one.ledger, _payload(one))):
            yield one


def _payload(trial: Trial) -> int:
    return trial.payload_bytes


def _peaks(row: CaseSummary) -> list[float]:
    return [copies_of(one.ledger, _payload(one)) for one in _ledgers(row)]


def _kept(row: CaseSummary) -> list[float]:
    return [
        copied_bytes(one.ledger.retained) / _payload(one) for one in _ledgers(row) if one.ledger
    ]


def _left(row: CaseSummary) -> list[float]:
    return [copied_bytes(one.ledger.left) / _payload(one) for one in _ledgers(row) if one.ledger]


def _trees(row: CaseSummary) -> list[float]:
    """Of the process and its workers; without workers, of the process."""
    trees = [
        one.tree.peak.own_bytes / _payload(one)
        for one in row.measured
        if row.ok and one.tree and one.outcome.ok and _payload(one)
    ]
    return trees if trees or row.planned.tree else _peaks(row)


def _right(row: CaseSummary) -> list[float]:
    """Of each trial; of none where one was not verified or not run, unless another was wrong."""
    known = [
        one for one in row.measured if not one.unverified and one.outcome.name not in NOT_TRIED
    ]
    readings = [float(one.outcome.ok) for one in known]
    return readings if len(known) == len(row.measured) or 0.0 in readings else []


def _sharing(row: CaseSummary) -> list[float]:
    return [float(one.shares_memory) for one in row.measured if one.shares_memory is not None]


def _largest(row: CaseSummary) -> list[float]:
    limit = row.limit
    if not row.ok or limit is None or not limit.monotonic or not (limit.closed or limit.beyond):
        return []
    return [limit.share]


def _caught(row: CaseSummary) -> list[float]:
    """Whether what gave way beyond the largest size was an exception."""
    failure = row.limit.failure if row.limit else None
    if failure is None or not _largest(row):
        return []
    return [float(failure.outcome.name in ("oom", "error"))]


def _in_the_call(row: CaseSummary) -> list[float]:
    if row.limit is None or row.limit.failure is None or not _largest(row):
        return []
    return [float(row.limit.stage == "call")]


def _nothing(row: CaseSummary) -> float:
    return 0.0


def _ledger_accuracy(row: CaseSummary) -> float:
    return NEGLIGIBLE_BYTES / row.payload_bytes


def _tree_accuracy(row: CaseSummary) -> float:
    accuracy_bytes = TREE_ACCURACY_BYTES if row.tree else NEGLIGIBLE_BYTES
    return accuracy_bytes / row.payload_bytes


def _copies(value: float) -> str:
    return f"{max(0.0, value):.2f} copies" if value < 100 else f"{value:.0f} copies"


def _yes(value: float) -> str:
    return "yes" if value == 1 else "no" if value == 0 else f"in {format_share(value)}"


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("time", "time", _times, format_seconds, _nothing),
        Metric("first call", "time", _first_calls, format_seconds, _nothing),
        Metric("start of workers", "time", _worker_starts, format_seconds, _nothing),
        Metric("first batch", "time", _first_batches, format_multiple, _nothing),
        Metric("later batches", "time", _later_batches, format_seconds, _nothing),
        Metric("stall", "share", _stalls, format_share, _nothing),
        Metric("memory at the peak", "memory", _peaks, _copies, _ledger_accuracy),
        Metric("memory kept", "memory", _kept, _copies, _ledger_accuracy),
        Metric("memory left", "memory", _left, _copies, _ledger_accuracy),
        Metric("memory of all processes", "memory", _trees, _copies, _tree_accuracy),
        Metric("right", "flag", _right, _yes, _nothing, "right in every trial"),
        Metric("shares memory", "flag", _sharing, _yes, _nothing, "shares memory"),
        Metric("largest size", "limit", _largest, format_share, lambda row: LIMIT_ACCURACY),
        Metric(
            "fails in the call", "limit", _in_the_call, _yes, _nothing, "fails first in the call"
        ),
        Metric("can be caught", "limit", _caught, _yes, _nothing, "fails so that it can be caught"),
    )
}
