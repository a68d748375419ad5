"""Searches under a limit, from the command line to the journal and its columns."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from harness.cases.frame import case_frame
from harness.cli import run
from harness.errors import EXIT_UNABLE, EXIT_USAGE
from harness.journal.read import read_journal

SCENARIOS = """
import numpy as np
from harness import Parameter, Scenario

moving = Scenario(
    "moving", question="Does it move?", baseline="copies",
    parameters={"size": Parameter(65536, axis=True), "threads": 1},
)

@moving.inputs
def array(size):
    return np.ones(size, np.uint8)

@moving.strategy(copies=1)
def copies(array):
    '''Once.'''
    return array.copy()

@moving.strategy(copies=0)
def views(array):
    return array[:]

@moving.strategy(copies=1)
def loses(array):
    return array[1:].copy()

@moving.strategy(requires=["no_such_package"])
def needs_more(array):
    return array

@moving.check
def same(array, result):
    assert result.shape == array.shape, "another shape"

limit = Scenario(
    "my_limit", question="How much fits?", baseline="copies",
    borrows={"moving": ("copies", "views", "loses", "needs_more")},
    parameters={
        "budget_bytes": Parameter(320 * 1024**2, axis=True),
        "limit": Parameter("data", choices=("data", "address_space", "cgroup")),
    },
)
"""
MIB = 1024**2


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(SCENARIOS)
    return tmp_path / "mine.py"


def measured(path: str = "run.jsonl") -> pd.DataFrame:
    return case_frame(read_journal(Path(path))).set_index("strategy")


def test_a_scenario_of_ones_own_borrows_and_finds(
    mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["run", "my_limit", "--scenarios", str(mine), "-o", "run.jsonl", "--quick"]
    assert run(arguments) == 0
    said = capsys.readouterr()
    rows = measured()
    assert rows.outcome.to_dict() == {
        "copies": "ok",
        "views": "ok",
        "loses": "wrong",
        "needs_more": "skipped",
    }
    assert set(rows.scenario) == {"my_limit"}, "the source itself was not measured"
    free = rows.budget_bytes["copies"] - rows.base_bytes["copies"]
    for name, multiple in (("copies", 2), ("views", 1)):
        assert rows.verified[name]
        assert rows.survived_bytes[name] == pytest.approx(free / multiple, abs=4 * MIB)
        assert rows.attempts[name] <= 5
    assert rows.failure_kind["copies"] == "array memory"
    assert rows.failure_where["copies"].endswith(": return array.copy()")
    assert rows.failure_stage["copies"] == "call"
    assert rows.failure_stage["views"] == "inputs"
    assert "pip install no_such_package" in rows.reason["needs_more"]
    assert ", 1 failed, 1 skipped" in said.out, "what failed in a search that found is no failure"
    assert "wrong: my_limit/loses" in said.err
    assert "oom: " not in said.err


def test_an_interrupted_search_goes_on_from_its_attempts(mine: Path) -> None:
    arguments = ["run", "my_limit/copies", "--scenarios", str(mine), "-o", "run.jsonl", "--quick"]
    assert run([*arguments, "--seed", "1"]) == 0
    before = read_journal(Path("run.jsonl")).trials
    lines = Path("run.jsonl").read_bytes().splitlines(keepends=True)
    trials = [line for line in lines[1:] if b'"kind":"trial"' in line]
    Path("run.jsonl").write_bytes(lines[0] + trials[0] + b'{"kind":"tri')
    assert measured().outcome["copies"] == "skipped"
    assert measured().reason["copies"].startswith("the search was cut short: ")
    assert run(["run", "--resume", "-o", "run.jsonl"]) == 0
    after = read_journal(Path("run.jsonl"))
    assert after.ended == "complete"
    assert after.trials[0] == before[0]
    assert [trial.round for trial in after.trials] == list(range(1, len(after.trials) + 1))
    sizes = [trial.limit.size_bytes for trial in after.trials if trial.limit]
    assert len(set(sizes)) == len(sizes), "nothing was tried twice"
    assert measured().outcome["copies"] == "ok"
    for trial in after.trials:
        assert trial.kind == "limit"
        assert trial.limit is not None
        assert trial.limit.budget_bytes == 320 * MIB
        assert trial.payload_bytes == trial.limit.size_bytes


def test_a_budget_of_time_is_kept_within_a_search(mine: Path) -> None:
    arguments = ["run", "my_limit/copies", "--scenarios", str(mine), "-o", "run.jsonl", "--quick"]
    assert run([*arguments, "--budget", "1ms"]) == EXIT_UNABLE  # nothing was measured
    assert read_journal(Path("run.jsonl")).ended == "budget"


def test_budgets_and_limits_are_set(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sets = ["--set", "budget_bytes=64MiB,300MiB", "--set", "limit=data,address_space"]
    arguments = ["run", "my_limit/views", "--scenarios", str(mine), "-o", "run.jsonl", "--quick"]
    assert run([*arguments, *sets]) == 0
    frame = case_frame(read_journal(Path("run.jsonl")))
    views = frame[frame.strategy == "views"].set_index(["budget_bytes", "limit"])
    assert views.outcome[300 * MIB, "data"] == "ok"
    for budget, limit in ((64, "data"), (64, "address_space"), (300, "address_space")):
        assert views.outcome[budget * MIB, limit] == "skipped"
        assert views.reason[budget * MIB, limit].startswith(f"a budget of {budget} MiB is less ")
    assert run([*arguments, "--set", "limit=cake", "--force"]) == EXIT_USAGE
    assert "limit cannot be 'cake'" in capsys.readouterr().err


def test_a_source_that_is_not_loaded_is_one_line(
    mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine.write_text(SCENARIOS.replace('"moving": (', '"elsewhere": ('))
    assert run(["list", "my_limit", "--scenarios", str(mine)]) == EXIT_USAGE
    said = capsys.readouterr().err
    assert "my_limit borrows from elsewhere, which is not loaded (there are " in said
    assert "Traceback" not in said
