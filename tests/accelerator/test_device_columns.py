"""What an accelerator adds to a frame, compared with sums done by hand; all figures are planted."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.cases.frame import case_frame
from harness.cases.quantities.devices import DEVICES
from harness.cases.quantities.registry import CASE_COLUMNS
from harness.journal.read import read_journal
from harness.schema.records import Case, DeviceTiming, Overlap, PlannedCase, Trial
from tests.accelerator.device_runs import (
    CEILINGS,
    LINK,
    device_run,
    remembered,
    seconds,
    timed,
    transfers,
)
from tests.journals import MIB, planned, trial, write_run


def row_of(folder: Path, *trials: Trial, direction: str = "to", name: str = "pageable_to") -> Any:
    cases = [PlannedCase(Case("sending", name, {"size": MIB}), True, on_device=True)]
    info = transfers(direction)
    path = write_run(folder / "run.jsonl", cases, trials, infos=[info], ceilings=CEILINGS)
    return case_frame(read_journal(path)).iloc[0]


def test_columns_are_there_and_empty_without_a_device(tmp_path: Path) -> None:
    names = [one.name for one in DEVICES]
    assert set(names) <= set(CASE_COLUMNS)
    path = write_run(tmp_path / "run.jsonl", [planned("base")], [trial(0, 1)], ceilings=CEILINGS)
    row = case_frame(read_journal(path)).iloc[0]
    assert all(row[name] is None or math.isnan(row[name]) for name in names)
    assert row["ceiling"] == "copy"  # and no ceiling of a device is memcpy's


def test_times_are_medians_of_processes(tmp_path: Path) -> None:
    trials = [timed(0, n, done_s, blocked=0.5) for n, done_s in ((1, 1.0), (2, 2.0), (3, 9.0))]
    row = row_of(tmp_path, *trials)
    assert row["steady_median_s"] == 2.0
    assert row["blocked_s"] == 1.0
    assert row["event_s"] == pytest.approx(1.8)
    assert row["context_s"] == 0.25
    assert row["device"] == "cuda"


def test_without_events_there_is_no_column_of_them(tmp_path: Path) -> None:
    row = row_of(tmp_path, timed(0, 1, 1.0, events=False))
    assert math.isnan(row["event_s"])
    assert math.isnan(row["first_event_s"])


def test_what_was_not_found_out_is_a_column(tmp_path: Path) -> None:
    notes = ("no overlap", "", "no overlap", "no events")
    row = row_of(tmp_path, *(timed(0, n, 1.0, note=note) for n, note in enumerate(notes, 1)))
    assert row["device_note"] == "no overlap; no events"
    assert row_of(tmp_path / "none", timed(0, 1, 1.0))["device_note"] is None


def test_overlap_is_the_median_of_all_tries(tmp_path: Path) -> None:
    some = tuple(Overlap(1.0, 1.0, both_s) for both_s in (1.0, 1.5, 2.0))
    row = row_of(tmp_path, timed(0, 1, 1.0, overlaps=some))
    assert row["overlap_fraction"] == pytest.approx(0.5)
    assert row["overlap_both_s"] == 1.5


@pytest.mark.parametrize(
    ("direction", "ceiling", "limit"), [("to", "device_to", LINK), ("from", "device_from", 40e9)]
)
def test_a_transfer_is_held_against_the_link_of_its_direction(
    direction: str, ceiling: str, limit: float, tmp_path: Path
) -> None:
    row = row_of(tmp_path, timed(0, 1, MIB / 20e9), direction=direction)
    assert row["throughput_bytes_per_s"] == pytest.approx(20e9)
    assert row["ceiling"] == ceiling
    assert row["ceiling_fraction"] == pytest.approx(20e9 / limit)


def test_what_stays_on_one_side_has_no_share(tmp_path: Path) -> None:
    row = row_of(tmp_path, timed(0, 1, 1e-6), name="there_already")
    assert row["ceiling"] is None
    assert row["throughput_bytes_per_s"] is None


def test_other_work_on_a_device_is_not_held_against_memcpy(tmp_path: Path) -> None:
    cases = [PlannedCase(Case("moving", "base", {"size": MIB}), True, on_device=True)]
    path = write_run(tmp_path / "run.jsonl", cases, [timed(0, 1, 1e-3)], ceilings=CEILINGS)
    row = case_frame(read_journal(path)).iloc[0]
    assert row["device"] == "cuda"
    assert row["ceiling"] is None


def test_memory_comes_from_the_trial_that_read_it(tmp_path: Path) -> None:
    watched = remembered(timed(0, 0, 1.0), MIB, pinned=3 * MIB)
    row = row_of(tmp_path, watched, timed(0, 1, 1.0))
    assert row["device_peak_bytes"] == 2 * MIB
    assert row["device_peak_reserved_bytes"] == 3 * MIB
    assert row["device_retained_bytes"] == MIB
    assert row["device_context_bytes"] == 500 * MIB
    assert (row["pinned_asked_bytes"], row["pinned_taken_bytes"]) == (3 * MIB, 4 * MIB)
    assert row["device_in_host_memory"] is None


def test_a_backend_that_tells_nothing_leaves_gaps(tmp_path: Path) -> None:
    watched = remembered(timed(0, 0, 1.0), MIB, pinned=None, used=None)
    row = row_of(tmp_path, watched, timed(0, 1, 1.0))
    assert row["device_context_bytes"] is None
    assert row["pinned_taken_bytes"] is None
    assert row["device_peak_bytes"] == 2 * MIB


def test_a_record_survives_the_journal(tmp_path: Path) -> None:
    run = device_run(tmp_path)
    assert run.trials[0].device_memory is not None
    timing = run.trials[1].device_timing
    assert timing is not None
    assert timing.overlaps[0].fraction == 0.0
    assert msgspec.convert(msgspec.to_builtins(timing), DeviceTiming) == timing
    frame = case_frame(run)
    sent = frame[frame["strategy"] == "pinned_to"]
    assert list(sent["steady_median_s"]) == pytest.approx(
        [seconds("pinned_to", size) for size in sent["size_bytes"]]
    )


def test_a_journal_from_before_has_no_device(tmp_path: Path) -> None:
    one = replace(trial(0, 1), device_timing=None, device_memory=None)
    fields = msgspec.to_builtins(one)
    del fields["device_timing"], fields["device_memory"]
    assert msgspec.convert(fields, Trial) == one
