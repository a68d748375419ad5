"""The searches under one limit as rows of text: sizes, models, and how each way fails beyond."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.failure_wording import code_of, is_fatal, place_of
from harness.analysis.ranking import rankings
from harness.analysis.sweep import Sweep
from harness.analysis.verdict_limit import KINDS_OF_LIMIT, largest_text
from harness.analysis.wording import percent
from harness.cases.columns.limit import FITS_GIB
from harness.cases.limit_rows import LimitRow
from harness.cases.rows import CaseRow
from harness.report.content.tables import standings
from harness.report.words.limits import (
    STAGES,
    any_size,
    deviation_text,
    needs_text,
    predicted_text,
)
from harness.report.words.order import by_group
from harness.units import MISSING, format_multiple, format_size


@dataclass(frozen=True)
class LimitLine:
    """One strategy."""

    name: str
    baseline: bool
    published: str
    standing: str  # "largest", "level" with that one, or ""
    outcome: str
    reason: str
    largest: str
    range: str  # the smallest size that failed
    share: str  # of the budget
    needs: str  # found
    predicted: str
    deviation: str
    verified: bool | None
    attempts: int
    kind: str  # what gave way beyond the largest size
    place: str  # ``file.py:12``
    code: str  # the line there
    stage: str
    how: str  # the whole reason
    fatal: bool  # no program can catch it
    fits: tuple[str, ...]  # one for each memory of the table; empty where nothing is foretold
    why: str  # why nothing is

    @property
    def ok(self) -> bool:
        return self.outcome == "ok"


LimitGroup = tuple[str, str, tuple[LimitLine, ...]]
"""The name of a source, its promise, and its lines."""


@dataclass(frozen=True)
class LimitTable:
    """Every strategy under one limit, by the scenario it comes from."""

    where: str  # the budget
    memories: tuple[str, ...]  # that models are extrapolated to
    groups: tuple[LimitGroup, ...]

    @property
    def failing(self) -> tuple[LimitGroup, ...]:
        """The groups with those lines alone whose next size failed in a way that is known."""
        kept = [
            (name, promise, tuple(line for line in lines if line.ok and line.how))
            for name, promise, lines in self.groups
        ]
        return tuple(group for group in kept if group[2])


def limit_table(sweep: Sweep) -> LimitTable | None:
    """The main searches of a scenario; None where it makes none."""
    if not sweep.by_size or not sweep.main:
        return None
    standing = standings(rankings(sweep, sweep.main))
    by_name = {row.strategy: row for row in sweep.main}
    return LimitTable(
        where(sweep.main),
        tuple(f"{gib} GiB" for gib in FITS_GIB),
        tuple(
            (
                group,
                sweep.info.meaning(group) if group else "",
                tuple(_line(sweep, by_name[name], standing.get(name, "")) for name in names),
            )
            for group, names in by_group(sweep)
        ),
    )


def where(rows: Sequence[CaseRow]) -> str:
    """``768 MiB of … , 176 MiB of it taken before any data``; "" where nothing is known."""
    limits = [row.limit for row in rows if row.limit]
    if not limits:
        return ""
    base = format_size(max(limit.base_bytes for limit in limits))
    budget = f"{format_size(limits[0].budget_bytes)} {KINDS_OF_LIMIT.get(limits[0].limit, '')}"
    return f"{budget.strip()}, {base} of it taken before any data"


def _line(sweep: Sweep, row: CaseRow, standing: str) -> LimitLine:
    limit, info = row.limit, sweep.info.strategy(row.strategy)
    known = limit if limit is not None and sweep.compared(row) else None
    return LimitLine(
        name=row.strategy,
        baseline=row.baseline,
        published=info.published,
        standing=standing,
        outcome=row.outcome,
        reason=row.reason,
        largest=largest_text(row) if known else MISSING,
        range=_failed_at(known) if known else "",
        share=format_multiple(known.share) if known else MISSING,
        needs=needs_text(known).removesuffix(" the data") if known else MISSING,
        predicted=predicted_text(known) if known else MISSING,
        deviation=deviation_text(known) if known else MISSING,
        verified=known.verified if known else None,
        attempts=limit.attempts if limit else 0,
        kind=limit.kind if limit else row.kind,
        place=place_of(limit.where if limit else row.where),
        code=code_of(limit.where if limit else row.where),
        stage=STAGES.get(limit.stage, limit.stage) if limit else "",
        how=limit.reason if limit else row.reason,
        fatal=limit is not None and is_fatal(limit.kind, limit.reason),
        fits=_fits(known),
        why=_why_not(known) if known else "",
    )


def _failed_at(limit: LimitRow) -> str:
    if math.isnan(limit.failed_bytes):
        return "nothing larger was tried"
    return f"{format_size(limit.failed_bytes)} fails"


def _fits(limit: LimitRow | None) -> tuple[str, ...]:
    if limit is None or all(math.isnan(size) for size in limit.fits.values()):
        return ()
    return tuple(MISSING if math.isnan(size) else any_size(size) for size in limit.fits.values())


def _why_not(limit: LimitRow) -> str:
    """Why nothing is foretold of larger memories."""
    if limit.verified:
        return "" if _fits(limit) else "not extrapolated: its model is another at other sizes"
    if limit.verified is None:
        return "not extrapolated: no cost model"
    if math.isnan(limit.deviation):
        return "not extrapolated: found differs from the model"
    off = percent(abs(limit.survived_bytes / limit.predicted_bytes - 1))
    return f"not extrapolated: found differs from the model by {off}"
