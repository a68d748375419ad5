"""Figures of searches under a limit: the largest sizes that survive, and what each byte takes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from harness.analysis.sweep import Sweep
from harness.analysis.verdict_limit import KINDS_OF_LIMIT
from harness.cases.parts.limit import LimitSummary
from harness.cases.summary import CaseSummary
from harness.charts.chart import Axis, ReferenceLine, Role
from harness.report.figures.spec import (
    DotSpec,
    FigureSpec,
    Subject,
    Values,
    exactly,
    log_values,
    of,
)
from harness.report.words.limits import largest_tip
from harness.units import format_size


def _searched(sweep: Sweep) -> list[CaseSummary]:
    return [row for row in sweep.main if row.limit and sweep.compared(row)]


def _limits(sweep: Sweep) -> list[LimitSummary]:
    return [row.limit for row in _searched(sweep) if row.limit]


def _largest(row: CaseSummary) -> Mapping[Role, Values]:
    limit = row.limit
    assert limit is not None
    failed = limit.survived_bytes if math.isnan(limit.failed_bytes) else limit.failed_bytes
    high = failed / limit.budget_bytes
    found: dict[Role, Values] = {"main": (limit.share, limit.share, high)}
    predicted = limit.predicted_bytes / limit.budget_bytes
    if predicted <= max(1.0, high):  # what takes no memory is foretold to fit at any size
        found["declared"] = exactly(predicted)
    return found


def _budget(sweep: Sweep, rows: Sequence[CaseSummary]) -> str:
    limit = _limits(sweep)[0]
    kind = KINDS_OF_LIMIT.get(limit.limit, "").replace("`", "")
    return (
        f"As a multiple of a budget of {format_size(limit.budget_bytes)} {kind}; further right is "
        "better. Vertical lines: the budget, and what Python and torch leave of it. Ticks: the "
        "cost model's predictions."
    )


def _rules(subject: Subject) -> tuple[ReferenceLine, ...]:
    limits = _limits(subject.sweep)
    budget = limits[0].budget_bytes
    left = budget - max(limit.base_bytes for limit in limits)
    return (
        ReferenceLine(left / budget, f"left of it, {format_size(left)}"),
        ReferenceLine(1.0, f"the budget, {format_size(budget)}"),
    )


def _needs(row: CaseSummary) -> Mapping[Role, Values]:
    limit = row.limit
    if limit is None or limit.beyond:
        return {}
    found, predicted = limit.found_multiple, limit.predicted_multiple
    if not (found > 0 and predicted > 0):
        return {}
    free = limit.budget_bytes - limit.base_bytes
    least = free / limit.failed_bytes if limit.failed_bytes > 0 else found
    return {"main": (found, least, found), "second": exactly(predicted)}


FIGURES: tuple[FigureSpec, ...] = (
    DotSpec(
        of("size"),
        "largest",
        "The largest data that survives",
        _budget,
        Axis("largest size ÷ budget", "multiple", False),
        {"main": "found", "declared": "predicted"},
        _largest,
        largest_tip,
        among=_searched,
        references=_rules,
        wide=True,
    ),
    DotSpec(
        of("size"),
        "needs",
        "What a byte of data takes, predicted and found",
        "In all: the data itself, where it is in memory, and every copy at the peak. Left is "
        "better; a long line is a cost model that is wrong. Strategies that need no memory for "
        "their data are not shown.",
        log_values("memory taken ÷ data", "multiple"),
        {"main": "found", "second": "predicted"},
        _needs,
        largest_tip,
        among=_searched,
        joined=True,
        wide=True,
    ),
)
