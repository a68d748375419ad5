"""What one run says of each of its cases, small enough to keep many runs in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.cases.rounds import outcome_of, paired_ratios, steady_by_round
from harness.comparison.amounts import Scale
from harness.comparison.sides import MeasuredCase
from harness.history.metrics import METRICS, MetricName
from harness.host.environment import Environment
from harness.journal.lines import Plan, Run
from harness.schema.records import Outcome, Trial

_COLLECTOR = {True: ", collector on", False: "", None: ", collector not known"}


@dataclass(frozen=True)
class CaseReading:
    """One case in one run.

    Args:
        outcome: of all its trials; a search under a limit has one of its own.
        values: by metric, one for each process that was read; empty where the case is not ok.
        scale: by what its amounts are judged.
        source: a digest of the strategy's code.
        baseline: the key of the case that its ratio is to; "" where it is that itself.
        asks_outcome_alone: it is a cell of a matrix.
    """

    outcome: Outcome
    values: Mapping[MetricName, tuple[float, ...]]
    scale: Scale
    source: str
    baseline: str = ""
    asks_outcome_alone: bool = False


@dataclass(frozen=True)
class PastRun:
    """One run as its history needs it."""

    run_id: str
    created: str  # ISO 8601
    path: Path
    environment: Environment
    sweep: str  # how hard was measured: level, processes, garbage collector
    trials: int
    cases: Mapping[str, CaseReading]  # by key

    @property
    def identity(self) -> tuple[str, str]:
        """What two copies of a run have in common; files of pytest-benchmark are named alike."""
        return self.run_id, self.created

    @property
    def date(self) -> str:
        """``2026-01-31 14:05``, as the machine's clock showed it."""
        return self.created[:16].replace("T", " ")


def past_run(run: Run, keep: Callable[[str], bool] = lambda key: True) -> PastRun:
    """Read off a run what its history needs.

    Args:
        run: a journal, read.
        keep: whether the case of a key is wanted.
    """
    header = run.header
    by_case: dict[int, list[Trial]] = {}
    for trial in run.trials:
        by_case.setdefault(trial.case, []).append(trial)
    baselines = {
        (planned.case.scenario, planned.case.point): by_case.get(index, [])
        for index, planned in enumerate(header.plan.cases)
        if planned.baseline
    }
    names = {
        (planned.case.scenario, planned.case.point): planned.case.key
        for planned in header.plan.cases
        if planned.baseline
    }
    sources = {
        (info.name, strategy.name): hashlib.blake2b(strategy.source.encode()).hexdigest()[:16]
        for info in header.scenarios
        for strategy in info.strategies
    }
    cases = {}
    for index, planned in enumerate(header.plan.cases):
        case, trials = planned.case, by_case.get(index, [])
        if not keep(case.key):
            continue
        outcome = outcome_of(run.ended, planned, trials)
        others = [] if planned.baseline else baselines.get((case.scenario, case.point), [])
        measured = MeasuredCase(planned, outcome, tuple(trials))
        values = dict(_values(measured, others)) if outcome.ok else {}
        source = sources.get((case.scenario, case.strategy), "")
        baseline = "" if planned.baseline else names.get((case.scenario, case.point), "")
        cases[case.key] = CaseReading(
            outcome,
            values,
            Scale.of((measured,)),
            source,
            baseline,
            measured.asks_outcome_alone,
        )
    return PastRun(
        header.run_id,
        header.created,
        run.path,
        header.environment,
        _sweep(header.plan),
        len(run.trials),
        cases,
    )


def _sweep(plan: Plan) -> str:
    collector = _COLLECTOR[plan.effort.collect_garbage]
    processes = plan.effort.trials
    return f"{plan.level}, {processes} process{'' if processes == 1 else 'es'} a case{collector}"


def _values(
    case: MeasuredCase, baseline: list[Trial]
) -> Iterator[tuple[MetricName, tuple[float, ...]]]:
    if times := steady_by_round(case.trials):
        yield "time", tuple(times.values())
    if ratios := paired_ratios(case.trials, baseline):
        yield "ratio", tuple(ratios)
    for metric in METRICS:
        found = metric.amount.of(case) if metric.amount else ()
        if found and metric.name not in ("time", "ratio"):
            yield metric.name, found
