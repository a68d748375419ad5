"""What would decide a contest: that the command measures just these cases, and is enough."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.analysis.ranking import rankings
from harness.analysis.sweep import Sweep, sweep
from harness.analysis.undecided import Needed, command, needed
from harness.cases.summaries import summaries
from harness.cli.run_verb import RunOptions
from harness.journal.read import read_journal
from harness.planning.plan import expand
from harness.schema.description import ScenarioInfo
from harness.schema.records import PlannedCase
from tests.journals import MIB, case, parameter, scenario, strategy, trial, write_run

INFO = scenario(
    [strategy(name, names=("dtype", "threads", "pin")) for name in ("base", "other", "third")],
    {
        "size": parameter(MIB, MIB, 4 * MIB, axis=True),
        "dtype": parameter("f4", "f4", "f8"),
        "threads": parameter(1, 1, 2),
        "pin": parameter(default=False),
    },
)
POINT: dict[str, Any] = {"dtype": "f4", "threads": 1, "pin": False}


def swept(tmp_path: Path, rounds: int, info: ScenarioInfo = INFO) -> Sweep:
    names = ("base", "other", "third")
    cases = [PlannedCase(case(name, 4 * MIB, **POINT), baseline=name == "base") for name in names]
    times = {"base": 9e-3, "other": 1e-3, "third": 1.01e-3}
    trials = [
        trial(index, number, times[name])
        for index, name in enumerate(names)
        for number in range(rounds + 1)
    ]
    run = read_journal(write_run(tmp_path / "run.jsonl", cases, trials, infos=[info]))
    return sweep(info, summaries(run))


def found(own: Sweep) -> Needed | None:
    (ranking,) = rankings(own, own.at(4 * MIB))
    return needed(own, ranking)


def test_the_command_measures_these_cases_and_no_others(tmp_path: Path) -> None:
    own = swept(tmp_path, 3)
    told = found(own)
    assert told is not None
    words = shlex.split(told.command)
    assert words[:4] == ["ferrybench", "run", "moving/other", "moving/third"]
    options = dict(zip(words[5::2], words[6::2], strict=True))
    assert words[4] == "--quick"
    sets = tuple(word for word, before in zip(words[1:], words, strict=False) if before == "--set")
    asked = RunOptions(quick=True, size=options["--size"], set_=sets)
    cases = expand([INFO], asked.request(words[2:4]))
    assert {one.case.strategy for one in cases} == {"base", "other", "third"}
    assert {one.case.point for one in cases} == {case("base", 4 * MIB, **POINT).point}
    assert options["--trials"] == str(told.trials)


def test_as_many_processes_are_enough_if_they_are_like_those_that_were(tmp_path: Path) -> None:
    told = found(swept(tmp_path, 3))
    assert told is not None
    assert told.trials > 3
    assert found(swept(tmp_path, told.trials)) is None
    assert told.text.startswith(f"about {told.trials} processes each would tell, in ")
    assert told.seconds == pytest.approx(3 + told.trials * 3 * 0.1)  # with the baseline's


def test_values_that_are_not_the_default_are_set(tmp_path: Path) -> None:
    own = swept(tmp_path, 3)
    changed = PlannedCase(case("other", 4 * MIB, dtype="f8", threads=1, pin=True))
    row = replace(own.main[1], planned=changed)
    words = shlex.split(command(own, (row,), 7))
    assert {"dtype=f8", "threads=1", "pin=True"} <= set(words)
