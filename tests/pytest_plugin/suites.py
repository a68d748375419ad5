"""Suites of users, run by pytest in a process of their own."""

from __future__ import annotations

import json
import os
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.warm import Warm

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 120
COMMON = ("-p", "no:cacheprovider", "-W", "error", "--strict-markers")


def entry_points() -> str:
    """What the project says it offers to pytest, as an installation would write it."""
    offered = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    lines = [f"{name} = {target}" for name, target in offered["pytest11"].items()]
    return "\n".join(["[pytest11]", *lines, ""])


def pretend_installed(folder: Path) -> Path:
    """A folder that makes the checkout look installed to who has it on its path."""
    info = folder / "installed" / "ferrybench-0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ferrybench\nVersion: 0\n")
    (info / "entry_points.txt").write_text(entry_points())
    return info.parent


def search_path(folder: Path) -> str:
    """What PYTHONPATH has to be for that."""
    return os.pathsep.join(map(str, (pretend_installed(folder), ROOT)))


@dataclass
class Suite:
    """Tests in a folder of their own, where every warning is an error."""

    pytester: pytest.Pytester
    warm: Warm

    def write(self, code: str, name: str = "test_suite") -> None:
        self.pytester.makepyfile(**{name: code})

    def run(self, *options: str) -> pytest.RunResult:
        """Run all of it, in an interpreter that has torch already."""
        arguments = ["-m", "pytest", f"--basetemp={self.pytester.path}/base", *COMMON, *options]
        start = time.perf_counter()
        done = self.warm.run(arguments, os.environ, self.pytester.path, TIMEOUT_S)
        sys.stdout.write(done.stdout)  # shown if the test fails
        sys.stderr.write(done.stderr)
        lines = done.stdout.splitlines(), done.stderr.splitlines()
        return pytest.RunResult(done.returncode, *lines, time.perf_counter() - start)

    def run_anew(self, *options: str) -> pytest.RunResult:
        """Run all of it in a new interpreter, as a user does."""
        return self.pytester.runpytest_subprocess(*COMMON, *options, timeout=TIMEOUT_S)

    def run_quickly(self, *options: str) -> pytest.RunResult:
        """Run it where times do not matter."""
        return self.run("--benchmark-max-time=0.001", "--benchmark-min-rounds=1", *options)

    def benchmarks(self, *options: str) -> dict[str, Any]:
        """The ``extra_info`` of every test that is in the file of a run, by name."""
        file = self.pytester.path / "benchmarks.json"
        result = self.run_quickly(f"--benchmark-json={file}", *options)
        assert result.ret == 0, result.stdout.str()
        found = json.loads(file.read_text())["benchmarks"]
        return {one["name"]: one["extra_info"].get("ferrybench") for one in found}
