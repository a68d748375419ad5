"""Figures of throughput, memory and first calls, from the main cases of any scenario."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from harness.analysis.sweep import Sweep
from harness.cases.summary import CaseSummary
from harness.charts.chart import Axis, Role, Tip
from harness.report.figures.spec import (
    DotSpec,
    FigureSpec,
    Values,
    exactly,
    log_values,
    of,
    rate_within,
    within,
)
from harness.report.words.kinds import kind_of
from harness.report.words.text import (
    beside,
    count_text,
    epoch_text,
    peak_text,
    seconds_text,
    throughput_tip,
)
from harness.units import MISSING, format_multiple

PAGE_BYTES = 4096


def _rate(row: CaseSummary) -> Mapping[Role, Values]:
    if not row.rate_bytes_per_s > 0:
        return {}
    found: dict[Role, Values] = {"main": rate_within(row, row.rate_bytes_per_s)}
    if row.ceiling:
        found["declared"] = exactly(row.ceiling.bytes_per_s)
    return found


def _peak(row: CaseSummary) -> Mapping[Role, Values]:
    if math.isnan(row.peak_multiple) or not row.ok:
        return {}
    found: dict[Role, Values] = {"main": exactly(row.peak_multiple)}
    if not math.isnan(row.expected_copies):
        found["declared"] = exactly(row.expected_copies)
    return found


def _peak_tip(row: CaseSummary) -> Tip:
    return (
        ("extra memory at the peak", f"{format_multiple(row.peak_multiple)} the data"),
        ("in bytes", peak_text(row)),
        ("declared copies", format_multiple(row.expected_copies)),
    )


def _peak_subtitle(sweep: Sweep, rows: Sequence[CaseSummary]) -> str:
    pages = " Pages of the file, which the system can reclaim, are left out."
    return (
        "In multiples of the data; further left is better. Zero means no copy at all. Where a mark "
        "misses its tick by more than 0.5 MiB, the declared cost model is wrong."
        f"{pages if sweep.info.trains else ''}{beside(sweep)}"
    )


def _first_call(row: CaseSummary) -> Mapping[Role, Values]:
    if not (row.timed and row.first.median > 0):
        return {}
    return {"main": within(row.steady), "second": within(row.first)}


def _first_call_tip(row: CaseSummary) -> Tip:
    return (
        ("first call", seconds_text(row.first)),
        ("steady state", seconds_text(row.steady)),
        ("first ÷ steady", format_multiple(row.first.median / row.steady.median)),
    )


def _faults(row: CaseSummary) -> Mapping[Role, Values]:
    if not (row.ok and row.faults_first >= 0 and row.faults_steady >= 0):
        return {}
    return {"main": exactly(row.faults_steady), "second": exactly(row.faults_first)}


def _faults_tip(row: CaseSummary) -> Tip:
    pages = row.payload_bytes / PAGE_BYTES
    share = format_multiple(row.faults_first / pages) if pages > 0 else MISSING
    return (
        ("first call", count_text(row.faults_first)),
        ("each later call", count_text(row.faults_steady)),
        ("first call, for each page of 4 KiB of the data", share),
    )


def _first_batch(row: CaseSummary) -> Mapping[Role, Values]:
    if row.loading is None or not (row.timed and row.first.median > 0):
        return {}
    return {"main": within(row.batch), "second": within(row.first)}


def _first_batch_tip(row: CaseSummary) -> Tip:
    return (
        ("first batch", seconds_text(row.first)),
        ("a batch in steady state", seconds_text(row.batch)),
        ("first ÷ steady", format_multiple(row.first.median / row.batch.median)),
        ("steady state", epoch_text(row)),
    )


def _of_calls(sweep: Sweep) -> bool:
    """Where what comes first is a call."""
    return kind_of(sweep) == "transfers" or (kind_of(sweep) == "time" and not sweep.info.epochs)


def _of_loaders(sweep: Sweep) -> bool:
    kind = kind_of(sweep)
    return kind == "training" or (kind in ("time", "memory") and sweep.info.epochs)


THROUGHPUT = DotSpec(
    of("time"),
    "throughput",
    "Throughput against the ceiling",
    "Data moved per second; further right is better. The tick marks the fastest this machine "
    "can do the same work, at this size, with as many threads, in memory that it has already. "
    "Strategies that share memory move nothing and are not shown.{beside}",
    Axis("GB/s", "rate", False),
    {"main": "steady state", "declared": "its ceiling"},
    _rate,
    throughput_tip,
    least=1,
)
FIGURES: tuple[FigureSpec, ...] = (
    THROUGHPUT,
    DotSpec(
        of("time", "training", "transfers"),
        "memory",
        "Extra memory at the peak",
        _peak_subtitle,
        Axis("extra memory ÷ data", "multiple", False),
        {"main": "measured, first {first}", "declared": "declared copies"},
        _peak,
        _peak_tip,
        least=1,
    ),
    DotSpec(
        _of_calls,
        "first-call",
        "First call against steady state",
        "Left is better. A long line is a cost paid once per process, such as page faults where "
        "memory is touched for the first time.{beside}",
        log_values("time per call", "seconds"),
        {"main": "steady state", "second": "first call"},
        _first_call,
        _first_call_tip,
        joined=True,
        wide=True,
        least=1,
    ),
    DotSpec(
        _of_calls,
        "faults",
        "Page faults, first call and later ones",
        "Left is better. The system hands out fresh memory page by page, each with a fault. A dot "
        "at zero means that later calls reuse memory. Huge pages take far fewer faults.{beside}",
        Axis("page faults per call", "count", False),
        {"main": "each call in steady state", "second": "first call"},
        _faults,
        _faults_tip,
        joined=True,
        wide=True,
    ),
    DotSpec(
        _of_loaders,
        "first-batch",
        "First batch against steady state",
        "Left is better. A fresh process builds the loader, starts its workers if it has any, and "
        "waits for a batch; in steady state an epoch's time is divided by its batches.{beside}",
        log_values("time per batch", "seconds"),
        {"main": "a batch in steady state", "second": "the first batch"},
        _first_batch,
        _first_batch_tip,
        joined=True,
        wide=True,
    ),
)
