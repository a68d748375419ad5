"""At which setting strategies that start workers are best compared."""

from __future__ import annotations

from collections.abc import Callable

from harness.analysis.sweep import Sweep
from harness.analysis.workers import WORKERS
from harness.cases.summary import CaseSummary


def with_workers(sweep: Sweep, has: Callable[[CaseSummary], bool]) -> tuple[CaseSummary, ...]:
    """Cases of one setting with workers: the one of most strategies, of those with most workers.

    Empty when no two strategies share a setting. Strategies that take no workers are left out:
    they are measured there only to be compared with.
    """
    able = {one.name for one in sweep.info.strategies if not one.names or WORKERS in one.names}

    def fits(row: CaseSummary) -> bool:
        return row.workers > 0 and row.strategy in able and row.ok and has(row)

    settings = [[row for row in sweep.at(sweep.reference) if fits(row)]]
    if WORKERS in sweep.info.parameters:
        varied = [row for row in sweep.variation(WORKERS) if fits(row)]
        counts = sorted({row.workers for row in varied})
        settings += [[row for row in varied if row.workers == count] for count in counts]
    best = max(settings, key=lambda rows: (len(rows), max((r.workers for r in rows), default=0)))
    return tuple(best) if len(best) > 1 else ()
