"""A case's summary, made straight from its trials: what each interval is worth is its own."""

from __future__ import annotations

import math
from pathlib import Path

from harness.cases.summaries import summaries
from harness.cases.summary import CaseSummary
from harness.journal.read import read_journal
from harness.stats.intervals import Interval
from tests.cases.test_file_columns import stalled, trained
from tests.journals import loaded, planned, scenario, strategy, trial, write_run


def two_of(folder: Path) -> CaseSummary:
    """A loader timed in rounds 1 to 6, whose baseline was timed in rounds 1 and 2 alone.

    The process of round 6 was stopped before its steady state.
    """
    trials = [loaded(trial(0, number), 1.0) for number in (1, 2)]
    trials += [loaded(trial(1, number, first_s=number), 1.0 + number) for number in range(1, 6)]
    trials += [trial(1, 6, [], first_s=6.0)]
    cases = [planned("base", baseline=True), planned("own")]
    infos = [scenario([strategy("base"), strategy("own")])]
    path = write_run(folder / "run.jsonl", cases, trials, infos=infos)
    return summaries(read_journal(path))[1]


def worth(interval: Interval) -> tuple[float, int]:
    return interval.coverage, interval.count


def test_an_interval_has_the_coverage_and_the_count_of_what_it_is_over(tmp_path: Path) -> None:
    """From the smallest to the largest of n, 1 - 2 / 2^n; n is not the same for all."""
    case = two_of(tmp_path)
    assert worth(case.steady) == (1 - 2 / 2**5, 5)
    assert worth(case.ratio) == (0.5, 2)
    assert worth(case.first) == (1 - 2 / 2**6, 6)
    assert case.loading is not None
    assert worth(case.loading.sample) == worth(case.steady)


def test_of_two_rounds_the_ratio_is_not_sure_and_the_time_is(tmp_path: Path) -> None:
    case = two_of(tmp_path)
    assert (case.ratio.low, case.ratio.high) == (2.0, 3.0)
    assert case.ratio.coverage < case.steady.coverage < case.first.coverage


def test_a_stall_is_over_the_processes_that_took_steps(tmp_path: Path) -> None:
    trials = [trained(number, stalled(number, 1)) for number in (1, 2, 3)]
    trials += [trained(number, stalled(1, 0)) for number in (4, 5)]
    path = write_run(tmp_path / "run.jsonl", [planned("base")], trials)
    (case,) = summaries(read_journal(path))
    assert case.training is not None
    assert worth(case.training.stall) == (0.75, 3)
    assert worth(case.steady) == (1 - 2 / 2**5, 5)


def test_of_what_did_not_run_nothing_is_known(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run.jsonl", [planned("base")], [])
    (case,) = summaries(read_journal(path))
    for interval in (case.first, case.steady, case.ratio):
        assert math.isnan(interval.median)
        assert worth(interval) == (0.0, 0)
    assert math.isnan(case.peak_extra_bytes)
    assert case.shares_memory is None
    assert math.isnan(case.payload_bytes)
