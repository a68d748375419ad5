"""A run as pandas frames: one row per trial, one row per case."""

from __future__ import annotations

import math

import pandas as pd

from harness.cases.quantities.registry import CASE_COLUMNS, SECTIONS, columns
from harness.cases.rounds import steady_s
from harness.cases.summaries import summaries
from harness.journal.lines import FORMAT, Run


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
            "samples": trial.timing.samples if trial.timing else 0,
            "wall_s": trial.wall_s,
        }
        for trial in run.trials
        for planned in (run.header.plan.cases[trial.case],)
    )


def case_frame(run: Run) -> pd.DataFrame:
    """One row per planned case, with what its trials found out; see ``CASE_COLUMNS``.

    Of another program's file without the sections of which no case has anything.
    """
    rows = [columns(case) for case in summaries(run)]
    frame = pd.DataFrame(rows)
    extra = [column for column in frame.columns if column not in CASE_COLUMNS]
    for name in extra:  # which not every case has: as they are, since pandas makes 64 into 64.0
        frame[name] = pd.Series([row.get(name) for row in rows], dtype=object)
    known = [*CASE_COLUMNS] if run.header.format == FORMAT else _sections_in(frame)
    return frame.reindex(columns=[*known, *extra])


def _sections_in(frame: pd.DataFrame) -> list[str]:
    empty = frame.isna().all() | (frame == "").all()
    sections = ([one.name for one in section] for section in SECTIONS.values())
    return [name for names in sections if not all(empty[one] for one in names) for name in names]
