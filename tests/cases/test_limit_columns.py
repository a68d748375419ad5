"""What a search found out, as columns of its case; and what they say of larger memories."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.cases.frame import case_frame
from harness.cases.parts.limit import FITS_GIB, limit_of
from harness.cases.quantities.limits import LIMITS
from harness.cases.quantities.registry import CASE_COLUMNS
from harness.cases.summary import CaseSummary
from harness.journal.read import read_journal
from harness.planning.limit_search import limit_outcome, step_bytes
from harness.schema.records import Case, Limit, Outcome, PlannedCase, Trial
from harness.units import GIB
from tests.journals import MIB, parameter, scenario, strategy, write_run

BUDGET, BASE = 512 * MIB, 192 * MIB
STEP = step_bytes(BUDGET)
OOM = Outcome(
    "oom", "RuntimeError: can't allocate", "tensor memory", "moving.py:3: torch.tensor(a)"
)
CASE = Case("limit", "base", {"budget_bytes": BUDGET, "limit": "data"})
PLANNED = PlannedCase(CASE, baseline=True, expected_copies=1.0)
INFO = replace(
    scenario(
        (replace(strategy("base", group="moving"), borrowed_from="moving", path="/moving.py"),),
        {"budget_bytes": parameter(BUDGET, axis=True), "limit": parameter("data")},
        name="limit",
    ),
    borrows={"moving": ("base",)},
    input_parameters=(),
)


def attempt(
    number: int,
    steps: float,
    outcome: Outcome | None = None,
    *,
    held: float | None = 1.0,
    stage: str = "",
    labels: float = 0.0,
) -> Trial:
    """An attempt at ``steps`` of the grid.

    Args:
        number: which it was.
        steps: its size.
        outcome: how it ended.
        held: what inputs and setup took, in multiples of the inputs.
        stage: what it failed in.
        labels: what comes on top of the size, as a share of it.
    """
    size = int(steps * STEP)
    payload = round(size * (1 + labels))
    held_bytes = None if held is None else round(held * payload)
    return Trial(
        case=0,
        kind="limit",
        round=number,
        outcome=outcome or Outcome("ok"),
        wall_s=0.5,
        payload_bytes=payload,
        limit=Limit("data", BUDGET, BASE, size, stage, held_bytes),
    )


FOUND = [attempt(1, 64), attempt(2, 65, OOM, stage="call")]  # 320 MiB free, needed twice


def columns(trials: Sequence[Trial], planned: PlannedCase = PLANNED) -> dict[str, Any]:
    """The columns of a search; none where nothing was searched."""
    search = limit_of(planned, trials)
    assert search is not None
    case = CaseSummary("run", planned, "ok", kind=search.kind, where=search.where, limit=search)
    return {one.name: one.of(case) for one in LIMITS}


def test_the_frontier_lies_between_survivor_and_failure() -> None:
    row = columns(FOUND)
    assert (row["survived_bytes"], row["failed_bytes"]) == (64 * STEP, 65 * STEP)
    assert row["attempts"] == 2
    assert row["base_bytes"] == BASE
    assert row["beyond"] is False
    assert row["monotonic"] is True
    assert row["budget_multiple"] == pytest.approx(BUDGET / (64 * STEP))
    assert row["found_multiple"] == pytest.approx((BUDGET - BASE) / (64 * STEP))
    assert limit_outcome(FOUND) == Outcome("ok")


def test_the_first_size_that_fails_says_how_and_where() -> None:
    other = Outcome("crash", "SIGABRT (aborted)", "abort", "moving.py:9: else()")
    row = columns([attempt(1, 99, other, stage="inputs"), *FOUND])
    assert row["failure_kind"] == "tensor memory"
    assert row["failure_where"] == "moving.py:3: torch.tensor(a)"
    assert row["failure_stage"] == "call"
    assert row["failure_reason"] == "RuntimeError: can't allocate"


def test_a_model_is_held_against_what_is_left_of_the_budget() -> None:
    row = columns(FOUND)
    assert row["predicted_multiple"] == 2.0
    assert row["predicted_bytes"] == (BUDGET - BASE) / 2
    assert row["verified"] is True
    off = columns(FOUND, replace(PLANNED, expected_copies=1.1))
    assert off["predicted_bytes"] == pytest.approx((BUDGET - BASE) / 2.1)
    assert off["verified"] is False
    unknown = columns(FOUND, replace(PLANNED, expected_copies=None))
    assert math.isnan(unknown["predicted_bytes"])
    assert unknown["verified"] is None


@pytest.mark.parametrize(
    ("copies", "verified"), [(1.0, True), (1.05, False), (0.9, False), (1.02, True), (0.98, True)]
)
def test_two_percent_decide(copies: float, verified: bool) -> None:
    assert columns(FOUND, replace(PLANNED, expected_copies=copies))["verified"] is verified


def test_inputs_that_are_files_take_no_memory_and_setup_takes_its_own() -> None:
    files = [attempt(1, 128, held=0.0), attempt(2, 129, OOM, held=0.0)]
    row = columns(files)
    assert (row["held_multiple"], row["predicted_multiple"]) == (0.0, 1.0)
    assert row["predicted_bytes"] == BUDGET - BASE
    assert row["verified"] is True
    buffers = [attempt(1, 64, held=2.0), attempt(2, 65, OOM, held=None)]
    row = columns(buffers, replace(PLANNED, expected_copies=0.0))
    assert row["predicted_multiple"] == 2.0
    assert row["verified"] is True


def test_sizes_are_those_asked_for_even_where_labels_come_on_top() -> None:
    trials = [attempt(1, 62, labels=0.02), attempt(2, 63, OOM, labels=0.02)]
    row = columns(trials)
    assert row["predicted_bytes"] == pytest.approx((BUDGET - BASE) / 2 / 1.02, rel=1e-6)


def test_what_survives_at_every_size_needs_nothing() -> None:
    largest = attempt(1, -(-2 * BUDGET // STEP), held=0.0)
    row = columns([largest], replace(PLANNED, expected_copies=0.0))
    assert row["beyond"] is True
    assert math.isnan(row["failed_bytes"])
    assert row["predicted_bytes"] == math.inf
    assert row["verified"] is True
    assert row["fits_8gib_bytes"] == math.inf
    against = columns([largest])
    assert against["verified"] is False, "the model says that it needs as much as its data"


def test_only_a_verified_model_says_what_fits_elsewhere() -> None:
    row = columns(FOUND)
    assert FITS_GIB == (8, 32, 128)
    for gib in FITS_GIB:
        assert row[f"fits_{gib}gib_bytes"] == pytest.approx((gib * GIB - BASE) / 2)
    off = columns(FOUND, replace(PLANNED, expected_copies=2.0))
    assert all(math.isnan(off[f"fits_{gib}gib_bytes"]) for gib in FITS_GIB)
    apart = columns(FOUND, replace(PLANNED, size_dependent=True))
    assert math.isnan(apart["fits_8gib_bytes"])
    search = limit_of(PLANNED, FOUND)
    assert search is not None
    assert search.fits_in(BUDGET) == row["predicted_bytes"]
    assert math.isnan(search.fits_in(BASE / 2)), "less than Python itself"


@pytest.mark.parametrize(
    "outcome",
    [Outcome("wrong", "row 3", "wrong data"), Outcome("skipped", "a budget of 1 MiB is less …")],
)
def test_a_search_that_ends_otherwise_has_that_outcome(outcome: Outcome) -> None:
    trials = [attempt(1, 50, outcome)]
    assert limit_outcome(trials) == outcome
    row = columns(trials)
    assert math.isnan(row["survived_bytes"])
    assert row["verified"] is None
    assert limit_outcome([]) is None


def test_a_search_that_was_cut_short_is_no_frontier() -> None:
    cut_short = "the search was cut short: 160 MiB survived"
    assert limit_outcome([attempt(1, 64)]) == Outcome("skipped", cut_short)
    found = limit_outcome([attempt(1, 64), attempt(2, 90, OOM)])
    assert found == Outcome("skipped", f"{cut_short}, 225 MiB did not")


def frame_of(tmp_path: Path, trials: Sequence[Trial], end: str = "complete") -> pd.Series[Any]:
    path = write_run(tmp_path / "run.jsonl", [PLANNED], trials, infos=[INFO], end=end)
    return case_frame(read_journal(path)).iloc[0]


def test_a_case_has_its_search_and_nothing_else(tmp_path: Path) -> None:
    """The sources' own cases are not in this journal; nor are times, or memory, of attempts."""
    row = frame_of(tmp_path, FOUND)
    assert {one.name for one in LIMITS} <= set(CASE_COLUMNS)
    assert (row.outcome, row.reason, row.group) == ("ok", "", "moving")
    assert (row.budget_bytes, row.limit) == (BUDGET, "data")
    assert row.survived_bytes == 64 * STEP
    assert row.trials == 2
    for name in ("steady_median_s", "first_call_s", "peak_extra_bytes", "copies", "ratio"):
        assert pd.isna(row[name]), name
    assert pd.isna(row.size_bytes)
    assert pd.isna(row.payload_bytes)


def test_a_case_that_was_not_reached_says_so(tmp_path: Path) -> None:
    row = frame_of(tmp_path, [], end="budget")
    assert (row.outcome, row.reason) == ("skipped", "not reached: the time budget was used up")
    assert pd.isna(row.survived_bytes)


def test_any_failing_case_has_a_kind_and_a_line(tmp_path: Path) -> None:
    planned = PlannedCase(Case("moving", "base", {"size": MIB}))
    trial = Trial(0, "memory", 0, OOM)
    path = write_run(tmp_path / "run.jsonl", [planned], [trial])
    row = case_frame(read_journal(path)).iloc[0]
    assert (row.failure_kind, row.failure_where) == (OOM.kind, OOM.where)
