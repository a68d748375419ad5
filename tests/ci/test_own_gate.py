"""The gate of this repository: equal arguments on both sides, and a planted copy does not pass."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from harness.comparison.amounts import AMOUNTS
from harness.comparison.sides import side
from harness.journal.read import read_journal
from tests.ci.repositories import ROOT, Repository

OF_MAKE = {"MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "TEST_WORKERS"}
GATES = ("conversions", "matrices")
SMALL_BYTES = 1_000_000
PLANTED = {
    "tensor_from_array.py": "return torch.from_numpy(array)",
    "array_from_tensor.py": "return tensor.numpy()",
}
"""The first line of each file that says so, and is to copy."""


def dry(*arguments: str) -> str:
    """What make would do here, whatever the make was told that these tests may run under."""
    environment = {name: value for name, value in os.environ.items() if name not in OF_MAKE}
    done = subprocess.run(
        ["make", "--dry-run", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def dry_run(target: str) -> list[str]:
    """What make would measure and compare."""
    return re.findall(r"docs/ci/gate\.sh (.*)", dry(target))


def test_both_sides_are_measured_with_the_same_arguments() -> None:
    gated = dry_run("gate")
    stored = [command.replace(" --memory-trials 10", "") for command in dry_run("baseline")]
    assert [f"--store {command}" for command in gated] == stored
    assert [re.findall(r"results/baseline-(\w+)\.jsonl", command) for command in gated] == [
        [name] for name in GATES
    ]


def test_ci_runs_the_gate() -> None:
    assert re.search(r"^make .*\bgate$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)


def test_ci_runs_slow_tests_too_and_leaves_none_out() -> None:
    script = (ROOT / ".ci" / "run").read_text().splitlines()
    commands = []
    for target in ("test", "test-slow"):
        going_on = "--keep-going " if target == "test" else ""
        assert f"make {going_on}{target} || make test-again" in script
        said = dry("--always-make", target)
        commands += re.findall(r"^\S*/pytest (.*)$", said, re.MULTILINE)
    both = "-n 2 --dist worksteal -m"
    apart = "tests/inline"
    assert commands == [
        f'{both} "not slow" --ignore {apart}',
        f'{both} "not slow" {apart}',
        f"{both} slow",
    ]
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]
    assert not {"-m", "-k"} & set(settings["ini_options"]["addopts"].split())


@pytest.mark.parametrize("name", GATES)
def test_the_baseline_is_small_complete_and_of_these_arguments(name: str) -> None:
    path = ROOT / "results" / f"baseline-{name}.jsonl"
    assert path.stat().st_size < SMALL_BYTES
    run = read_journal(path)
    assert run.ended == "complete"
    assert not any(trial.kind == "time" for trial in run.trials)
    (command,) = [command for command in dry_run("gate") if path.name in command]
    assert f"--seed {run.header.plan.seed} " in command
    targets = command.partition(" run ")[2].partition(" --")[0].split()
    assert [scenario.name for scenario in run.header.scenarios] == targets


def test_the_baseline_of_conversions_has_ten_readings_of_each_case() -> None:
    measured = side(read_journal(ROOT / "results" / "baseline-conversions.jsonl")).cases.values()
    ok = [case for case in measured if case.outcome.ok]
    assert len(ok) > 50
    for amount in (one for one in AMOUNTS if one.of_ledger):
        assert {len(amount.of(case)) for case in ok} == {10}


@pytest.mark.slow
def test_a_copy_planted_in_two_strategies_is_named_and_nothing_else(tmp_path: Path) -> None:
    checkout = Repository.create(tmp_path)
    for package in ("harness", "scenarios"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, checkout.folder / package, ignore=ignored)
    checkout.environment |= {"PYTHONPATH": str(checkout.folder), "GATE_LOOKS": "1"}
    (command,) = [command for command in dry_run("gate") if "conversions" in command]
    checkout.shell(f"ci/gate.sh --store {command}")
    for file, line in PLANTED.items():
        source = (checkout.folder / "scenarios" / file).read_text()
        assert line in source
        copying = line.replace("numpy()", "numpy().copy()").replace("(array)", "(array.copy())")
        checkout.write(f"scenarios/{file}", source.replace(line, copying, 1))
    done = checkout.step(f"ci/gate.sh {command}")
    assert done.returncode == 1, done.stdout + done.stderr
    worse = re.findall(r"^(?:heavier|broken): (\S+)", done.stdout, re.MULTILINE)
    assert set(worse) == {"tensor_from_array/from_numpy", "array_from_tensor/tensor_numpy"}
