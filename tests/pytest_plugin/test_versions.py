"""The plugin with the oldest and the newest pytest and pytest-benchmark it is said to work with.

Each pair is installed into an environment of its own, without torch and pandas: half a minute each,
and a package index is needed. ``pytest --all-versions tests/pytest_plugin/test_versions.py``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.pytest_plugin.suites import ROOT, search_path

NEEDED = ("numpy", "msgspec", "psutil", "pytest-xdist")
# Of pytest-benchmark, no version before 5.3.1 works with pytest 9.2.
PAIRS = (
    ("pytest==8.0.0", "pytest-benchmark==5.0.0"),
    ("pytest==8.4.2", "pytest-benchmark==5.1.0"),
    ("pytest==8.0.0", "pytest-benchmark"),
    ("pytest==9.0.3", "pytest-benchmark==5.2.3"),
    ("pytest", "pytest-benchmark"),
    ("pytest==8.0.0", ""),
    ("pytest", ""),
)
SUITE = """
import numpy as np, pytest

ARRAY = np.ones(2**20)

def copies(array, count):
    return [array.copy() for _ in range(count)]

class TestBenchmarks:
    @pytest.mark.parametrize("count", [0, 1, 2, 3])
    def test_call(self, benchmark, count):
        benchmark(copies, ARRAY, count)

    def test_pedantic(self, benchmark):
        benchmark.pedantic(copies, (ARRAY,), {"count": 2}, rounds=2)

    @pytest.mark.ferrybench(copies=1)
    def test_budget(self, benchmark):
        benchmark(copies, ARRAY, 2)
"""
BUDGETS = """
import numpy as np, pytest

ARRAY = np.ones(2**20)

@pytest.mark.ferrybench(copies=1, left=0, shares_memory=False, leaks=False)
def test_holds(ferrybench):
    ferrybench(lambda: ARRAY.copy())

def test_exceeds(ferrybench):
    ferrybench(lambda: ARRAY.copy()).within(copies=0)
"""


@dataclass
class Installed:
    """An environment with certain versions, and a folder with tests in it."""

    python: Path
    folder: Path
    benchmarked: bool  # pytest-benchmark is among them

    def pytest(self, *options: str) -> tuple[int, str]:
        """The exit status and everything that was said, of a session that starts fresh."""
        environment = {key: text for key, text in os.environ.items() if "PYTEST" not in key}
        done = subprocess.run(
            [self.python, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", *options],
            cwd=self.folder,
            env=environment | {"PYTHONPATH": search_path(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module", params=PAIRS, ids=lambda pair: " ".join(filter(None, pair)))
def installed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Installed:
    if not request.config.getoption("all_versions"):
        pytest.skip("installs packages: --all-versions")
    tmp_path = tmp_path_factory.mktemp("versions")
    venv.create(tmp_path / "environment", with_pip=True)
    python = tmp_path / "environment" / "bin" / "python"
    packages = [*filter(None, request.param), *NEEDED]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    folder = tmp_path / "suite"
    folder.mkdir()
    (folder / "test_budgets.py").write_text(BUDGETS)
    (folder / "test_benchmarks.py").write_text(SUITE)
    return Installed(python, folder, bool(request.param[1]))


def test_budgets_work_in_workers(installed: Installed) -> None:
    off = ("--benchmark-disable",) if installed.benchmarked else ()  # as workers would have it
    status, said = installed.pytest("--strict-markers", "-n", "2", *off, "test_budgets.py")
    assert status == 1, said
    assert "1 failed, 1 passed" in said
    assert "1.00 copies of the payload at the peak, 0 allowed" in said
    assert "ferrybench: memory of 2 calls" in said


def test_benchmarks_are_measured(installed: Installed) -> None:
    if not installed.benchmarked:
        status, said = installed.pytest("--ferrybench-memory")
        assert status == pytest.ExitCode.USAGE_ERROR
        assert "--ferrybench-memory needs pytest-benchmark" in said
        return
    options = ("--ferrybench-memory", "--benchmark-max-time=0.01")
    _, said = installed.pytest(*options, "test_benchmarks.py")
    assert "1 failed, 5 passed" in said, said
    assert "ferrybench: memory of 6 calls" in said
    for count in (1, 2, 3):
        assert f" {count}.00×" in said
    assert "copies: 2.00 copies of the payload at the peak, 1 allowed" in said


def test_what_is_tested_is_what_is_promised() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    oldest = {pair[0] for pair in PAIRS[:1]} | {pair[1] for pair in PAIRS[:1]}
    promised = {text.replace(">=", "==") for text in project["optional-dependencies"]["pytest"]}
    assert {text.removesuffix(".0.0") for text in oldest} == promised
    assert sys.version_info >= (3, 11)
