"""What is counted of sweeps that were repeated."""

from __future__ import annotations

from pathlib import Path

from harness.journal.read import read_journal
from harness.selfcheck.repeated_sweeps import Ended, ended, sweep_results, two_winners, without
from tests.journals import MIB, planned, scenario, strategy, trial, write_run

WON, OTHER = Ended("winner", ("a",), True), Ended("winner", ("b",), True)
LEVEL, AMONG = Ended("level", ("b", "c"), True), Ended("level", ("a", "b"), True)
OPEN = Ended("undecided", ("a", "b"), True)
KEY = ("scenario", "1", "copy", "")


def test_two_winners_of_one_contest_are_counted() -> None:
    assert two_winners([{KEY: WON}, {KEY: OTHER}]) == [KEY]
    assert two_winners([{KEY: WON}, {KEY: WON}, {KEY: OPEN}, {}]) == []


def test_a_winner_that_another_run_does_not_find_level_is_counted() -> None:
    assert without([{KEY: WON}, {KEY: LEVEL}]) == [KEY]
    assert without([{KEY: WON}, {KEY: AMONG}, {KEY: OPEN}]) == []


def test_contests_are_those_that_time_decides_at_every_size(tmp_path: Path) -> None:
    info = scenario([strategy("base"), strategy("other"), strategy("view", group="share")])
    names = ("base", "other", "view")
    cases = [
        planned(name, size, baseline=name == "base") for size in (MIB, 4 * MIB) for name in names
    ]
    times = {"base": 9e-3, "other": 1e-3, "view": 1e-6}
    trials = [
        trial(index, number, times[one.case.strategy])
        for index, one in enumerate(cases)
        for number in range(4)
    ]
    path = write_run(tmp_path / "sweep-1.jsonl", cases, trials, infos=[info])
    found = ended(read_journal(path))
    assert {key[:3]: one for key, one in found.items()} == {
        ("moving", str(MIB), "copy"): Ended("winner", ("other",), False),
        ("moving", str(4 * MIB), "copy"): Ended("winner", ("other",), True),
    }
    path.with_suffix(".seconds").write_text("12.5")  # what is there is not measured again
    figures = {one.name: one for one in sweep_results(tmp_path, 1)}
    assert figures["quick sweep"].values == (12.5,)
    assert figures["contests of verdicts: winner"].values == (1.0,)
    assert figures["… ended"].met is True
    assert figures["contests with two different winners"].met is True
