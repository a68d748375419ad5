"""What line figures show of a case: times, throughput, stalls, memory, largest sizes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from harness.analysis.stalls import COMPUTE, HIDDEN, stall_text
from harness.analysis.sweep import Sweep
from harness.analysis.wording import percent
from harness.analysis.workers import WORKERS
from harness.cases.summary import CaseSummary
from harness.charts.chart import Tip
from harness.charts.ticks import Unit
from harness.report.figures.spec import Values, exactly, rate_within, within
from harness.report.words.limits import largest_tip
from harness.report.words.text import (
    epoch_text,
    rate_text,
    ratio_text,
    samples_per_s_text,
    seconds_text,
    tree_text,
)
from harness.stats.intervals import NOTHING
from harness.units import MISSING, format_multiple


@dataclass(frozen=True)
class Measure:
    """What a line figure shows of a case."""

    key: str
    title: str
    advice: str
    axis: str
    unit: Unit
    log: bool
    of: Callable[[CaseSummary], Values]  # value, low, high; nan where not known
    tip: Callable[[CaseSummary], Tip]


def _rate(row: CaseSummary) -> Values:
    return rate_within(row, row.rate_bytes_per_s)


def _samples(row: CaseSummary) -> Values:
    return 1 / row.pace.median, 1 / row.pace.high, 1 / row.pace.low


def _stall(row: CaseSummary) -> Values:
    return within(row.training.stall if row.training else NOTHING)


def _largest(row: CaseSummary) -> Values:
    if row.limit is None:
        return exactly(math.nan)
    survived, failed = row.limit.survived_bytes, row.limit.failed_bytes
    return survived, survived, survived if math.isnan(failed) else failed


def _ratio(row: CaseSummary) -> tuple[str, str]:
    return "against the baseline", ratio_text(row.ratio)


def _training_tip(row: CaseSummary) -> Tip:
    return (
        ("stalled", stall_text(row.training.stall) if row.training else MISSING),
        ("samples a second", samples_per_s_text(row)),
        ("steady state", epoch_text(row)),
        _ratio(row),
    )


PER_CALL = Measure(
    "time",
    "Time per call",
    "Steady state; lower is better.",
    "time per call",
    "seconds",
    True,
    lambda row: within(row.steady),
    lambda row: (("steady state", seconds_text(row.steady)), _ratio(row)),
)
PER_SAMPLE = Measure(
    "time",
    "Time per sample",
    "Steady state; lower is better.",
    "time per sample",
    "seconds",
    True,
    lambda row: within(row.pace),
    lambda row: (
        ("per sample", seconds_text(row.pace)),
        ("steady state", epoch_text(row)),
        _ratio(row),
    ),
)
RATE = Measure(
    "rate",
    "Throughput",
    "Bytes of batches per second; higher is better. Strategies that share memory move nothing.",
    "GB/s",
    "rate",
    True,
    _rate,
    lambda row: (
        ("throughput", rate_text(row)),
        ("steady state", epoch_text(row)),
        _ratio(row),
    ),
)
SAMPLES = Measure(
    "samples",
    "Samples per second",
    "Steady state, with the training step; higher is better.",
    "samples a second",
    "count",
    True,
    _samples,
    _training_tip,
)
STALL = Measure(
    "stall",
    "Stalled share of an epoch",
    f"Share of a steady epoch; lower is better. Below {percent(HIDDEN)} loading hides behind "
    "computing.",
    "share of an epoch",
    "share",
    False,
    _stall,
    _training_tip,
)
TREE = Measure(
    "tree",
    "Whole process tree",
    "Growth of summed PSS at its peak, without file pages; lower is better.",
    "growth ÷ data",
    "multiple",
    False,
    lambda row: exactly(row.tree_multiple),
    lambda row: (
        ("grown", f"{format_multiple(row.tree_multiple)} the data"),
        ("in bytes", tree_text(row)),
        ("adding up RSS", format_multiple(row.tree_rss_multiple)),
    ),
)
LARGEST = Measure(
    "largest",
    "The largest data that survives",
    "Higher is better.",
    "largest size",
    "bytes",
    True,
    _largest,
    largest_tip,
)


def usual_measure(sweep: Sweep) -> Measure:
    """What a scenario compares."""
    if sweep.by_memory:
        return TREE
    if sweep.by_size:
        return LARGEST
    return PER_SAMPLE if sweep.info.epochs else PER_CALL


def measure_over(sweep: Sweep, name: str) -> Measure:
    """What is asked for over a parameter: of training, stalls and samples a second."""
    if sweep.info.trains and name == COMPUTE:
        return STALL
    if sweep.info.trains and name == WORKERS:
        return SAMPLES
    return usual_measure(sweep)
