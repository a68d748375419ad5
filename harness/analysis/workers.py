"""What worker processes do to a loader: its epochs, and the wait for the first batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.analysis.ranking import certainly_less
from harness.analysis.sweep import Sweep
from harness.analysis.wording import factor, series, span
from harness.cases.summary import CaseSummary
from harness.units import format_seconds, format_size

WORKERS = "num_workers"
START_METHOD = "start_method"
APART = 1.5
"""First batches that differ by less are not worth a sentence."""


def workers(sweep: Sweep) -> Iterator[str]:
    """What workers cost or gain, and how long each way of starting them takes."""
    yield epochs_with_workers(sweep)
    yield first_batches(sweep)


def epochs_with_workers(sweep: Sweep) -> str:
    """How an epoch with workers compares with one without; "" where that is not certain."""
    rows = _variation(sweep, WORKERS)
    alone = next((row for row in rows if row.workers == 0), None)
    busy = sorted((row for row in rows if row.workers > 0), key=lambda row: row.workers)
    if alone is None or not busy:
        return ""
    slower = [row for row in busy if certainly_less(alone.steady, row.steady)]
    faster = [row for row in busy if certainly_less(row.steady, alone.steady)]
    said = []
    if slower:
        longer = span([row.steady.median / alone.steady.median for row in slower], factor)
        said.append((_counts(slower), f"takes {longer} as long as in the process itself"))
    if faster:
        gain = span([alone.steady.median / row.steady.median for row in faster], factor)
        said.append((_counts(faster), f"is {gain} faster than in the process itself"))
    if not said:
        return ""
    subject = f"an epoch of `{alone.strategy}`{_over(sweep, alone)}"
    text = "; ".join(
        f"with {counts} {'it' if index else subject} {what}"
        for index, (counts, what) in enumerate(said)
    )
    if all(certainly_less(alone.first, row.first, APART) for row in busy):
        waits = span([row.first.median for row in busy], format_seconds)
        instead = format_seconds(alone.first.median)
        text += f", and the first batch comes after {waits} instead of {instead}"
    return text


def first_batches(sweep: Sweep) -> str:
    """How long the first batch takes by the way of starting workers; "" where all are alike."""
    rows = sorted(
        (row for row in _variation(sweep, START_METHOD) if row.workers > 0),
        key=lambda row: row.first.median,
    )
    if len(rows) < 2 or not certainly_less(rows[0].first, rows[-1].first, APART):
        return ""
    waits = [
        f"{format_seconds(row.first.median)} with {row.parameters[START_METHOD]}" for row in rows
    ]
    of = f"of `{rows[0].strategy}`{_over(sweep, rows[0])} with {_counts(rows[:1])}"
    return f"the first batch {of} comes after {series(waits)}"


def _variation(sweep: Sweep, name: str) -> list[CaseSummary]:
    """The timed cases in which one strategy varies a parameter: the baseline, or one like it."""
    # The baseline is measured wherever another strategy is, even at what makes no difference.
    able = [one.name for one in sweep.info.strategies if not one.names or name in one.names]
    for strategy in sorted(able, key=lambda one: one != sweep.info.baseline):
        rows = [row for row in sweep.variation(name, strategy) if row.timed and row.loading]
        if len(rows) > 1:
            return rows
    return []


def _over(sweep: Sweep, row: CaseSummary) -> str:
    """The size of the data, where it is not the one that all else speaks of."""
    if row.size_bytes is None or row.size_bytes == sweep.reference:
        return ""
    return f" over {format_size(row.size_bytes)}"


def _counts(rows: Sequence[CaseSummary]) -> str:
    counts = sorted({row.workers for row in rows})
    noun = "worker" if counts == [1] else "workers"
    return f"{series([str(count) for count in counts], 'or')} {noun}"
