"""A verdict in one line: what to use, how much faster, and how much memory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from harness.analysis.failed import nothing_measured
from harness.analysis.matrix import grid
from harness.analysis.sweep import Sweep
from harness.analysis.verdict import verdict
from harness.analysis.verdict_line import matrix_line, verdict_line
from harness.cases.summaries import summaries
from harness.journal.read import read_journal
from harness.schema.records import Case, Outcome, PlannedCase, Rss, Trial
from tests.analysis.planted import sweep_at, tree_sweep
from tests.journals import MIB, parameter, planned, scenario, strategy, trial, write_run

INFO = scenario(
    [
        strategy("base"),
        strategy("other"),
        strategy("third"),
        strategy("view", group="share", shares=True),
    ]
)
HALF = Rss(anon_bytes=MIB // 2)
FEW = "too few processes were timed to name a winner"


def line(
    folder: Path,
    times: dict[str, float],
    *,
    processes: int = 3,
    peaks: dict[str, Rss] | None = None,
) -> str:
    """The line of strategies that take these times, each in some processes."""
    cases = [planned(name, MIB, baseline=name == "base") for name in times]
    trials: list[Trial] = []
    for index, (name, steady_s) in enumerate(times.items()):
        peak = (peaks or {}).get(name, Rss() if name == "view" else None)
        trials += [
            trial(index, number, steady_s * (1 + number / 1000), peak=peak, shares=name == "view")
            for number in range(processes + 1)
        ]
    found = sweep_at(folder, INFO, cases, trials)
    return verdict_line(found, verdict(found))


def test_it_says_what_to_use_how_much_faster_and_how_much_memory(tmp_path: Path) -> None:
    times = {"base": 4e-3, "other": 2e-3, "view": 1e-6}
    assert line(tmp_path, times) == (
        "moving at 1 MiB: if the memory may be shared, view: 4\u202f000× faster than base, "
        "no extra memory; if you need your own copy, other: 2.0× faster than base, 1.00× the data "
        "in extra memory"
    )


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ({"base": 1e-3, "other": 3e-3}, "base: the baseline, 3.0× faster than other, 1.00× the"),
        ({"base": 1e-3}, "base: the baseline, 1.00× the data"),
        ({"base": 1e-3, "other": 1e-3}, "any of base or other: level within 5%, 1.00× the data"),
        ({"base": 4e-3, "other": 1e-3, "third": 1e-3}, "at least 4.0× faster than base, 1.00×"),
    ],
)
def test_what_is_not_certain_is_not_called_faster(
    tmp_path: Path, times: dict[str, float], words: str
) -> None:
    assert words in line(tmp_path, times)


def test_leaders_that_differ_in_memory_take_up_to_the_most_of_it(tmp_path: Path) -> None:
    times = {"base": 4e-3, "other": 1e-3, "third": 1e-3}
    peaks = {"other": Rss(anon_bytes=2 * MIB)}
    assert line(tmp_path, times, peaks=peaks).endswith("up to 2.00× the data in extra memory")


@pytest.mark.parametrize("processes", [1, 2])
def test_too_few_processes_name_no_winner(tmp_path: Path, processes: int) -> None:
    times = {"base": 4e-3, "other": 1e-3, "view": 1e-6}
    said = line(tmp_path, times, processes=processes)
    assert FEW in said
    assert not re.search(r"× (faster|slower)", said)


def test_memory_that_was_not_measured_is_not_none(tmp_path: Path) -> None:
    cases = [planned("base", baseline=True)]
    trials = [replace(trial(0, number), ledger=None) for number in range(4)]
    found = sweep_at(tmp_path, INFO, cases, trials)
    said = verdict_line(found, verdict(found))
    assert "its memory was not measured" in said
    assert "no extra memory" not in said


def ended(folder: Path, outcomes: Sequence[Outcome | None]) -> Sweep:
    """Cases that ended so in the trial for memory; none of them was timed."""
    cases = [planned("base", size * MIB, baseline=True) for size, _ in enumerate(outcomes, 1)]
    trials = [trial(index, 0, outcome=one) for index, one in enumerate(outcomes)]
    return sweep_at(folder, INFO, cases, trials)


BAD = Outcome("error", "ValueError: no")


@pytest.mark.parametrize(
    ("outcomes", "text"),
    [
        ([None, None], "No case was timed; all 2 cases ended well."),
        ([None], "No case was timed; the only case ended well."),
        (
            [None, BAD, BAD],
            "No case was timed; 1 of 3 cases ended well, and 2 of 3 cases ended as error: "
            "ValueError: no.",
        ),
        (
            [BAD, BAD],
            "No case completed; all 2 cases ended as error: ValueError: no.",
        ),
        (
            [BAD, Outcome("oom", "gone"), BAD],
            "No case completed; 2 of 3 cases ended as error: ValueError: no.",
        ),
    ],
)
def test_where_nothing_was_timed_it_says_what_is_known(
    tmp_path: Path, outcomes: Sequence[Outcome | None], text: str
) -> None:
    found = ended(tmp_path, outcomes)
    assert nothing_measured(found) == text
    assert verdict_line(found, verdict(found)) == f"moving {verdict(found).place}: {text}"


def test_process_trees_are_told_by_their_memory(tmp_path: Path) -> None:
    info = replace(INFO, weighs="memory")
    growth = [("base", {"size": 64 * MIB}, 64 * MIB), ("other", {"size": 64 * MIB}, 16 * MIB)]
    found = tree_sweep(tmp_path, info, growth, 64 * MIB)  # type: ignore[arg-type]
    assert verdict_line(found, verdict(found)) == (
        "moving at 64 MiB: if you need your own copy, other: the process tree grows by 0.25× the "
        "data"
    )


def test_cells_of_a_matrix_are_counted(tmp_path: Path) -> None:
    info = scenario(
        [strategy("base")], {"dtype": parameter("float32", "float32", "float64")}, probe=True
    )
    cases = [
        PlannedCase(Case("moving", "base", {"dtype": name})) for name in ("float32", "float64")
    ]
    trials = [
        trial(0, 0, kind="probe", shares=True, peak=Rss()),
        trial(1, 0, kind="probe", outcome=BAD),
    ]
    run = read_journal(write_run(tmp_path / "run.jsonl", cases, trials, infos=[info]))
    said = matrix_line("moving", grid(summaries(run), "moving"))
    assert said == "moving: 2 conversions: 1 shares, 1 raises"
