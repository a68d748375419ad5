"""Figures of searches under a limit: the largest sizes that survive, and what each byte takes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.analysis.sweep import Sweep
from harness.analysis.verdict import Verdict
from harness.analysis.verdict_limit import KINDS_OF_LIMIT
from harness.cases.summary import CaseSummary
from harness.charts.chart import Axis, Dot, DotFigure, DotRow, ReferenceLine
from harness.charts.ticks import linear_label, log_ticks, widen
from harness.report.figures.dot_rows import dot, dot_rows, extent, first_size, many, sizes_of
from harness.report.words.limits import largest_tip
from harness.units import format_size


def largest_figure(sweep: Sweep, verdict: Verdict) -> DotFigure | None:
    """The largest size that survives, against the budget and the cost model."""

    def dots(row: CaseSummary) -> list[Dot]:
        limit = row.limit
        if limit is None or not sweep.compared(row):
            return []
        failed = limit.survived_bytes if math.isnan(limit.failed_bytes) else limit.failed_bytes
        high = failed / limit.budget_bytes
        tip = largest_tip(row)
        found = [dot(row, "main", limit.share, limit.share, high, tip)]
        predicted = limit.predicted_bytes / limit.budget_bytes
        if predicted <= max(1.0, high):  # what takes no memory is foretold to fit at any size
            found.append(dot(row, "declared", predicted, predicted, predicted, tip))
        return found

    rows = dot_rows(sweep, verdict, dots)
    if not many(rows):
        return None
    limits = [row.limit for row in sweep.main if row.limit and sweep.compared(row)]
    one = limits[0]
    left = one.budget_bytes - max(limit.base_bytes for limit in limits)
    budget = format_size(one.budget_bytes)
    kind = KINDS_OF_LIMIT.get(one.limit, "").replace("`", "")
    return DotFigure(
        sweep.info.name,
        "largest",
        "The largest data that survives",
        f"As a multiple of a budget of {budget} {kind}; further right is better. Upright rules: "
        "the budget, and what Python and torch leave of it. Ticks: by the cost model.",
        Axis("largest size ÷ budget", "multiple", False),
        rows,
        sizes_of(rows),
        first_size(sweep, rows),
        (("main", "found"), ("declared", "predicted")),
        joined=False,
        references=(
            ReferenceLine(left / one.budget_bytes, f"left of it, {format_size(left)}"),
            ReferenceLine(1.0, f"the budget, {budget}"),
        ),
        wide=True,
    )


def needs_figure(sweep: Sweep, verdict: Verdict) -> DotFigure | None:
    """What a byte of data takes, found and predicted, where it takes anything."""

    def dots(row: CaseSummary) -> list[Dot]:
        limit = row.limit
        if limit is None or not sweep.compared(row) or limit.beyond:
            return []
        found, predicted = limit.found_multiple, limit.predicted_multiple
        if not (found > 0 and predicted > 0):
            return []
        tip = largest_tip(row)
        free = limit.budget_bytes - limit.base_bytes
        least = free / limit.failed_bytes if limit.failed_bytes > 0 else found
        return [
            dot(row, "main", found, least, found, tip),
            dot(row, "second", predicted, predicted, predicted, tip),
        ]

    rows = dot_rows(sweep, verdict, dots)
    if not many(rows):
        return None
    return DotFigure(
        sweep.info.name,
        "needs",
        "What a byte of data takes, predicted and found",
        "In all: the data itself, where it is in memory, and every copy at the peak. Left is "
        "better; a long line is a cost model that is wrong. What needs no memory for its data is "
        "not shown.",
        _multiples(rows),
        rows,
        sizes_of(rows),
        first_size(sweep, rows),
        (("main", "found"), ("second", "predicted")),
        joined=True,
        wide=True,
    )


def _multiples(rows: Sequence[DotRow]) -> Axis:
    low, high = widen(extent(rows))
    ticks = log_ticks(low, high, lambda value: linear_label("multiple", value))
    return Axis("memory taken ÷ data", "multiple", True, low, high, ticks)
