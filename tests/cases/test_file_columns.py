"""What training from files adds to a frame, compared with sums done by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.cases.frame import case_frame
from harness.cases.quantities.loaders import CACHE, TRAINING
from harness.cases.quantities.registry import CASE_COLUMNS
from harness.journal.read import read_journal
from harness.schema.records import Ceiling, Epoch, Loading, Outcome, PageCache, Training, Trial
from tests.journals import MIB, case, ceiling, planned, trial, write_run

CEILINGS = [
    ceiling("copy", 10e9),
    ceiling("copy", 10e9, block_bytes=MIB // 10),
    Ceiling("disk_sequential", 1, 64 * MIB, 2e9),
    Ceiling("disk_random", 1, 4 * MIB, 100e6),
]


def stalled(waiting_s: float, step_s: float) -> Epoch:
    return Epoch(waiting_s / 4, waiting_s / 4, waiting_s / 4, waiting_s / 4, step_s)


def trained(
    number: int,
    *epochs: Epoch,
    first: Epoch | None = None,
    rebuilds_s: tuple[float, ...] = (),
    losses: tuple[float, float] | None = None,
    cache: PageCache | None = None,
    **more: Any,
) -> Trial:
    made = rebuilds_s or (0.0,) * len(epochs)
    totals = [epoch.total_s + rebuild_s for epoch, rebuild_s in zip(epochs, made, strict=True)]
    return replace(
        trial(0, number, totals, **more),
        loading=Loading(0.0, first or epochs[0], epochs, 10, 100, MIB, rebuilds_s),
        training=Training(40, *losses) if losses else None,
        page_cache=cache,
    )


def row_of(tmp_path: Path, *trials: Trial, **parameters: Any) -> Any:
    cases = [replace(planned("base"), case=case("base", **parameters))]
    path = write_run(tmp_path / "run.jsonl", cases, list(trials), ceilings=CEILINGS)
    return case_frame(read_journal(path)).iloc[0]


# Training


def test_the_stall_is_the_median_epochs_of_each_process(tmp_path: Path) -> None:
    # GIVEN processes whose median epochs stall 20 %, 25 % and 50 %
    trials = [
        trained(1, stalled(1, 4), stalled(2, 8), stalled(9, 1)),
        trained(2, stalled(1, 3), first=stalled(3, 1)),
        trained(3, stalled(1, 1), stalled(3, 3)),
    ]
    row = row_of(tmp_path, *trials)
    assert (row.stall_low, row.stall_fraction, row.stall_high) == (0.2, 0.25, 0.5)
    assert row.first_stall_fraction == 0.5
    assert row.step_s == pytest.approx(3.0)  # medians 4, 3 and 2
    assert row.first_step_s == 1.0


def test_samples_a_second_are_those_of_a_steady_epoch(tmp_path: Path) -> None:
    row = row_of(tmp_path, trained(1, stalled(1, 3), stalled(1, 3)))
    assert row.samples_per_s == 25.0


def test_losses_are_medians_over_processes(tmp_path: Path) -> None:
    losses = [(9.0, 3.0), (8.0, 2.0), (1.0, 0.5)]
    trials = [trained(n, stalled(1, 1), losses=pair) for n, pair in enumerate(losses, 1)]
    row = row_of(tmp_path, *trials)
    assert (row.first_loss, row.last_loss) == (8.0, 2.0)


def test_making_a_loader_anew_is_a_part_of_a_cold_epoch_and_no_stall(tmp_path: Path) -> None:
    row = row_of(tmp_path, trained(1, *[stalled(1, 1)] * 3, rebuilds_s=(5.0, 6.0, 7.0)))
    assert row.rebuild_s == 6.0
    assert row.steady_median_s == 8.0
    assert row.stall_fraction == 0.5


def test_without_a_step_nothing_stalls(tmp_path: Path) -> None:
    row = row_of(tmp_path, trained(1, stalled(1, 0)))
    for column in ("stall_fraction", "stall_low", "stall_high", "first_stall_fraction"):
        assert math.isnan(row[column])
    assert math.isnan(row.first_loss)
    assert row.samples_per_s == 100.0


def test_what_is_wrong_does_not_count(tmp_path: Path) -> None:
    wrong = Outcome("wrong", "it does not learn", kind="no learning")
    row = row_of(tmp_path, trained(1, stalled(9, 1), outcome=wrong, losses=(1.0, 2.0)))
    assert row.outcome == "wrong"
    assert pd.isna(row.stall_fraction)
    assert pd.isna(row.last_loss)


def test_every_column_is_there_where_nothing_is_known(tmp_path: Path) -> None:
    row = row_of(tmp_path, trial(0, 1))
    columns = [one.name for one in (*TRAINING, *CACHE)]
    assert {*columns, "step_s", "first_step_s"} < set(CASE_COLUMNS)
    assert row[columns].isna().all()


# Page cache


def cached(state: str, before: int, after: int, file_bytes: int = 1000) -> PageCache:
    return PageCache(state, file_bytes, before, after, 4, "evicted, counted")


@pytest.mark.parametrize(
    ("state", "befores", "worst"),
    [("cold", (0, 7, 5), 7), ("warm", (1000, 993, 998), 993)],
)
def test_the_worst_of_the_trials_counts(
    state: str, befores: tuple[int, ...], worst: int, tmp_path: Path
) -> None:
    trials = [
        trained(number, stalled(1, 1), cache=cached(state, before, 100 * number))
        for number, before in enumerate(befores)
    ]
    row = row_of(tmp_path, *trials)
    assert (row.cache_state, row.cache_file_bytes) == (state, 1000)
    assert row.cache_before_bytes == worst
    assert row.cache_before_fraction == worst / 1000
    assert row.cache_after_fraction == 0.2


# The disk's ceilings


def cold(time_s: float, payload: int = 64 * MIB, samples: int = 100) -> Trial:
    done = trained(1, stalled(time_s / 2, time_s / 2), cache=cached("cold", 0, 1000))
    assert done.loading is not None
    return replace(done, payload_bytes=payload, loading=replace(done.loading, samples=samples))


SMALL = 64 * MIB // 4096  # samples of a page each


@pytest.mark.parametrize(
    ("parameters", "time_s", "samples", "expected", "limit"),
    [
        ({"access": "sequential"}, 1.0, SMALL, "disk_sequential", 2e9),
        ({"access": "chunks"}, 1.0, SMALL, "disk_sequential", 2e9),
        ({"access": "shuffled"}, 1.0, SMALL, "disk_random", 100e6),
        ({"access": "shuffled"}, 1.0, 1023, "disk_random", 100e6),  # of 64 KiB, and some for labels
        ({"access": "shuffled"}, 1.0, 960, "disk_sequential", 2e9),
        ({"access": "shuffled"}, 0.1, SMALL, "disk_sequential", 2e9),  # too fast for that
        ({"shuffle": True}, 1.0, SMALL, "disk_random", 100e6),
        ({"shuffle": False}, 1.0, SMALL, "disk_sequential", 2e9),
        ({"access": "sequential", "num_workers": 2}, 1.0, SMALL, "disk_sequential", 2e9),
        ({"access": "shuffled", "num_workers": 2}, 1.0, SMALL, None, 0.0),
    ],
)
def test_cold_files_are_held_against_the_disk(
    parameters: dict[str, Any],
    time_s: float,
    samples: int,
    expected: str | None,
    limit: float,
    tmp_path: Path,
) -> None:
    row = row_of(tmp_path, cold(time_s, samples=samples), **parameters)
    assert row.throughput_bytes_per_s == pytest.approx(64 * MIB / time_s)
    if expected is None:
        assert pd.isna(row.ceiling)
    else:
        assert row.ceiling == expected
        assert row.ceiling_fraction == pytest.approx(64 * MIB / time_s / limit)


def test_what_a_batch_shares_with_a_cold_file_was_read_all_the_same(tmp_path: Path) -> None:
    row = row_of(tmp_path, replace(cold(1.0), shares_memory=True), access="sequential")
    assert row.ceiling == "disk_sequential"


def test_faster_than_the_disk_is_marked(tmp_path: Path) -> None:
    row = row_of(tmp_path, cold(0.01), access="sequential")
    assert row.above_ceiling


def test_memory_is_not_held_against_the_disk(tmp_path: Path) -> None:
    row = row_of(tmp_path, trial(0, 1, 1e-3))
    assert row.ceiling == "copy"


def test_time_that_was_spent_training_has_no_ceiling_in_memory(tmp_path: Path) -> None:
    warm = cached("warm", 1000, 1000)
    row = row_of(tmp_path, trained(1, stalled(0.5, 0.5), cache=warm))
    assert row.throughput_bytes_per_s == pytest.approx(MIB)
    assert pd.isna(row.ceiling)
    read = row_of(tmp_path / "read", trained(1, stalled(0.001, 0.0), cache=warm))
    assert read.ceiling == "copy"
