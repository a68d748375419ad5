"""The list of cases above their ceiling names each, and fails where there are too many."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.journal.read import read_journal
from harness.selfcheck.ceilings import TOLERATED, lines, main
from tests.journals import MIB, ceiling, planned, scenario, strategy, trial, write_run


def run_with(folder: Path, beating: int, others: int = 3) -> Path:
    names = [f"way_{number}" for number in range(beating + others)]
    cases = [planned(name, baseline=name == "way_0") for name in names]
    times = [1e-3] * beating + [2e-3] * others
    trials = [trial(index, number, one) for index, one in enumerate(times) for number in (1, 2)]
    ceilings = [ceiling("copy", MIB / 1.1e-3), ceiling("read", 1.0, written=0)]
    infos = [scenario([strategy(name) for name in names], baseline=names[0])]
    return write_run(folder / "run.jsonl", cases, trials, infos=infos, ceilings=ceilings)


@pytest.mark.parametrize(
    ("beating", "status"), [(0, 0), (1, 0), (TOLERATED, 0), (TOLERATED + 1, 1)]
)
def test_more_than_a_few_are_too_many(beating: int, status: int, tmp_path: Path) -> None:
    path = run_with(tmp_path, beating)
    said = lines(read_journal(path))
    assert said[-1] == f"{beating} of {beating + 3} cases with a ceiling are above 105% " + (
        f"(copy {beating + 3})"
    )
    assert len(said) == beating + 1
    assert all(line.startswith("110% of copying (") and "way_" in line for line in said[:-1])
    assert main([str(path)]) == status


def test_a_run_without_ceilings_has_none_above(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run.jsonl", [planned("base")], [trial(0, 1)])
    assert lines(read_journal(path)) == ["0 of 0 cases with a ceiling are above 105%"]
