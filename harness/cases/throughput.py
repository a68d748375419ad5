"""Throughput of a case, and its share of the best that the machine can do of the same work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from harness.cases.summary import CaseSummary
from harness.journal.lines import Run
from harness.planning.work import NO_COPYING, work_of
from harness.schema.description import ScenarioInfo
from harness.schema.records import DEVICE_CEILINGS, DISK_CEILINGS, Ceiling, Work

Limits = Mapping[Work | str, Ceiling]
"""Ceilings by their work; those of journals that hold one for all sizes by their name."""
LARGE_ENOUGH = (*DISK_CEILINGS, *DEVICE_CEILINGS)
"""Ceilings that are one of smaller work too: nothing has a cache on its way."""


def limits_of(run: Run) -> dict[Work | str, Ceiling]:
    """The ceilings of a run: of each the best that was measured, as it is a limit."""
    return best_of(line.ceiling for line in run.ceilings)


def best_of(ceilings: Iterable[Ceiling]) -> dict[Work | str, Ceiling]:
    """The best of each that was measured at all."""
    found: dict[Work | str, Ceiling] = {}
    for one in ceilings:
        if not one.bytes_per_s:
            continue
        key = one.work or f"{one.name} {one.threads}"
        if key not in found or one.bytes_per_s > found[key].bytes_per_s:
            found[key] = one
    return found


def with_throughput(case: CaseSummary, info: ScenarioInfo | None, limits: Limits) -> CaseSummary:
    """A case with its throughput, and the ceiling of its work where there is one.

    Of several kinds of work it did the first that it does not beat. An epoch that is many times
    faster than anything moves hands out views, and has no throughput.
    """
    if info is None or not case.steady.median > 0:
        return case
    works = work_of(case.planned, info, case.measured)
    for work in works:
        rate = work.moved_bytes / case.steady.median
        ceiling = _ceiling(work, limits)
        if work is works[-1] or (ceiling and rate <= ceiling.bytes_per_s):
            best = ceiling.bytes_per_s if ceiling else _fastest(limits)
            if case.loading and rate > NO_COPYING * best > 0:
                return case
            return replace(case, rate_bytes_per_s=rate, ceiling=ceiling)
    return case


def _fastest(limits: Limits) -> float:
    return max((c.bytes_per_s for c in limits.values() if c.name not in LARGE_ENOUGH), default=0.0)


def _ceiling(work: Work, limits: Limits) -> Ceiling | None:
    known = limits.get(work.rounded())
    if known is None and work.kind in LARGE_ENOUGH:
        return limits.get(f"{work.kind} 1")
    return known
