"""Findings on planted contradictions, and silence where there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from harness.analysis.remarks import Remark, case_remarks
from harness.cases.frame import case_frame
from harness.cases.summaries import summaries
from harness.journal.read import read_journal
from harness.report.content.columns import STRATEGY_COLUMNS
from harness.schema.description import ScenarioInfo
from harness.schema.records import (
    DeviceMemory,
    DeviceTiming,
    Ledger,
    Outcome,
    PlannedCase,
    Rss,
    Tree,
    Trial,
)
from tests.journals import (
    MIB,
    case,
    loaded,
    planned,
    scenario,
    strategy,
    tree,
    trial,
    watched,
    write_run,
)


def found_in(
    tmp_path: Path,
    cases: Sequence[PlannedCase],
    trials: Sequence[Trial],
    info: ScenarioInfo | None = None,
) -> list[Remark]:
    infos = [info or scenario()]
    run = read_journal(write_run(tmp_path / "run.jsonl", cases, trials, infos=infos))
    return case_remarks(summaries(run), infos)


def copying(index: int, copies: float, payload: int, left: int = 0) -> Trial:
    """The observed trial of a case that copied its payload so many times."""
    peak = Rss(anon_bytes=round(copies * payload))
    ledger = Ledger(Rss(), peak.total_bytes, peak, peak, Rss(left), "VmHWM", "observed")
    return replace(trial(index, 0, payload=payload), ledger=ledger)


def test_what_agrees_with_its_declaration_is_no_finding(tmp_path: Path) -> None:
    cases = [planned("base", 64 * MIB, baseline=True)]
    trials = [copying(0, 1.0, 64 * MIB), *(trial(0, n, payload=64 * MIB) for n in (1, 2, 3))]
    assert found_in(tmp_path, cases, trials) == []


@pytest.mark.parametrize(
    ("copies", "payload", "told"),
    [
        (2.0, 64 * MIB, True),
        (0.0, 64 * MIB, True),
        (1.04, 64 * MIB, False),  # within 5%
        (1.06, 64 * MIB, True),
        (1.45, MIB, False),  # within half a mebibyte
        (1.55, MIB, True),
        (9.0, MIB // 2, False),  # too small to tell copies from stray pages
    ],
)
def test_the_cost_model_is_checked_within_its_tolerance(
    tmp_path: Path, copies: float, payload: int, told: bool
) -> None:
    found = found_in(
        tmp_path, [planned("base", payload, baseline=True)], [copying(0, copies, payload)]
    )
    assert bool(found) is told
    if told:
        assert found[0].kind == "cost model"
        assert found[0].text.endswith("1.00× declared")
        assert found[0].text.startswith(f"{copies:.2f}×" if copies else "0×")


def test_a_shortfall_that_the_exact_peak_explains_is_the_observer_s(tmp_path: Path) -> None:
    # GIVEN parts that read low, and a whole that does not
    size = 64 * MIB
    ledger = Ledger(Rss(), size, Rss(size // 4), Rss(), Rss(), "VmHWM", "missed")
    cases = [planned("base", size, baseline=True)]
    assert found_in(tmp_path, cases, [replace(trial(0, 0, payload=size), ledger=ledger)]) == []
    # BUT not when the rest of it were file pages
    ledger = replace(ledger, peak=Rss(size // 4, file_bytes=size * 3 // 4))
    found = found_in(tmp_path, cases, [replace(trial(0, 0, payload=size), ledger=ledger)])
    assert [one.kind for one in found] == ["cost model"]


def test_declared_to_share_but_copied(tmp_path: Path) -> None:
    info = scenario((strategy("base"), strategy("other", shares=True)))
    trials = [trial(1, 0, shares=False)]
    (one,) = found_in(tmp_path, [planned("base"), planned("other")], trials, info)
    assert (one.kind, one.strategy) == ("not shared", "other")


def test_memory_kept_after_the_result_was_dropped(tmp_path: Path) -> None:
    trials = [copying(0, 1.0, MIB, left=3 * MIB), copying(1, 1.0, MIB, left=MIB // 4)]
    (one,) = found_in(tmp_path, [planned("base"), planned("other")], trials)
    assert (one.kind, one.strategy, one.text) == ("memory kept", "base", "3 MiB still held")


def test_pinned_memory_that_torch_keeps_is_no_leak(tmp_path: Path) -> None:
    untold = dict.fromkeys(DeviceMemory.__annotations__)
    known = {"pinned_taken_bytes": 8 * MIB, "source": "", "used_source": ""}
    pinned = msgspec.convert(untold | known, DeviceMemory)
    timing = DeviceTiming("cuda", 1e-3, None, 0.2, None)
    trials = [
        replace(copying(0, 1.0, 8 * MIB, left=8 * MIB), device_memory=pinned, device_timing=timing),
        replace(copying(1, 1.0, 8 * MIB, left=9 * MIB), device_memory=pinned, device_timing=timing),
    ]
    found = found_in(tmp_path, [planned("base"), planned("other")], trials)
    assert [(one.kind, one.strategy, one.text) for one in found] == [
        ("memory kept", "other", "1 MiB still held"),
        ("pinned memory kept", "base", "8 MiB still held"),
        ("pinned memory kept", "other", "8 MiB still held"),
    ]


def test_processes_left_behind_are_told_even_of_a_failure(tmp_path: Path) -> None:
    bad = replace(trial(0, 0, outcome=Outcome("timeout", "after 60 s")), reaped=2)
    (one,) = found_in(tmp_path, [planned("base")], [bad])
    assert (one.kind, one.text) == ("processes left", "2 had to be killed")


def test_two_speeds(tmp_path: Path) -> None:
    samples = [1e-3] * 6 + [8e-3] * 6
    (one,) = found_in(tmp_path, [planned("base")], [copying(0, 1, MIB), trial(0, 1, samples)])
    assert one.kind == "two modes"
    assert "1 ms" in one.text


def test_a_strategy_is_told_once_at_its_worst(tmp_path: Path) -> None:
    sizes = (MIB, 4 * MIB, 16 * MIB)
    cases = [planned("base", size) for size in sizes]
    trials = [copying(i, c, s) for i, (c, s) in enumerate(zip((2.0, 5.0, 3.0), sizes, strict=True))]
    (one,) = found_in(tmp_path, cases, trials)
    assert (one.case, one.also) == ("4 MiB", 2)
    assert one.text == "5.00× copied, 1.00× declared"


def test_the_gravest_come_first(tmp_path: Path) -> None:
    trials = [copying(0, 1.0, MIB, left=9 * MIB), copying(1, 4.0, MIB)]
    kinds = [one.kind for one in found_in(tmp_path, [planned("base"), planned("other")], trials)]
    assert kinds == ["cost model", "memory kept"]


class TestTrees:
    """What only a watched process tree shows."""

    def found(self, tmp_path: Path, grown: Tree, payload: int = 64 * MIB) -> list[Remark]:
        trials = [watched(0, grown, payload=payload)]
        trials += [
            loaded(trial(0, n, payload=payload), 0.1, data_bytes=10 * MIB) for n in (1, 2, 3)
        ]
        return found_in(tmp_path, [planned("base", payload)], trials)

    @pytest.mark.parametrize(("received", "told"), [(6 * MIB, True), (4 * MIB, False)])
    def test_data_that_came_in_messages(self, tmp_path: Path, received: int, told: bool) -> None:
        found = self.found(tmp_path, replace(tree(MIB), received_bytes=received))
        assert [one.kind for one in found] == ["pickled"] * told
        assert not told or found[0].text == "6 MiB in messages for 10 MiB of batches"

    def test_messages_that_cannot_be_counted_are_no_finding(self, tmp_path: Path) -> None:
        assert self.found(tmp_path, replace(tree(MIB), received_bytes=None)) == []

    @pytest.mark.parametrize(("files", "told"), [(800, True), (700, False)])
    def test_open_files_near_the_usual_limit(self, tmp_path: Path, files: int, told: bool) -> None:
        found = self.found(tmp_path, tree(MIB, files=files))
        assert [one.kind for one in found] == ["open files"] * told

    def test_open_files_near_the_limit_that_was_set(self, tmp_path: Path) -> None:
        cases = [PlannedCase(case("base", open_files=64))]
        (one,) = found_in(tmp_path, cases, [watched(0, tree(MIB, files=60))])
        assert one.text == "60 of 64 that one process may have open"

    @pytest.mark.parametrize(("left", "told"), [(20 * MIB, True), (19 * MIB, False)])
    def test_memory_that_the_tree_kept(self, tmp_path: Path, left: int, told: bool) -> None:
        # GIVEN 64 MiB of data: 16 MiB and 5% of that may stay
        found = self.found(tmp_path, tree(9 * MIB, left=left))
        assert [one.kind for one in found] == ["tree kept"] * told


def test_what_a_check_could_not_judge_is_a_remark_of_a_case_that_is_ok(tmp_path: Path) -> None:
    cases = [planned("base", 64 * MIB, baseline=True), planned("other", 64 * MIB)]
    trials = [
        *(replace(trial(0, n), unverified="the order of 9 samples") for n in range(2)),
        trial(1, 0),
    ]
    (one,) = found_in(tmp_path, cases, trials)
    assert (one.kind, one.strategy, one.text) == ("not verified", "base", "the order of 9 samples")
    run = read_journal(tmp_path / "run.jsonl")
    assert list(case_frame(run).unverified) == ["the order of 9 samples", ""]
    (outcome,) = (column for column in STRATEGY_COLUMNS if column.heading == "outcome")
    shown = [outcome.cell(row) for row in summaries(run)]
    assert [cell and cell.whole for cell in shown] == ["ok (partly verified)", "ok"]
