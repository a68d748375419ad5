"""From the plan and the trials of a run to the summaries of its cases."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from harness.cases.parts.device import device_of
from harness.cases.parts.limit import limit_of
from harness.cases.parts.loading import loading_of, watched_tree
from harness.cases.parts.ranks import ranks_of
from harness.cases.parts.training import cache_of, training_of
from harness.cases.rounds import outcome_of, paired_ratio
from harness.cases.summary import CaseSummary
from harness.cases.throughput import limits_of, with_throughput
from harness.journal.lines import Run
from harness.journal.machines import of_one_machine
from harness.planning.rivals import rule_of
from harness.schema.records import TIMED, PlannedCase, Timing, Trial, TrialKind
from harness.stats.contest import ContestRule
from harness.stats.intervals import known_median, median_interval, two_modes

MEMORY_KINDS: Mapping[TrialKind, int] = {
    "memory": 0, "probe": 0, "time": 1, "duet": 1, "tree": 2,
}  # fmt: skip
"""Which trial's ledger is the case's: the observed one where there is one."""


def summaries(run: Run) -> list[CaseSummary]:
    """The cases of a run, in the order of its plan.

    Memory comes from the trial that was observed for it, times from the others: each process
    contributes the median of its samples, the case is the median of its processes, and the
    interval is over processes. The ratio pairs each process with its neighbour of the baseline.

    Raises:
        UsageError: the run is of several machines, of which no number may be made.
    """
    run = of_one_machine(run)
    trials: dict[int, list[Trial]] = {}
    for trial in run.trials:
        trials.setdefault(trial.case, []).append(trial)
    cases = run.header.plan.cases
    baselines = {
        (planned.case.scenario, planned.case.point): trials.get(index, [])
        for index, planned in enumerate(cases)
        if planned.baseline
    }
    infos = {info.name: info for info in run.header.scenarios}
    groups = {
        (info.name, strategy.name): strategy.group
        for info in run.header.scenarios
        for strategy in info.strategies
    }
    limits = limits_of(run)
    rule = rule_of(cases, infos, run.header.plan.effort)
    found = []
    for index, planned in enumerate(cases):
        case = planned.case
        baseline = baselines.get((case.scenario, case.point), [])
        group = groups.get((case.scenario, case.strategy), "")
        summary = _summary(run, planned, group, trials.get(index, []), baseline, rule)
        found.append(with_throughput(summary, infos.get(case.scenario), limits))
    return found


def _summary(
    run: Run,
    planned: PlannedCase,
    group: str,
    trials: Sequence[Trial],
    baseline: Sequence[Trial],
    rule: ContestRule,
) -> CaseSummary:
    """All but what needs the machine's ceilings."""
    own = [trial for trial in trials if trial.kind != "limit"]  # attempts measure nothing else
    processes = [one for one in own if one.kind in TIMED and one.outcome.ok]
    timed = [one.timing for one in processes if one.timing]
    medians = [one.median_s for one in timed if not math.isnan(one.median_s)]
    fastest = [one.fastest_s for one in timed if not math.isnan(one.fastest_s)]
    counts = [one.samples for one in timed]
    steady = median_interval(medians)
    ours = run.header.ours
    size = planned.case.parameters.get("size") if ours else None
    outcome = outcome_of(run.ended, planned, trials)
    limit = limit_of(planned, trials, outcome)
    return CaseSummary(
        run_id=run.header.run_id,
        planned=planned,
        outcome=outcome.name,
        size_bytes=size if isinstance(size, int) else None,
        ours=ours,
        reason=outcome.reason,
        kind=limit.kind if limit else outcome.kind,
        where=limit.where if limit else outcome.where,
        group=group,
        trials=len(trials),
        measured=tuple(own),
        observed=_observed(own),
        first=median_interval([one.first_call_s for one in timed]),
        steady=steady,
        steady_min_s=min(fastest, default=math.nan),
        samples=None if None in counts else sum(count or 0 for count in counts),
        ratio=paired_ratio(own, baseline),
        faults_steady=known_median(
            trial.faults_steady.minor for trial in processes if trial.faults_steady
        ),
        two_modes=_two_modes(medians, timed),
        reaped=max((trial.reaped for trial in trials), default=0),
        warnings="; ".join(dict.fromkeys(text for one in trials for text in one.warnings)),
        unverified="; ".join(dict.fromkeys(one.unverified for one in trials if one.unverified)),
        loading=loading_of(own, steady),
        tree=watched_tree(own),
        epochs=training_of(own, steady),
        cache=cache_of(own),
        limit=limit,
        device=device_of(own),
        rule=rule,
        ranks=ranks_of(own),
    )


def _two_modes(medians: Sequence[float], timed: Sequence[Timing]) -> bool | None:
    """Within processes, or among them; None where there are times of which no sample is known."""
    if medians and not any(one.samples_s for one in timed):
        return None
    return two_modes(medians) or any(two_modes(one.samples_s) for one in timed)


def _observed(trials: Sequence[Trial]) -> Trial | None:
    ordered = sorted(trials, key=lambda trial: MEMORY_KINDS[trial.kind])
    return next((trial for trial in ordered if trial.ledger), None)
