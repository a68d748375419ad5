"""The searches under one limit as tables: sizes, models, and how each way fails beyond."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.sweep import Sweep
from harness.analysis.verdict_limit import KINDS_OF_LIMIT
from harness.cases.summary import CaseSummary
from harness.report.content.limit_columns import FAILING_COLUMNS, LIMIT_COLUMNS
from harness.report.content.tables import Table, table
from harness.units import format_size


@dataclass(frozen=True)
class LimitTable:
    """Every strategy under one limit, by the scenario it comes from."""

    where: str  # the budget
    found: Table
    failing: Table  # of those alone whose next size failed in a way that is known


def limit_table(sweep: Sweep) -> LimitTable | None:
    """The main searches of a scenario; None where it makes none."""
    if not sweep.by_size or not sweep.main:
        return None
    failing = [row for row in sweep.main if row.ok and row.limit and row.limit.reason]
    return LimitTable(
        where(sweep.main),
        table(sweep, sweep.main, LIMIT_COLUMNS),
        table(sweep, failing, FAILING_COLUMNS),
    )


def where(rows: Sequence[CaseSummary]) -> str:
    """``768 MiB of … , 176 MiB of it taken before any data``; "" where nothing is known."""
    limits = [row.limit for row in rows if row.limit]
    if not limits:
        return ""
    base = format_size(max(limit.base_bytes for limit in limits))
    budget = f"{format_size(limits[0].budget_bytes)} {KINDS_OF_LIMIT.get(limits[0].limit, '')}"
    return f"{budget.strip()}, {base} of it taken before any data"
