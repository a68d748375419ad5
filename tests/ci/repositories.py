"""A repository of a user with something to gate, and the programs that a CI job has."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "docs" / "ci"
SCENARIO = """
import torch
from harness import Scenario

scenario = Scenario("mine", question="Is it shared?", baseline="cast")

@scenario.inputs
def array(size, rng):
    return rng.random(size // 4, dtype="float32")

@scenario.strategy()
def share(array):
    return torch.from_numpy(array)

@scenario.strategy()
def cast(array):
    return torch.from_numpy(array).half()

@scenario.check
def same(array, tensor):
    assert torch.equal(tensor, torch.tensor(array).to(tensor.dtype)), "values differ"
"""
BENCHMARKS = """
import numpy as np

ARRAY = np.ones(2**18)

def test_share(benchmark):
    benchmark(lambda: ARRAY[::-1])

def test_cast(benchmark):
    benchmark(lambda: ARRAY.astype("f4"))
"""
PLANTED = {"ci/mine.py": ("from_numpy(array)\n", "from_numpy(array.copy())\n"),
           "benchmarks/test_mine.py": ("ARRAY[::-1]", "ARRAY[::-1].copy()")}  # fmt: skip
"""One copy more, where there was none."""


@dataclass
class Repository:
    """A git repository with a scenario, benchmarks of pytest and the recipe's script."""

    folder: Path
    programs: Path
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def create(cls, folder: Path) -> Repository:
        made = cls(folder / "repository", folder / "programs")
        made.folder.mkdir()
        made.programs.mkdir()
        made.program("ferrybench", f'exec "{sys.executable}" -m harness "$@"')
        # Where the project is installed pytest would find the plugin a second time.
        plugin = "-p no:ferrybench -p harness.pytest_plugin"
        made.program("pytest", f'exec "{sys.executable}" -m pytest {plugin} "$@"')
        made.write("ci/mine.py", SCENARIO)
        made.write("benchmarks/test_mine.py", BENCHMARKS)
        made.write(".gitignore", "__pycache__/\n.pytest_cache/\ngate-results/\n")
        made.write("ci/gate.sh", (RECIPES / "gate.sh").read_text())
        (made.folder / "ci" / "gate.sh").chmod(0o755)
        made.shell("git init --quiet --initial-branch main")
        made.commit("without the copy")
        return made

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def program(self, name: str, script: str) -> None:
        """Put a program first on the path."""
        path = self.programs / name
        path.write_text(f"#!/usr/bin/env bash\n{script}\n")
        path.chmod(0o755)

    def plant_a_copy(self, name: str) -> None:
        """Commit a change that makes one copy more."""
        old, new = PLANTED[name]
        before = (self.folder / name).read_text()
        assert old in before
        self.write(name, before.replace(old, new, 1))
        self.commit("with a copy")

    def commit(self, message: str) -> None:
        self.shell(f"git add . && git commit --quiet --allow-empty -m '{message}'")

    def shell(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run as a step of a workflow is run; it must succeed."""
        done = self.step(script, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def step(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run as a step of a workflow is run, with the shell's options that GitHub documents."""
        who = {f"GIT_{role}_{part}": "a@b.c" for role in ("AUTHOR", "COMMITTER")
               for part in ("NAME", "EMAIL")}  # fmt: skip
        path = os.pathsep.join([str(self.programs), os.environ["PATH"]])
        outside = {name: text for name, text in os.environ.items()
                   if not name.startswith(("GITHUB_", "GATE_"))}  # fmt: skip
        own = {"PATH": path, "PYTHONPATH": str(ROOT), "GIT_CONFIG_GLOBAL": os.devnull, **who}
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.folder,
            env=outside | own | self.environment | environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
