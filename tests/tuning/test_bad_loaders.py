"""What is wrong with a user's loader is said in one line, and nothing is left behind."""

from __future__ import annotations

import math
import os
import random
import shutil
import time
from pathlib import Path

import psutil
import pytest
import torch

import harness
from harness.cli import run
from harness.errors import EXIT_USAGE, UsageError
from harness.host.host import Host
from harness.schema.loader import LoaderRequest
from harness.trial.planted import users_loaders
from harness.tuning.bench import Bench, TrialFailedError
from harness.tuning.goal import Goal, Named

PLANTED = Path(users_loaders.__file__)
WRONG = {
    "with_argument": "needs arguments (path): write a function without any",
    "number": "returns an int, which is no loader",
    "several": "returns a dict of loaders: return the one to look at",
    "several.test": "a dict has no loader test",
    "raising": "batch 10 failed: ValueError: a broken file (train.py:",
    "raising_in_worker": "batch 10 failed: ValueError: Caught ValueError in DataLoader worker",
    "unpicklable": "need a dataset that can be pickled",
    "empty": "gave no batch at all",
    "nothing": "train.py has no nothing",
}
WRONG_STEPS = {
    "raising_step": "the step failed on batch 1: RuntimeError: no such layer (train.py:",
    "step_of_two": "the step needs 2 arguments",
    "SAMPLES": "the step is an int; it must be a function of a batch",
}


@pytest.fixture
def planted(tmp_path: Path) -> str:
    return str(shutil.copy(PLANTED, tmp_path / "train.py"))


def bench(host: Host, request: LoaderRequest) -> Bench:
    return Bench(host, request, "train.py", time.monotonic() + 60)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_loader(host: Host, planted: str, name: str) -> None:
    with pytest.raises(TrialFailedError) as caught:
        bench(host, LoaderRequest(file=planted, name=name)).run(None, batches=40, seconds=20)
    assert WRONG[name] in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", WRONG_STEPS)
def test_a_wrong_step(host: Host, planted: str, name: str) -> None:
    request = LoaderRequest(file=planted, name="sleeping", step_file=planted, step_name=name)
    with pytest.raises(TrialFailedError) as caught:
        bench(host, request).run(None)
    assert WRONG_STEPS[name] in str(caught.value)


def test_a_loader_that_hangs(host: Host, planted: str) -> None:
    hanging = bench(host, LoaderRequest(file=planted, name="hanging"))
    hanging.timeout_s = 3.0
    with pytest.raises(TrialFailedError, match=r"no answer within 3 s \(it stood at train.py:"):
        hanging.run(None)


def test_a_step_that_diverges_is_told(host: Host, planted: str) -> None:
    request = LoaderRequest(file=planted, name="sleeping", step_file=planted, step_name="diverging")
    assert bench(host, request).run(None).loss_finite is False


def test_a_function_that_makes_the_step(host: Host, planted: str) -> None:
    request = LoaderRequest(file=planted, name="sleeping", step_file=planted, step_name="made_step")
    answer = bench(host, request).run(None, batches=8)
    assert answer.passes[0].step_s >= 8 * 0.003


def test_a_file_named_like_a_module(host: Host, tmp_path: Path) -> None:
    file = shutil.copy(PLANTED, tmp_path / "random.py")
    with pytest.raises(TrialFailedError, match=r"random.py has the name of a module"):
        bench(host, LoaderRequest(file=str(file), name="sleeping")).run(None)


@pytest.mark.parametrize("text", ["train.py", "train.py:", ":make", "missing.py:make", "a.txt:b"])
def test_a_name_that_is_none(text: str) -> None:
    with pytest.raises(UsageError):
        Named.of(text, "make_loader")


@pytest.mark.parametrize(
    ("budget", "memory", "step_ms", "users_step"),
    [
        pytest.param("soon", None, None, False, id="budget"),
        pytest.param("60s", "much", None, False, id="memory"),
        pytest.param("60s", None, 0.0, False, id="no length"),
        pytest.param("60s", None, math.inf, False, id="no end"),
        pytest.param("60s", None, math.nan, False, id="no number"),
        pytest.param("60s", None, 2.0, True, id="two steps"),
    ],
)
def test_a_goal_that_makes_no_sense(
    budget: str, memory: str | None, step_ms: float | None, *, users_step: bool
) -> None:
    with pytest.raises(UsageError):
        Goal.of(budget, memory, step_ms, users_step=users_step)


def test_the_command_fails_in_one_line(planted: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["tune", f"{planted}:number", "--budget", "20s"]) == EXIT_USAGE
    said = capsys.readouterr().err.strip().splitlines()
    assert said[-1].startswith("ferrybench: ")
    assert "which is no loader" in said[-1]


def test_nothing_of_the_process_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.tuning.plan.MOST_WINDOW_S", 0.1)
    children = set(psutil.Process().children(recursive=True))
    states = (random.getstate(), torch.get_rng_state().tolist(), dict(os.environ), Path.cwd())
    loader = users_loaders.ready()
    found = harness.tune(loader, step_ms=1, budget="60s")
    assert found.found.word == "no search"
    assert found.settings == {}
    assert "list is no DataLoader" in str(found)
    assert states == (
        random.getstate(),
        torch.get_rng_state().tolist(),
        dict(os.environ),
        Path.cwd(),
    )
    assert set(psutil.Process().children(recursive=True)) <= children
