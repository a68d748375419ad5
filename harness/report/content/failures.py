"""What has no numbers and why: cases that failed or were skipped, by reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.failure_wording import code_of, place_of
from harness.analysis.sweep import setting
from harness.cases.summary import CaseSummary
from harness.schema.description import ScenarioInfo
from harness.schema.records import OUTCOMES
from harness.units import format_size

FAILURES_NAMED = 6


@dataclass(frozen=True)
class Failure:
    """All cases of a scenario that ended alike."""

    outcome: str
    reason: str
    kind: str  # what gave way; "" where no more is known than the outcome
    place: str  # ``file.py:12``, and the line there
    code: str
    strategies: tuple[str, ...]
    where: str  # the sizes and settings
    count: int


def failures(info: ScenarioInfo, rows: Sequence[CaseSummary]) -> tuple[Failure, ...]:
    """Failed cases first, in the order of ``OUTCOMES``; skipped ones last."""
    alike: dict[tuple[str, str, str, str], list[CaseSummary]] = {}
    for row in rows:
        if row.scenario == info.name and not row.ok:
            alike.setdefault((row.outcome, row.reason, row.kind, row.where), []).append(row)
    order: tuple[str, ...] = OUTCOMES
    return tuple(
        Failure(
            outcome,
            reason,
            kind,
            place_of(where),
            code_of(where),
            tuple(dict.fromkeys(row.name for row in found)),
            _where(info, found),
            len(found),
        )
        for (outcome, reason, kind, where), found in sorted(
            alike.items(), key=lambda item: order.index(item[0][0])
        )
    )


def _where(info: ScenarioInfo, rows: Sequence[CaseSummary]) -> str:
    sizes = sorted({row.size_bytes for row in rows if row.size_bytes is not None})
    settings = list(dict.fromkeys(departs for row in rows if (departs := setting(row, info))))
    parts = [_few([format_size(size) for size in sizes]), _few(settings)]
    return "; ".join(part for part in parts if part)


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - FAILURES_NAMED} more" if len(names) > FAILURES_NAMED else ""
    return ", ".join(names[:FAILURES_NAMED]) + more
