"""This repository's own benchmarks: ``pytest --benchmark-only``, and a plain ``pytest``."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pytest_plugin.suites import ROOT

pytestmark = pytest.mark.slow
SOME = "from_numpy or torch_tensor or published_preallocation_float64"
"""Two that are right, at several points, and one that is kept as published."""


def session(*options: str) -> subprocess.CompletedProcess[str]:
    """A session at the root of the repository, as a user starts it."""
    environment = {key: text for key, text in os.environ.items() if not key.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("storage")


@pytest.fixture(scope="module")
def first(storage: Path) -> subprocess.CompletedProcess[str]:
    """A run of some of them, saved."""
    options = (f"--benchmark-json={storage}/run.json", "--benchmark-save=first")
    where = f"--benchmark-storage=file://{storage}"
    return session("--benchmark-only", "-k", SOME, where, *options)


def test_names_groups_and_parameters_tell_of_the_case(
    first: subprocess.CompletedProcess[str], storage: Path
) -> None:
    assert first.returncode == 0, first.stdout
    found = {
        one["name"]: one for one in json.loads((storage / "run.json").read_text())["benchmarks"]
    }
    one = found["test_scenario[tensor_from_array-from_numpy-2MiB]"]
    assert one["group"] == "tensor_from_array 2MiB"
    assert one["params"] == {
        "scenario": "tensor_from_array",
        "strategy": "from_numpy",
        "size": 2 * 1024**2,
        "dtype": "float32",
        "layout": "C",
        "threads": 1,
    }
    assert "test_scenario[tensor_from_array-from_numpy_to-2MiB-dtype=float64]" in found
    assert all(SOME.split(" or ")[0] in name or "torch_tensor" in name for name in found)


def test_memory_comes_from_isolated_trials(
    first: subprocess.CompletedProcess[str], storage: Path
) -> None:
    told = {
        one["params"]["strategy"]: one["extra_info"]["ferrybench"]
        for one in json.loads((storage / "run.json").read_text())["benchmarks"]
        if one["group"] == "tensor_from_array 2MiB"
    }
    assert told["torch_tensor"]["copies"] == pytest.approx(1, abs=0.1)
    assert told["from_numpy"]["copies"] == pytest.approx(0, abs=0.1)
    assert told["from_numpy"]["shares_memory"] is True
    assert told["torch_tensor"]["minor_faults_first"] >= 2 * 1024**2 / 4096
    lines = first.stdout.splitlines()
    tables = [number for number, line in enumerate(lines) if line.strip("-").startswith(" ")]
    assert any("ferrybench: memory of" in lines[number] for number in tables)


def test_what_is_kept_as_published_may_be_wrong(first: subprocess.CompletedProcess[str]) -> None:
    assert "1 xfailed" in first.stdout
    assert "float64" in next(line for line in first.stdout.splitlines() if "XFAIL" in line)


def test_a_saved_run_is_compared_with(
    first: subprocess.CompletedProcess[str], storage: Path
) -> None:
    where = f"--benchmark-storage=file://{storage}"
    again = session("--benchmark-only", "-k", "tensor_from_array-from_numpy-", where,
                    "--benchmark-compare=0001", "--benchmark-columns=median")  # fmt: skip
    assert again.returncode == 0, again.stdout
    assert again.stdout.count("from_numpy-2MiB] (0001_first)") == 1
    assert again.stdout.count("from_numpy-2MiB] (NOW)") == 1


@pytest.mark.skipif(not importlib.util.find_spec("pygal"), reason="needs pygal")
def test_a_histogram_is_drawn(tmp_path: Path) -> None:
    histogram = f"--benchmark-histogram={tmp_path}/picture"
    done = session("--benchmark-only", "-k", "tensor_from_array-from_numpy-", histogram)
    assert done.returncode == 0, done.stdout
    assert [path.suffix for path in tmp_path.iterdir()] == [".svg"]


def test_they_run_once_where_times_are_not_wanted() -> None:
    done = session("tests/benchmarks", "--benchmark-disable", "-k", "tensor_from_array-from_numpy-")
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
    assert "benchmark 'tensor" not in done.stdout
    assert "ferrybench: memory of 1 call" in done.stdout


def test_a_level_chooses_how_many_there_are() -> None:
    only = ("--benchmark-only", "--collect-only", "-q", "-k", "tensor_from_array-from_numpy-")
    quick = session(*only, "--ferrybench-scenarios=quick").stdout
    named = [line.partition("from_numpy-")[2] for line in quick.splitlines() if "::" in line]
    assert named == ["64KiB]", "2MiB]", "32MiB]"]


def test_a_plain_session_does_not_know_of_them() -> None:
    done = session("--collect-only", "-q")
    assert done.returncode == 0, done.stdout
    assert "tests/test_units.py::" in done.stdout
    assert "tests/benchmarks/" not in done.stdout
    assert "deselected" not in done.stdout.splitlines()[-1]
