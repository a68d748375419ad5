"""A journal as pandas frames: one row per trial, one row per case."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from harness.cases.columns.copies import copied_bytes, copies_of
from harness.cases.columns.device import DEVICE_COLUMNS, device_columns, device_share
from harness.cases.columns.files import (
    CACHE_COLUMNS,
    TRAINING_COLUMNS,
    cache_columns,
    training_columns,
)
from harness.cases.columns.limit import LIMIT_COLUMNS, limit_columns
from harness.cases.columns.loader import (
    LOADING_COLUMNS,
    TREE_COLUMNS,
    loading_columns,
    tree_columns,
    watched_tree,
)
from harness.cases.columns.throughput import share_of_ceiling
from harness.cases.rounds import case_outcome, paired_ratio, steady_by_round, steady_s
from harness.journal.lines import Run
from harness.planning.limit_search import limit_outcome
from harness.schema.records import TIMED, PlannedCase, Trial, TrialKind
from harness.stats.intervals import median_interval, two_modes

CASE_COLUMNS = (
    "run_id", "scenario", "strategy", "case", "size_bytes", "payload_bytes", "dtype", "layout",
    "threads", "host", "outcome", "reason", "first_call_s", "steady_median_s", "steady_min_s",
    "steady_low_s", "steady_high_s", "samples", "trials", "peak_extra_bytes", "peak_anon_bytes",
    "peak_file_bytes", "peak_shmem_bytes", "retained_bytes", "copies", "shares_memory",
    "minor_faults_first", "throughput_bytes_per_s", "ceiling_fraction", "ceiling", "in_cache",
    "group", "baseline", "ratio", "ratio_low", "ratio_high", "first_low_s", "first_high_s",
    "coverage", "left_bytes", "minor_faults_steady", "major_faults_first", "expected_copies",
    "two_modes", "result", "result_bytes", "warnings", "reaped", "memory_source",
    "memory_split_source", *LOADING_COLUMNS, *TREE_COLUMNS, *TRAINING_COLUMNS, *CACHE_COLUMNS,
    *LIMIT_COLUMNS, *DEVICE_COLUMNS,
)  # fmt: skip
"""Columns of every case; a scenario's own parameters follow them."""

MEMORY_KINDS: Mapping[TrialKind, int] = {
    "memory": 0, "probe": 0, "time": 1, "duet": 1, "tree": 2,
}  # fmt: skip
"""Which trial's ledger is the case's: the observed one where there is one."""


def trial_frame(run: Run) -> pd.DataFrame:
    """One row per trial, samples summarised by their median.

    Returns:
        Columns scenario, strategy, case, host, kind, round, outcome, reason, first_call_s,
        steady_median_s, samples, wall_s.
    """
    return pd.DataFrame(
        {
            "scenario": planned.case.scenario,
            "strategy": planned.case.strategy,
            "case": planned.case.key,
            "host": planned.case.host,
            "kind": trial.kind,
            "round": trial.round,
            "outcome": trial.outcome.name,
            "reason": trial.outcome.reason,
            "first_call_s": trial.timing.first_call_s if trial.timing else math.nan,
            "steady_median_s": steady_s(trial),
            "samples": len(trial.timing.samples_s) if trial.timing else 0,
            "wall_s": trial.wall_s,
        }
        for trial in run.trials
        for planned in (run.header.plan.cases[trial.case],)
    )


def case_frame(run: Run) -> pd.DataFrame:
    """One row per planned case, with what its trials found out; see ``CASE_COLUMNS``.

    Memory comes from the trial that was observed for it, times from the others: each process
    contributes the median of its samples, the case is the median of its processes, and the
    interval is over processes. ``ratio`` pairs each process with its neighbour of the baseline.
    """
    trials: dict[int, list[Trial]] = {}
    for trial in run.trials:
        trials.setdefault(trial.case, []).append(trial)
    limits = ceiling_rates(run)
    baselines = {
        (planned.case.scenario, planned.case.point): trials.get(index, [])
        for index, planned in enumerate(run.header.plan.cases)
        if planned.baseline
    }
    infos = {info.name: info for info in run.header.scenarios}
    groups = {
        (info.name, strategy.name): strategy.group
        for info in run.header.scenarios
        for strategy in info.strategies
    }
    rows = []
    for index, planned in enumerate(run.header.plan.cases):
        case, made = planned.case, trials.get(index, [])
        own = [trial for trial in made if trial.kind != "limit"]  # attempts measure nothing else
        row: dict[str, Any] = dict.fromkeys(CASE_COLUMNS)
        row |= _identity(run, planned) | _outcome(run, planned, made) | _memory(own)
        row |= _times(own) | _ratio(own, baselines.get((case.scenario, case.point), []))
        row |= loading_columns(own, row) | tree_columns(watched_tree(own))
        row |= training_columns(own, row) | cache_columns(own) | limit_columns(planned, made)
        row["group"] = groups.get((case.scenario, case.strategy), "")
        row |= device_columns(own)
        if row["device"]:
            info = infos[case.scenario]
            crosses = info.strategy(case.strategy).crosses
            row |= device_share(row, info.transfers, crosses, limits)
        else:
            row |= share_of_ceiling(row, own, limits)
        rows.append(row)
    frame = pd.DataFrame(rows)
    extra = [column for column in frame.columns if column not in CASE_COLUMNS]
    return frame.reindex(columns=[*CASE_COLUMNS, *extra])


def ceiling_rates(run: Run) -> dict[tuple[str, int], float]:
    """Bytes a second by ceiling and threads: the median of the rounds."""
    seen: dict[tuple[str, int], list[float]] = {}
    for line in run.ceilings:
        if line.ceiling.bytes_per_s:
            seen.setdefault((line.ceiling.name, line.ceiling.threads), []).append(
                line.ceiling.bytes_per_s
            )
    return {key: statistics.median(rates) for key, rates in seen.items()}


def _identity(run: Run, planned: PlannedCase) -> dict[str, Any]:
    case = planned.case
    parameters = dict(case.parameters)
    return {
        **{name: value for name, value in parameters.items() if name != "size"},
        "run_id": run.header.run_id,
        "scenario": case.scenario,
        "strategy": case.strategy,
        "case": case.key,
        "size_bytes": parameters.get("size"),
        "host": case.host,
        "baseline": planned.baseline,
        "expected_copies": planned.expected_copies,
    }


def _outcome(run: Run, planned: PlannedCase, trials: list[Trial]) -> dict[str, Any]:
    of_search = None if planned.skip else limit_outcome(trials)
    outcome = of_search or case_outcome(run.ended, planned, [trial.outcome for trial in trials])
    return {
        "outcome": outcome.name,
        "reason": outcome.reason,
        "failure_kind": outcome.kind,
        "failure_where": outcome.where,
        "trials": len(trials),
        "reaped": max((trial.reaped for trial in trials), default=0),
        "warnings": "; ".join(dict.fromkeys(text for trial in trials for text in trial.warnings)),
    }


def _memory(trials: list[Trial]) -> dict[str, Any]:
    """Memory of a case, from its observed trial where there is one."""
    ordered = sorted(trials, key=lambda trial: MEMORY_KINDS[trial.kind])
    trial = next((trial for trial in ordered if trial.ledger), None)
    if trial is None or trial.ledger is None:
        known_bytes = max((trial.payload_bytes for trial in trials), default=0)
        return {"payload_bytes": known_bytes} if known_bytes else {}
    ledger, payload = trial.ledger, trial.payload_bytes
    return {
        "payload_bytes": trial.payload_bytes,
        "result_bytes": trial.result_bytes,
        "result": trial.result,
        "peak_extra_bytes": ledger.peak_extra_bytes,
        "peak_anon_bytes": ledger.peak.anon_bytes,
        "peak_file_bytes": ledger.peak.file_bytes,
        "peak_shmem_bytes": ledger.peak.shmem_bytes,
        "retained_bytes": copied_bytes(ledger.retained),
        "left_bytes": copied_bytes(ledger.left),
        "copies": copies_of(ledger, payload),
        "shares_memory": trial.shares_memory,
        "minor_faults_first": trial.faults_first.minor if trial.faults_first else math.nan,
        "major_faults_first": trial.faults_first.major if trial.faults_first else math.nan,
        "memory_source": ledger.source,
        "memory_split_source": ledger.split_source,
    }


def _times(trials: list[Trial]) -> dict[str, Any]:
    timed = [trial for trial in trials if trial.kind in TIMED and trial.timing and trial.outcome.ok]
    firsts = [trial.timing.first_call_s for trial in timed if trial.timing]
    steady = [steady_s(trial) for trial in timed]
    samples = [sample for trial in timed if trial.timing for sample in trial.timing.samples_s]
    first = median_interval(firsts)
    middle = median_interval([value for value in steady if not math.isnan(value)])
    faults = [trial.faults_steady.minor for trial in timed if trial.faults_steady]
    return {
        "first_call_s": first.median,
        "first_low_s": first.low,
        "first_high_s": first.high,
        "steady_median_s": middle.median,
        "steady_min_s": min(samples, default=math.nan),
        "steady_low_s": middle.low,
        "steady_high_s": middle.high,
        "coverage": middle.coverage,
        "samples": len(samples),
        "threads": max((trial.threads for trial in trials), default=None),
        "minor_faults_steady": statistics.median(faults) if faults else math.nan,
        "two_modes": _any_two_modes(timed, steady),
    }


def _any_two_modes(timed: Iterable[Trial], steady: list[float]) -> bool:
    within = (two_modes(trial.timing.samples_s) for trial in timed if trial.timing)
    return any(within) or two_modes(steady)


def _ratio(trials: list[Trial], baseline: list[Trial]) -> dict[str, Any]:
    interval = paired_ratio(steady_by_round(trials), steady_by_round(baseline))
    return {"ratio": interval.median, "ratio_low": interval.low, "ratio_high": interval.high}
