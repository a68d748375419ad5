"""Times of loaders: what failed has none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.cases.parts.loading import loading_of
from harness.schema.records import Outcome
from harness.stats.intervals import median_interval
from tests.journals import loaded, trial


def test_a_trial_that_failed_is_not_among_the_times() -> None:
    steady = median_interval([0.9, 1.0, 1.1])
    good = [loaded(trial(0, number), 1.0) for number in range(1, 3)]
    failed = replace(
        loaded(trial(0, 3), 50.0, build_s=1000.0), outcome=Outcome("wrong", "values differ")
    )
    alone = loading_of(good, steady)
    assert alone is not None
    assert alone.build_s == pytest.approx(1e-4)
    assert loading_of([*good, failed, failed, failed], steady) == alone
