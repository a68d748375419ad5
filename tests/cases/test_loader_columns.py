"""Columns of loaders: what failed has no times."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.cases.columns.loader import loading_columns
from harness.schema.records import Outcome
from tests.journals import loaded, trial

TIMES = {"steady_median_s": 1.0, "steady_low_s": 0.9, "steady_high_s": 1.1}


def test_a_trial_that_failed_is_not_among_the_times() -> None:
    good = [loaded(trial(0, number), 1.0) for number in range(1, 3)]
    failed = replace(
        loaded(trial(0, 3), 50.0, build_s=1000.0), outcome=Outcome("wrong", "values differ")
    )
    alone = loading_columns(good, TIMES)
    assert alone["build_s"] == pytest.approx(1e-4)
    assert loading_columns([*good, failed, failed, failed], TIMES) == pytest.approx(alone)
