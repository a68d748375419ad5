"""A/B runs from the command line to the verdict, with faults that were planted."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from harness.cli import run as ferrybench
from harness.comparison import counted, paired
from harness.errors import EXIT_NOT_JUDGED, EXIT_OK, EXIT_USAGE, EXIT_WORSE
from harness.journal.read import read_journal
from harness.selfcheck.ab_false_alarms import GATE_SIZES, NAME, PLANTED, STRATEGIES, SUITE

LARGEST = GATE_SIZES[-1]

PROJECT = """
import numpy as np

def load(array):
    return array.copy(){more}
"""
SCENARIO = """
import numpy as np
import thing
from harness.scenario import Parameter, Scenario

mine = Scenario("mine", question="Is it worse?", baseline="load",
                parameters={"size": Parameter(8 * 1024**2, axis=True)})

@mine.inputs
def array(size, rng):
    return rng.integers(0, 9, size, np.uint8)

@mine.check
def same(array, result):
    np.testing.assert_array_equal(array, result)

@mine.strategy()
def load(array):
    return thing.load(array)
"""


def ab(folder: Path, *arguments: str) -> int:
    files = ["--scenarios", str(SUITE), "-o", str(folder / "ab.jsonl")]
    size = () if "--size" in arguments else ("--size", str(LARGEST))
    return ferrybench(["ab", *files, *size, "--seed", "1", *arguments])


@pytest.mark.parametrize("fault", ["copies", "leaks"])
def test_a_twentieth_more_memory_is_found(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counted, "FALSE_ALARM", 0.5)  # new pairs start new hosts
    # A twentieth of it is more than an arena of Python's, of which either side may take one more.
    size = 32 * 1024**2
    plant = json.dumps({f"numpy_copy {size}": {fault: 0.05}})
    junit, markdown = tmp_path / "junit.xml", tmp_path / "summary.md"
    code = ab(
        tmp_path,
        f"{NAME}/numpy_copy",
        *("--size", str(size)),
        *("--candidate", f"{PLANTED}={plant}", "--pairs", "1"),
        *("--junit", str(junit), "--markdown", str(markdown)),
    )
    assert code == EXIT_WORSE
    told = markdown.read_text()
    assert "1 heavier" in told
    assert "numpy\\_copy" in told or "numpy_copy" in told
    assert 'failures="1"' in junit.read_text()
    again = [trial.kind for trial in read_journal(tmp_path / "ab.jsonl").trials if trial.again]
    assert again.count("memory") == again.count("duet") >= 2 * 3  # new pairs, which decided
    # and the same when the journal is judged again
    assert ferrybench(["compare", str(tmp_path / "ab.jsonl")]) == EXIT_WORSE


@pytest.mark.new_hosts
def test_twice_as_slow_is_called_and_measured_anew_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paired, "INTERIM_LOOKS", (10,))  # new pairs start new hosts
    plant = json.dumps({f"numpy_copy {GATE_SIZES[0]}": {"slower": 1.0}})
    # The smallest size: what takes the time here is starting hosts.
    code = ab(
        tmp_path,
        f"{NAME}/numpy_copy",
        *("--size", str(GATE_SIZES[0]), "--candidate", f"{PLANTED}={plant}"),
    )
    assert code == EXIT_WORSE
    run = read_journal(tmp_path / "ab.jsonl")
    duets = [trial for trial in run.trials if trial.kind == "duet"]
    again = {run.header.plan.cases[trial.case].case.strategy for trial in duets if trial.again}
    assert again == {"numpy_copy"}
    halves = [trial.timing for trial in duets if trial.timing]
    assert len(halves) == len(duets)


def test_one_pair_of_identical_sides_is_neither_worse_nor_a_pass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = ab(tmp_path, f"{NAME}/numpy_copy", "--candidate", "NOTHING=1", "--pairs", "1")
    assert code == EXIT_NOT_JUDGED
    told = capsys.readouterr().out
    assert "environments differ in env" in told
    assert "nothing was judged: 1 inconclusive" in told


def test_two_revisions_of_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counted, "FALSE_ALARM", 0.5)  # new pairs start new hosts
    project = tmp_path / "project"
    (project / "src").mkdir(parents=True)
    thing, scenario = project / "src" / "thing.py", project / "mine.py"
    scenario.write_text(SCENARIO)

    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
        command = ["git", *identity, *arguments]
        subprocess.run(command, cwd=project, check=True, capture_output=True)

    git("init", "--quiet")
    for more in ("", ".copy()"):
        thing.write_text(PROJECT.format(more=more))
        git("add", ".")
        git("commit", "--quiet", "-m", "more" if more else "first")
    monkeypatch.chdir(project)
    common = ["ab", "mine", "--scenarios", str(scenario), "--pairs", "1"]
    worse = ferrybench([*common, "--base", "rev=HEAD~1", "--candidate", "rev=HEAD"])
    assert worse == EXIT_WORSE
    listed = subprocess.run(
        ["git", "worktree", "list"], cwd=project, capture_output=True, text=True, check=True
    )
    assert len(listed.stdout.splitlines()) == 1  # nothing is left of the checkouts
    assert ferrybench([*common, "--base", "rev=nowhere"]) == EXIT_USAGE


def test_a_case_that_breaks_on_one_side_is_broken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant = json.dumps({f"numpy_copy {LARGEST}": {"no such fault": 0.05}})
    code = ab(tmp_path, f"{NAME}/numpy_copy", "--candidate", f"{PLANTED}={plant}")
    assert code != EXIT_OK  # the module cannot be imported there: one line, no verdict
    assert "no such fault" in capsys.readouterr().err


def test_the_same_on_both_sides_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert ferrybench(["ab", "tensor_from_array"]) == EXIT_USAGE
    assert "name at least one" in capsys.readouterr().err


def test_an_ab_run_is_neither_resumed_nor_half_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ab(tmp_path, f"{NAME}/numpy_copy", "--candidate", "NOTHING=1", "--budget", "1s")
    journal = str(tmp_path / "ab.jsonl")
    assert ferrybench(["run", "--resume", "-o", journal]) == EXIT_USAGE
    assert "ferrybench ab" in capsys.readouterr().err


def test_the_experiment_knows_its_suite() -> None:
    from harness.trial.planted import gate

    assert tuple(gate.suite.strategies) == STRATEGIES
    assert (gate.SIZES, gate.PLANTED) == (GATE_SIZES, PLANTED)
