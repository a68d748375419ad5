"""Runs of loader scenarios from the command line to the journal, with what can go wrong in them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from harness.cases.frame import case_frame
from harness.cli import run
from harness.host.inputs import PREFIX
from harness.journal.lines import Run
from harness.journal.read import read_journal
from tests.some import some

# Their loaders' workers hung in hosts forked from a process that had served other tests before.
pytestmark = pytest.mark.new_hosts

SCENARIO = """
import os
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

from harness import Parameter, Scenario
from harness.batches import number_rows, verify_epoch

scenario = Scenario(
    "loading", question="Does it load?", baseline="dataset", epochs=True,
    parameters={
        "size": Parameter(65536, axis=True),
        "batch_size": Parameter(8),
        "num_workers": Parameter(0, quick=(0, 1)),
        "shuffle": Parameter(False),
    },
)


@scenario.inputs
def rows(size, rng):
    return number_rows(rng.random((max(2, size // 1024), 256), dtype="float32"))


def no_batches(batch_size):
    return None if batch_size > 0 else f"a batch of {batch_size} samples holds nothing"


@scenario.strategy(skip=no_batches)
def dataset(rows, batch_size, num_workers, shuffle):
    return DataLoader(
        TensorDataset(torch.from_numpy(rows)),
        batch_size,
        shuffle=shuffle,
        num_workers=num_workers,
        multiprocessing_context="fork" if num_workers else None,
    )


@scenario.strategy(shares_memory=True)
def slices(rows, batch_size):
    return torch.from_numpy(rows).split(batch_size)


@scenario.strategy()
def forgets_a_row(rows, batch_size):
    return torch.from_numpy(rows[:-1]).split(batch_size)


@scenario.strategy()
def needs_what_nobody_has(rows):
    return []


scenario.strategies["needs_what_nobody_has"].__dict__["requires"] = ("no_such_package",)


@scenario.strategy()
def writes_and_aborts(rows, folder):
    Path(folder, "big.bin").write_bytes(bytes(1 << 20))
    os.abort()


@scenario.check
def whole(rows, result, batch_size, shuffle):
    verify_epoch(result, rows, batch_size=batch_size, shuffle=shuffle)
"""


@pytest.fixture
def mine(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    # Of a short name, since workers hang in a folder whose path is too long for their sockets.
    monkeypatch.setenv("TMPDIR", str(tmp_path_factory.mktemp("t")))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mine.py"
    path.write_text(SCENARIO)
    return path


def measured(mine: Path, *arguments: str) -> Run:
    command = ["run", "loading", "--scenarios", str(mine), "--quick", "--trials", "1"]
    assert run([*command, "-o", "run.jsonl", "--force", *arguments]) == 0
    return read_journal(Path("run.jsonl"))


def test_loaders_are_driven_verified_and_their_trees_watched(mine: Path) -> None:
    found = measured(mine)
    cases = {
        (str(row["strategy"]), row["num_workers"]): row
        for row in case_frame(found).to_dict("records")
    }
    assert cases["dataset", 0]["outcome"] == "ok"
    assert cases["dataset", 1]["outcome"] == "ok"
    assert cases["slices", 0]["shares_memory"]
    assert cases["forgets_a_row", 0]["outcome"] == "wrong"
    assert "batch 7 has 7 samples, expected 8" in cases["forgets_a_row", 0]["reason"]
    skipped = cases["needs_what_nobody_has", 0]
    assert skipped["outcome"] == "skipped"
    assert skipped["reason"].endswith("pip install no_such_package")

    # A case with workers has a trial in which its processes are watched, and only such a case.
    kinds = {
        (found.header.plan.cases[t.case].case.parameters["num_workers"], t.kind)
        for t in found.trials
    }
    assert kinds == {(0, "memory"), (0, "time"), (1, "memory"), (1, "tree"), (1, "time")}
    for trial in some(found.trials):
        if trial.outcome.ok and trial.kind == "time":
            assert trial.loading is not None
            assert (trial.loading.batches, trial.loading.samples) == (8, 64)


def test_what_a_crashed_trial_wrote_is_removed(mine: Path) -> None:
    found = measured(mine)
    crashed = [t.outcome for t in found.trials if "SIGABRT" in t.outcome.reason]
    assert [outcome.name for outcome in crashed] == ["crash"]
    assert not list(Path(tempfile.gettempdir()).glob(f"{PREFIX}*"))


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("batch_size=0", "a batch of 0 samples holds nothing"),
        ("batch_size=-1", "a batch of -1 samples holds nothing"),
    ],
)
def test_a_point_that_makes_no_sense_is_skipped_with_its_reason(
    setting: str, reason: str, mine: Path
) -> None:
    cases = case_frame(measured(mine, "--set", setting))
    datasets = cases[(cases["strategy"] == "dataset") & (cases["batch_size"] < 1)]
    assert list(datasets["outcome"]) == ["skipped"] * len(datasets)
    assert set(datasets["reason"]) == {reason}


def test_more_workers_than_samples_or_processors_still_load(mine: Path) -> None:
    cases = case_frame(measured(mine, "--set", "num_workers=9"))
    (many,) = cases[cases["num_workers"] == 9].to_dict("records")
    assert many["strategy"] == "dataset"
    assert many["outcome"] == "ok"
    assert "9 worker processes" in many["warnings"]
    assert many["reaped"] == 0


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("shuffle=perhaps", "shuffle cannot be 'perhaps'; it is true or false"),
        ("num_workers=two", "num_workers cannot be 'two'; it takes a number such as 0"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_in_one_line(
    setting: str, message: str, mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["run", "loading", "--scenarios", str(mine), "--set", setting]
    assert run(command) == 2
    assert message in capsys.readouterr().err
