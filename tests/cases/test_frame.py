"""The frame: numbers of a case from numbers of its processes, compared with sums done by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.cases.frame import case_frame, trial_frame
from harness.cases.quantities.loaders import LOADING, TREE
from harness.cases.quantities.registry import CASE_COLUMNS
from harness.comparison.amounts import AMOUNTS
from harness.comparison.sides import MeasuredCase
from harness.journal.read import read_journal
from harness.schema.records import (
    MISSED,
    Ceiling,
    Faults,
    Ledger,
    Outcome,
    PlannedCase,
    Rss,
    Trial,
)
from tests.journals import (
    MIB,
    case,
    ceiling,
    loaded,
    planned,
    sample,
    scenario,
    strategy,
    tree,
    trial,
    watched,
    write_run,
)

CEILINGS = [
    ceiling("copy", 10e9),
    ceiling("copy", 20e9),
    ceiling("copy", 12e9),
    ceiling("copy", 5e9, 64 * MIB),
    ceiling("copy", 24e9, threads=2),
    ceiling("copy", 30e9, block_bytes=64 * 1024),
    ceiling("copy", 35e9, 8 * MIB, block_bytes=MIB // 2),
    ceiling("handover", 6e9, block_bytes=64 * 1024, workers=2),
    ceiling("read", 40e9, written=0),
    ceiling("gather", 15e9, piece_bytes=1024),
    ceiling("cast", 8e9, written=MIB // 2, dtypes=("float64", "float32")),
    ceiling("handover", 7e9, workers=2),
    Ceiling("memcpy_fresh", 1, 64 * MIB, 2e9),
    Ceiling("memcpy_touched", 1, MIB, 40e9),
]


def frame_of(
    tmp_path: Path, cases: list[PlannedCase], trials: list[Trial], end: str = "complete"
) -> pd.DataFrame:
    path = write_run(tmp_path / "run.jsonl", cases, trials, ceilings=CEILINGS, end=end)
    return case_frame(read_journal(path))


def test_a_case_is_the_median_of_its_processes_not_of_their_samples(tmp_path: Path) -> None:
    # GIVEN a process with many slow samples beside two quick ones with few
    trials = [
        trial(0, 0),
        trial(0, 1, [9e-3] * 50),
        trial(0, 2, [1e-3, 2e-3, 3e-3]),
        trial(0, 3, [2e-3]),
    ]
    row = frame_of(tmp_path, [planned("base", baseline=True)], trials).iloc[0]
    # THEN each counts once
    assert row.steady_median_s == 2e-3
    assert (row.steady_low_s, row.steady_high_s) == (2e-3, 9e-3)
    assert row.steady_min_s == 1e-3
    assert (row.samples, row.trials) == (54, 4)


def test_ratios_pair_processes_of_one_round(tmp_path: Path) -> None:
    # GIVEN a machine that becomes ten times slower from round to round
    cases = [planned("base", baseline=True), planned("other")]
    trials = [trial(i, 0) for i in (0, 1)]
    for number, speed in enumerate((1e-3, 1e-2, 1e-1), start=1):
        trials += [trial(0, number, speed), trial(1, number, speed * 3)]
    rows = frame_of(tmp_path, cases, trials).set_index("strategy")
    # THEN the ratio does not notice
    for column in ("ratio", "ratio_low", "ratio_high"):
        assert rows.loc["other", column] == pytest.approx(3.0)
    assert rows.loc["base", "ratio"] == 1.0


def test_a_round_that_one_of_the_two_lacks_puts_no_others_out_of_step(tmp_path: Path) -> None:
    # GIVEN the same machine, and a baseline that has a round less, written last to first
    cases = [planned("base", baseline=True), planned("other")]
    speeds = {1: 1e-3, 2: 1e-2, 3: 1e-1, 4: 1.0}
    trials = [trial(0, number, speeds[number]) for number in (4, 3, 1)]
    trials += [trial(1, number, speed * 3) for number, speed in speeds.items()]
    rows = frame_of(tmp_path, cases, trials).set_index("strategy")
    for column in ("ratio", "ratio_low", "ratio_high"):
        assert rows.loc["other", column] == pytest.approx(3.0)


def test_memory_comes_from_the_observed_trial(tmp_path: Path) -> None:
    peak = Rss(anon_bytes=2 * MIB, file_bytes=5 * MIB, shmem_bytes=MIB)
    trials = [trial(0, 1, peak=Rss(anon_bytes=9 * MIB)), trial(0, 0, peak=peak)]
    row = frame_of(tmp_path, [planned("base")], trials).iloc[0]
    assert row.peak_extra_bytes == 8 * MIB
    assert (row.peak_anon_bytes, row.peak_file_bytes) == (2 * MIB, 5 * MIB)
    assert row.copies == 3.0  # file pages are not copies, shared memory is
    assert row.retained_bytes == 3 * MIB


@pytest.mark.parametrize(("payload", "rate"), [(MIB, 20e9), (MIB + 5000, 20e9), (64 * MIB, 5e9)])
def test_the_ceiling_is_of_the_case_s_own_size(tmp_path: Path, payload: int, rate: float) -> None:
    trials = [trial(0, n, 0.1, payload=payload) for n in range(3)]
    row = frame_of(tmp_path, [planned("base")], trials).iloc[0]
    assert row.ceiling == "copy"
    assert row.throughput_bytes_per_s == pytest.approx(payload / 0.1)
    assert row.ceiling_fraction == pytest.approx(payload / 0.1 / rate)  # the best of all rounds
    assert not row.above_ceiling


@pytest.mark.parametrize("payload", [MIB // 2, 2 * MIB, 32 * MIB, 256 * MIB])
def test_no_case_is_held_against_the_ceiling_of_another_size(tmp_path: Path, payload: int) -> None:
    # That was measured in another cache, or in none.
    trials = [trial(0, n, 1e-6, payload=payload) for n in range(3)]
    row = frame_of(tmp_path, [planned("base")], trials).iloc[0]
    assert row.throughput_bytes_per_s == pytest.approx(payload / 1e-6)
    assert pd.isna(row.ceiling)
    assert pd.isna(row.ceiling_fraction)
    assert pd.isna(row.above_ceiling)


@pytest.mark.parametrize(("time_s", "above"), [(MIB / 20.9e9, False), (MIB / 21.1e9, True)])
def test_more_than_a_twentieth_above_the_ceiling_is_a_doubt_about_it(
    tmp_path: Path, time_s: float, above: bool
) -> None:
    row = frame_of(tmp_path, [planned("base")], [trial(0, n, time_s) for n in range(3)]).iloc[0]
    assert row.ceiling_fraction > 1
    assert row.above_ceiling == above


@pytest.mark.parametrize(
    ("word", "dtypes", "result_bytes", "parameters", "expected", "rate"),
    [
        ("copy", ("float32", "float32"), MIB, {}, "copy", 20e9),
        ("copy", ("", ""), 0, {}, "copy", 20e9),
        ("copy", ("float64", "float32"), MIB // 2, {}, "cast", 8e9),
        ("cast", ("float32", "float32"), MIB, {}, "copy", 20e9),
        ("cast", ("int64", "float32"), MIB // 2, {}, None, math.nan),  # was not measured
        ("read", ("float32", "float32"), 4096, {}, "read", 40e9),
        ("gather", ("float32", "float32"), MIB, {}, "gather", 15e9),
        ("copy", ("float32", "float32"), MIB, {"num_workers": 2}, "handover", 7e9),
    ],
)
def test_the_ceiling_is_of_the_kind_of_work_that_a_strategy_declares(
    tmp_path: Path,
    word: str,
    dtypes: tuple[str, str],
    result_bytes: int,
    parameters: dict[str, Any],
    expected: str | None,
    rate: float,
) -> None:
    one = replace(trial(0, 1, 1.0), dtypes=dtypes, result_bytes=result_bytes, row_bytes=1024)
    cases = [PlannedCase(case("base", **parameters))]
    info = scenario([replace(strategy("base"), work=word)])
    path = write_run(tmp_path / "run.jsonl", cases, [one], infos=[info], ceilings=CEILINGS)
    row = case_frame(read_journal(path)).iloc[0]
    if expected is None:
        assert pd.isna(row.ceiling)
        return
    assert row.ceiling == expected
    moved = MIB if word == "read" or not result_bytes else (MIB + result_bytes) / 2
    assert row.ceiling_fraction == pytest.approx(moved / rate)


def test_a_cast_counts_as_the_mean_of_what_it_reads_and_writes(tmp_path: Path) -> None:
    trials = [replace(trial(0, n, 1e-3), result_bytes=MIB // 2) for n in range(3)]
    row = frame_of(tmp_path, [planned("base")], trials).iloc[0]
    assert row.throughput_bytes_per_s == pytest.approx(0.75 * MIB / 1e-3)


def test_sharing_has_no_throughput(tmp_path: Path) -> None:
    trials = [trial(0, n, 1e-6, shares=True, peak=Rss()) for n in range(3)]
    row = frame_of(tmp_path, [planned("base")], trials).iloc[0]
    assert pd.isna(row.throughput_bytes_per_s)
    assert pd.isna(row.ceiling_fraction)
    assert row.copies == 0


def test_ceilings_are_told_apart_by_threads(tmp_path: Path) -> None:
    trials = [trial(0, n, 1e-3, threads=2) for n in range(3)]
    row = frame_of(tmp_path, [planned("base")], trials).iloc[0]
    assert row.ceiling_fraction == pytest.approx(MIB / 1e-3 / 24e9)
    assert row.threads == 2


def test_copies_are_unknown_when_the_observer_missed_the_peak(tmp_path: Path) -> None:
    one = trial(0, 0)
    assert one.ledger is not None
    missed = replace(one, ledger=replace(one.ledger, split_source=MISSED))
    assert pd.isna(frame_of(tmp_path, [planned("base")], [missed]).copies[0])
    assert frame_of(tmp_path, [planned("base")], [one]).copies[0] == 1


def test_a_stray_page_is_not_called_a_copy(tmp_path: Path) -> None:
    trials = [trial(0, n, payload=4096) for n in range(3)]
    row = frame_of(tmp_path, [planned("base", 4096)], trials).iloc[0]
    assert row.peak_extra_bytes == 4096
    assert pd.isna(row.copies)


@pytest.mark.parametrize("failed", [0, 1, 2])
def test_one_failure_makes_the_case_fail_with_its_share(tmp_path: Path, failed: int) -> None:
    bad = Outcome("wrong", "value 3 at [0]")
    trials = [trial(0, number, outcome=bad if number == failed else None) for number in range(3)]
    row = frame_of(tmp_path, [planned("base")], trials).iloc[0]
    assert row.outcome == "wrong"
    assert row.reason == "1 of 3 trials: value 3 at [0]"


def test_every_figure_of_memory_is_that_of_its_own_moment(tmp_path: Path) -> None:
    # GIVEN readings of which no two are equal
    peak, retained, left = Rss(900, 80, 7), Rss(600, 50, 4), Rss(300, 20, 1)
    seen = replace(
        trial(0, 0, payload=MIB),
        ledger=Ledger(Rss(5, 5, 5), 990, peak, retained, left, "VmHWM", "observed"),
        faults_first=Faults(31.0, 2.0),
    )
    timed = replace(trial(0, 1), faults_steady=Faults(17.0, 3.0))
    grown = replace(tree(8 * MIB, left=MIB), idle=sample(2.0, 5 * MIB))
    row = frame_of(tmp_path, [planned("base")], [seen, timed, watched(0, grown)]).iloc[0]
    assert (row.peak_extra_bytes, row.copies) == (990, 907 / MIB)
    assert (row.peak_anon_bytes, row.peak_file_bytes, row.peak_shmem_bytes) == (900, 80, 7)
    assert (row.retained_bytes, row.left_bytes) == (604, 301)
    assert (row.minor_faults_first, row.major_faults_first) == (31, 2)
    assert row.minor_faults_steady == 17
    assert (row.tree_grown_bytes, row.tree_idle_bytes, row.tree_left_bytes) == (
        8 * MIB,
        5 * MIB,
        MIB,
    )
    # THEN comparisons read the same
    read = {
        one.name: one.of(MeasuredCase(planned("base"), Outcome("ok"), (seen,))) for one in AMOUNTS
    }
    assert read["memory kept with the result"] == (604,)
    assert read["memory left after it was dropped"] == (301,)
    assert read["page faults of the first call"] == (31,)


@pytest.mark.parametrize(
    ("end", "words"),
    [("budget", "budget was used up"), ("interrupted", "interrupted"), ("", "cut off")],
)
def test_what_was_not_reached_says_why(tmp_path: Path, end: str, words: str) -> None:
    cases = [planned("base"), planned("other"), planned("third", skip="cannot")]
    rows = frame_of(tmp_path, cases, [trial(0, 0)], end)
    assert list(rows.outcome) == ["ok", "skipped", "skipped"]
    assert words in rows.reason[1]
    assert rows.reason[2] == "cannot"


def test_parameters_of_a_scenario_become_columns(tmp_path: Path) -> None:
    cases = [PlannedCase(case("base", dtype="f4", batch_size=32))]
    rows = frame_of(tmp_path, cases, [trial(0, 0)])
    assert list(rows.columns[: len(CASE_COLUMNS)]) == list(CASE_COLUMNS)
    assert list(rows.columns[len(CASE_COLUMNS) :]) == ["batch_size"]
    assert (rows.batch_size[0], rows.dtype[0], rows.size_bytes[0]) == (32, "f4", MIB)


def test_a_ceiling_that_could_not_be_measured_is_none(tmp_path: Path) -> None:
    failed = replace(ceiling("copy", 0.0), note="not measured: no memory")
    path = write_run(tmp_path / "r.jsonl", [planned("base")], [trial(0, 1)], ceilings=[failed])
    row = case_frame(read_journal(path)).iloc[0]
    assert pd.isna(row.ceiling)
    assert row.throughput_bytes_per_s > 0


class TestLoaders:
    """What epochs come to."""

    def test_a_sample_s_time_is_its_share_of_an_epoch(self, tmp_path: Path) -> None:
        # GIVEN processes whose epochs of 1000 samples take 1, 2 and 4 ms
        trials = [loaded(trial(0, 0), 1e-3, samples=1000)]
        trials += [
            loaded(trial(0, number), seconds, samples=1000)
            for number, seconds in enumerate((1e-3, 4e-3, 2e-3), start=1)
        ]
        row = frame_of(tmp_path, [planned("base", baseline=True)], trials).iloc[0]
        assert row.steady_median_s == pytest.approx(2e-3)
        assert (row.sample_s, row.sample_low_s, row.sample_high_s) == pytest.approx(
            (2e-6, 1e-6, 4e-6)
        )
        assert (row.epoch_samples, row.epoch_batches, row.epoch_bytes) == (1000, 16, MIB)

    def test_phases_are_medians_over_processes_of_medians_over_epochs(self, tmp_path: Path) -> None:
        # GIVEN one process with many slow epochs, and workers that take 10 ms of each
        trials = [
            loaded(trial(0, 1), [0.9] * 9, start_s=10e-3),
            loaded(trial(0, 2), [0.11, 0.21, 0.31], start_s=10e-3),
            loaded(trial(0, 3), [0.11], start_s=10e-3),
        ]
        row = frame_of(tmp_path, [planned("base")], trials).iloc[0]
        assert row.iter_s == pytest.approx(4e-3)
        assert row.batches_s == pytest.approx(0.9 * 0.2)
        assert row.teardown_s == pytest.approx(2e-3)
        assert row.first_batch_s == pytest.approx(4e-3 + 0.1 * 0.2)
        assert row.build_s == 1e-4
        # AND the first epoch, of which each was twice the first of the steady ones
        assert row.first_batches_s == pytest.approx(0.9 * 0.21)
        assert row.first_call_s == pytest.approx(
            row.build_s + row.first_iter_s + row.first_first_batch_s
        )

    def test_throughput_counts_the_batches_not_the_inputs(self, tmp_path: Path) -> None:
        trials = [loaded(trial(0, n, payload=4 * MIB), 1e-3, data_bytes=8 * MIB) for n in range(4)]
        row = frame_of(tmp_path, [planned("base")], trials).iloc[0]
        assert row.throughput_bytes_per_s == pytest.approx(8 * MIB / 1e-3)
        assert row.ceiling_fraction == pytest.approx(8 * MIB / 1e-3 / 35e9)  # batch by batch

    @pytest.mark.parametrize(
        ("shares", "epoch_s"), [(True, 1e-3), (False, 1e-6)], ids=["views", "made before"]
    )
    def test_views_have_no_throughput(self, tmp_path: Path, shares: bool, epoch_s: float) -> None:
        trials = [loaded(trial(0, n, shares=shares), epoch_s) for n in range(4)]
        row = frame_of(tmp_path, [planned("base")], trials).iloc[0]
        assert pd.isna(row.throughput_bytes_per_s)

    def test_batches_of_workers_are_held_against_handing_them_over(self, tmp_path: Path) -> None:
        cases = [PlannedCase(case("base", num_workers=2))]
        row = frame_of(tmp_path, cases, [loaded(trial(0, n), 1e-3) for n in range(4)]).iloc[0]
        assert row.throughput_bytes_per_s == pytest.approx(MIB / 1e-3)
        assert row.ceiling == "handover"
        assert row.ceiling_fraction == pytest.approx(MIB / 1e-3 / 6e9)


class TestTrees:
    """What was seen of process trees."""

    def test_growth_is_told_apart_by_kind_and_by_time(self, tmp_path: Path) -> None:
        grown = tree(8 * MIB, rss=500 * MIB, shmem=3 * MIB, left=MIB, files=40)
        trials = [trial(0, 0), watched(0, grown), trial(0, 1)]
        row = frame_of(tmp_path, [planned("base")], trials).iloc[0]
        assert row.tree_grown_bytes == row.tree_extra_bytes == row.tree_idle_bytes == 8 * MIB
        assert (row.tree_anon_bytes, row.tree_shmem_bytes) == (5 * MIB, 3 * MIB)
        assert (row.tree_left_bytes, row.shm_bytes) == (MIB, 3 * MIB)
        assert (row.tree_rss_bytes, row.tree_rss_extra_bytes) == (500 * MIB, 400 * MIB)
        assert (row.tree_processes, row.most_open_files) == (3, 40)
        assert (row.started_bytes, row.sent_bytes, row.received_bytes) == (0, 1000, 20_000)

    def test_file_pages_do_not_count_as_growth(self, tmp_path: Path) -> None:
        # GIVEN a peak with library pages in it, which another process stopped using
        grown = tree(8 * MIB)
        pages = replace(grown.peak, pss=Rss(8 * MIB, file_bytes=90 * MIB))
        grown = replace(grown, peak=pages)
        row = frame_of(tmp_path, [planned("base")], [trial(0, 0), watched(0, grown)]).iloc[0]
        assert (row.tree_grown_bytes, row.tree_extra_bytes) == (8 * MIB, 98 * MIB)

    def test_the_process_s_own_memory_is_still_that_of_its_own_trial(self, tmp_path: Path) -> None:
        trials = [watched(0, tree(8 * MIB)), trial(0, 0)]
        row = frame_of(tmp_path, [planned("base")], trials).iloc[0]
        assert (row.peak_extra_bytes, row.copies) == (MIB, 1)
        assert row.memory_split_source == "observed"

    def test_a_tree_alone_tells_how_large_the_data_was(self, tmp_path: Path) -> None:
        rows = frame_of(tmp_path, [planned("base")], [watched(0, tree(MIB), payload=3 * MIB)])
        assert rows.payload_bytes[0] == 3 * MIB

    def test_a_tree_that_failed_fails_the_case(self, tmp_path: Path) -> None:
        bad = watched(0, tree(MIB), outcome=Outcome("crash", "SIGBUS"))
        rows = frame_of(tmp_path, [planned("base")], [trial(0, 0), bad])
        assert (rows.outcome[0], rows.reason[0]) == ("crash", "1 of 2 trials: SIGBUS")


def test_what_is_neither_loader_nor_tree_leaves_their_columns_empty(tmp_path: Path) -> None:
    rows = frame_of(tmp_path, [planned("base")], [trial(0, n) for n in range(4)])
    names = [one.name for one in (*LOADING, *TREE)]
    assert set(names) < set(CASE_COLUMNS)
    assert rows[names].isna().all(axis=None)


def test_trials_have_a_frame_of_their_own(tmp_path: Path) -> None:
    trials = [trial(0, 0), trial(0, 1, [1e-3, 3e-3])]
    path = write_run(tmp_path / "r.jsonl", [planned("base")], trials)
    rows = trial_frame(read_journal(path))
    assert list(rows.kind) == ["memory", "time"]
    assert math.isnan(rows.steady_median_s[0])
    assert rows.steady_median_s[1] == 2e-3
