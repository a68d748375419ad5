"""What each further worker adds to a loader: the universal scalability law, from a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.sweep import Sweep
from harness.cases.rounds import steady_s
from harness.cases.summary import CaseSummary
from harness.stats.scalability import LEAST_COUNTS, LEAST_PROCESSES, Scalability, scalability
from harness.stats.size_curve import CONFIDENCE
from harness.units import plural

WORKERS = "num_workers"


@dataclass(frozen=True)
class WorkerModel:
    """One strategy's samples a second by its number of workers.

    Args:
        cases: with workers, ascending by their number, all else being equal.
        law: the constants; None where it is undecided.
        undecided: why; "" where it is not.
    """

    cases: tuple[CaseSummary, ...]
    law: Scalability | None
    undecided: str

    @property
    def name(self) -> str:
        return self.cases[0].name


def worker_models(sweep: Sweep) -> list[WorkerModel]:
    """A model of each strategy that took several numbers of workers, as reports compare them."""
    found = []
    for strategy in sweep.info.strategies:
        rows = [
            row
            for row in sweep.variation(WORKERS, strategy.name)
            if row.timed and row.loading and row.workers > 0
        ]
        if len(rows) > 1:
            found.append(_model(sorted(rows, key=lambda row: row.workers)))
    return found


def _model(cases: Sequence[CaseSummary]) -> WorkerModel:
    rates = {
        case.workers: [
            case.loading.samples / seconds
            for seconds in map(steady_s, case.processes)
            if seconds > 0 and case.loading
        ]
        for case in cases
    }
    law = scalability(rates, CONFIDENCE)
    why = ""
    if law is None:
        why = (
            f"{plural(len(rates), 'number')} of workers timed, and the law has three constants"
            if len(rates) < LEAST_COUNTS
            else f"fewer than {LEAST_PROCESSES} processes with some number of workers"
        )
    return WorkerModel(tuple(cases), law, why)
