"""What the pytest plugin costs, and how true it is: suites run as users run them."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KNOWN = """
import numpy as np, pytest, torch

SIZE = 64 * 1024**2
ARRAY, TENSOR = np.ones(SIZE // 8), torch.ones(SIZE // 4)

def kept(data, copies):
    return [data.copy() if isinstance(data, np.ndarray) else data.clone() for _ in range(copies)]

def dropped(data, copies):
    return len(kept(data, copies))

@pytest.mark.parametrize("copies", [0, 1, 2, 3])
@pytest.mark.parametrize("function", [kept, dropped])
@pytest.mark.parametrize("data", [ARRAY, TENSOR], ids=["numpy", "torch"])
def test_known(benchmark, data, function, copies):
    benchmark(function, data, copies)
"""
UNRELATED = """
import pytest

@pytest.fixture
def numbers():
    return list(range(10))

@pytest.mark.parametrize("number", range(100))
def test_plain(number, numbers):
    assert number + sum(numbers) == number + 45

class TestMethods:
    @pytest.mark.parametrize("number", range(100))
    def test_method(self, number, tmp_path_factory):
        assert number >= 0
"""
TWENTY = """
import numpy as np, pytest

ARRAY = np.ones(2**20)
FUNCTIONS = [np.copy, np.sum, np.sort, np.negative, np.cumsum]

@pytest.mark.parametrize("size", [2**8, 2**12, 2**16, 2**20])
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_one(benchmark, function, size):
    benchmark(function, ARRAY[:size])
"""
COUNT_OF_KNOWN = 16
NO_PLUGIN = "nothing"
"""A plugin that does nothing: to look for one by its name takes longer than ours does."""


@contextmanager
def suite(code: str) -> Iterator[Path]:
    """A folder with one file of tests in it."""
    with tempfile.TemporaryDirectory(prefix="ferrybench-suite-") as folder:
        (Path(folder) / "test_suite.py").write_text(code)
        (Path(folder) / f"{NO_PLUGIN}.py").touch()
        yield Path(folder)


@dataclass(frozen=True)
class Cost:
    """What a whole session of pytest took, from its start to its end."""

    wall_s: float
    cpu_s: float  # of all its processes: what other programs do hardly shows in it


def session(folder: Path, *options: str, plugin: bool = True, others: bool = True) -> Cost:
    """Run the tests of a folder.

    Args:
        folder: where they are.
        options: of pytest.
        plugin: load that of ferrybench.
        others: load those of other packages.
    """
    installed = entry_points(group="pytest11", name="ferrybench")
    name = "ferrybench" if installed else "harness.pytest_plugin"
    chosen = ["-p", name] if plugin else ["-p", "no:ferrybench", "-p", NO_PLUGIN]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen]
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    alone = {} if others else {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    start, before = time.perf_counter(), _cpu_s()
    subprocess.run(
        [*command, *options],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path} | alone,
        check=True,
        capture_output=True,
    )
    return Cost(time.perf_counter() - start, _cpu_s() - before)


def _cpu_s() -> float:
    """What processes that have ended used, of those that this one started."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def copy_errors() -> list[float]:
    """Errors of the copies of known tests, in percent of one copy or of all, if there are more."""
    with suite(KNOWN) as folder:
        quick = ("--benchmark-max-time=0.001", "--benchmark-min-rounds=1")
        session(folder, *quick, "--ferrybench-memory", "--benchmark-json=found.json")
        found = json.loads((folder / "found.json").read_text())["benchmarks"]
    assert len(found) == COUNT_OF_KNOWN
    return [
        100 * abs(one["extra_info"]["ferrybench"]["copies"] - true) / max(1, true)
        for one in found
        for true in (one["params"]["copies"],)
    ]


def idle_ratios(pairs: int) -> list[float]:
    """Processor time of tests that do not use the plugin, over that without it; neighbours."""
    ratios = []
    with suite(UNRELATED) as folder:
        session(folder, others=False)
        for number in range(pairs):
            order = (True, False) if number % 2 else (False, True)
            took = {plugin: session(folder, plugin=plugin, others=False) for plugin in order}
            ratios.append(took[True].cpu_s / took[False].cpu_s)
    return ratios


def memory_ratios(pairs: int, *options: str) -> list[float]:
    """Twenty benchmarks with their memory, over pytest-benchmark alone: from start to end."""
    ratios = []
    with suite(TWENTY) as folder:
        for _ in range(pairs):
            alone = session(folder, *options, plugin=False)
            measured = session(folder, "--ferrybench-memory", *options)
            ratios.append(measured.wall_s / alone.wall_s)
    return ratios
