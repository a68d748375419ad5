"""The columns of searches under a limit: sizes, models, and how the next size fails."""

from __future__ import annotations

import math
from collections.abc import Callable

from harness.analysis.failure_wording import code_of, is_fatal, place_of
from harness.analysis.verdict_limit import largest_text
from harness.analysis.wording import percent
from harness.cases.parts.limit import FITS_GIB, LimitSummary
from harness.cases.summary import CaseSummary
from harness.report.content.columns import Cell, Column
from harness.report.words.limits import (
    STAGES,
    any_size,
    deviation_text,
    needs_text,
    predicted_text,
)
from harness.units import MISSING, format_multiple, format_size


def _of_limit(cell: Callable[[LimitSummary], Cell]) -> Callable[[CaseSummary], Cell]:
    """A column of what is known where a search found a size."""

    def made(row: CaseSummary) -> Cell:
        limit = row.limit if row.ok else None
        known = limit is not None and not math.isnan(limit.survived_bytes)
        return cell(limit) if limit is not None and known else Cell(MISSING)

    return made


def _largest(row: CaseSummary) -> Cell:
    limit = row.limit
    if limit is None or math.isnan(limit.survived_bytes):
        return Cell(MISSING)
    failed = limit.failed_bytes
    next_size = "nothing larger was tried" if math.isnan(failed) else f"{format_size(failed)} fails"
    return Cell(largest_text(row), tip=next_size)


def _deviation(limit: LimitSummary) -> Cell:
    text = deviation_text(limit)
    return Cell("", mark=text) if limit.verified is False else Cell(text)


def _beyond(limit: LimitSummary) -> Cell:
    place = place_of(limit.where)
    return Cell(f"{limit.kind}{f' at `{place}`' if place else ''}" if limit.kind else MISSING)


def _fits_in(gib: int) -> Column:
    """What fits in a larger memory; below the first of them why nothing is foretold of any."""

    def cell(row: CaseSummary) -> Cell | None:
        sizes = row.limit.fits if row.limit else {}
        if not all(math.isnan(size) for size in sizes.values()):
            return Cell(MISSING if math.isnan(sizes[gib]) else any_size(sizes[gib]))
        if gib != FITS_GIB[0]:
            return None
        why = _why_not(row.limit) if row.limit else ""
        return Cell(why, looks="quiet wrap", width=len(FITS_GIB))

    return Column(f"in {gib} GiB", cell)


def _why_not(limit: LimitSummary) -> str:
    """Why nothing is foretold of larger memories."""
    if limit.verified:
        return "not extrapolated: its model depends on the size"
    if limit.verified is None:
        return "not extrapolated: no cost model"
    if math.isnan(limit.deviation):
        return "not extrapolated: the result differs from the model"
    off = percent(abs(limit.survived_bytes / limit.predicted_bytes - 1))
    return f"not extrapolated: the result differs from the model by {off}"


LARGEST = Column("largest size", _largest)
SHARE = Column("÷ budget", _of_limit(lambda limit: Cell(format_multiple(limit.share))))
TAKES = Column(
    "takes, ÷ data", _of_limit(lambda limit: Cell(needs_text(limit).removesuffix(" the data")))
)
PREDICTED = Column("predicted", _of_limit(lambda limit: Cell(predicted_text(limit))))
BEYOND = Column("what fails above it", _of_limit(_beyond))
LIMIT_COLUMNS = (
    LARGEST,
    SHARE,
    TAKES,
    PREDICTED,
    Column("found − predicted,\n÷ budget", _of_limit(_deviation)),
    *(_fits_in(gib) for gib in FITS_GIB),
    Column("tries", lambda row: Cell(str(row.limit.attempts if row.limit else 0))),
)


def _of_failure(cell: Callable[[LimitSummary], Cell]) -> Callable[[CaseSummary], Cell]:
    return lambda row: cell(row.limit) if row.limit else Cell(MISSING)


def _kind(limit: LimitSummary) -> Cell:
    if is_fatal(limit.kind, limit.reason):  # no program can catch it
        return Cell("", mark=limit.kind, outcome="crash")
    return Cell(limit.kind or MISSING)


def _at(limit: LimitSummary) -> Cell:
    place, code = place_of(limit.where), code_of(limit.where)
    return Cell("" if place else MISSING, place=place, code=code, looks="wrap")


FAILING_COLUMNS = (
    Column("what fails", _of_failure(_kind), number=False),
    Column(
        "during",
        _of_failure(lambda limit: Cell(STAGES.get(limit.stage, limit.stage) or MISSING)),
        number=False,
    ),
    Column("at", _of_failure(_at), number=False),
    Column("reason", _of_failure(lambda limit: Cell(limit.reason, looks="wrap")), number=False),
)
