"""The command from beginning to end: what is known of the data and of the machine is found."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import psutil
import pytest

from harness.advising.advice import Advice
from harness.advising.code import code_of
from harness.advising.data import Data
from harness.advising.goal import Goal
from harness.advising.session import advise
from harness.advising.tasks import TASKS
from harness.cli import run
from harness.errors import EXIT_OK, EXIT_UNABLE

MIB = 1024**2
HIGHEST = """
for line in open("/proc/self/status"):
    if line.startswith("VmHWM"):
        print(int(line.split()[1]) * 1024)
"""


def advice_on(name: str, data: Data, goal: Goal) -> Advice:
    found = advise(TASKS[name], data, goal)
    assert found.way is not None
    return found


@pytest.mark.slow
def test_a_copy_is_seen_for_what_it_is() -> None:
    """What torch.tensor takes is the data once more, and sharing takes nothing."""
    data = Data.of(shape="64,262144", dtype="float32")
    found = advice_on("to-tensor", data, Goal(budget_s=120))
    usual, chosen = found.usual, found.chosen
    assert chosen is not None
    assert found.verdict == "use"
    assert usual.peak is not None
    assert chosen.peak is not None
    assert usual.peak.value - chosen.peak.value == pytest.approx(64 * MIB, abs=2 * MIB)
    assert chosen.peak.value - found.base_bytes == pytest.approx(64 * MIB, abs=2 * MIB)
    assert found.ratio is not None
    assert found.ratio[1] > 3


@pytest.mark.slow
def test_the_printed_code_takes_the_memory_that_was_said(tmp_path: Path) -> None:
    path = tmp_path / "own.npy"
    np.save(path, np.random.default_rng(0).random((2000, 8000), np.float32))
    goal = Goal(budget_s=120, batch_size=100, shuffle=True, need="dataloader")
    found = advice_on("to-loader", Data.of(npy=path), goal)
    for way in (found.usual, found.way):
        assert way is not None
        assert way.peak is not None
        script = tmp_path / "code.py"
        script.write_text(code_of(found, way) + HIGHEST)
        command = [sys.executable, str(script)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        highest = int(done.stdout)
        assert way.peak.low - 10 * MIB < highest < way.peak.high + 10 * MIB


@pytest.mark.slow
@pytest.mark.new_hosts
@pytest.mark.parametrize("shuffle", [False, True])
def test_a_file_is_read_and_left_alone(
    shuffle: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, code = tmp_path / "own.npy", tmp_path / "advice.py"
    np.save(path, np.random.default_rng(0).random((3000, 300), np.float32))
    path.chmod(0o400)
    before = path.stat(), hashlib.sha256(path.read_bytes()).digest()
    temporary = set(Path(tempfile.gettempdir()).glob(f"ferrybench-*-{os.getpid()}-*"))
    children = set(psutil.Process().children(recursive=True))
    arguments = ["train-from-file", "--npy", str(path), "--batch-size", "50", "--memory", "4GiB"]
    options = ["--shuffle"] if shuffle else []
    assert run(["advise", *arguments, *options, "--budget", "120s", "-o", str(code)]) == EXIT_OK
    said = capsys.readouterr().out
    after = path.stat()
    assert (after.st_mtime_ns, after.st_size) == (before[0].st_mtime_ns, before[0].st_size)
    assert hashlib.sha256(path.read_bytes()).digest() == before[1]
    assert set(Path(tempfile.gettempdir()).glob(f"ferrybench-*-{os.getpid()}-*")) <= temporary
    assert set(psutil.Process().children(recursive=True)) <= children
    assert {one.name for one in tmp_path.iterdir()} == {"own.npy", "advice.py"}
    assert said.startswith("train-from-file, own.npy, float32 (3000, 300): ")
    assert "--memory 4 GiB: fits" in said
    assert code.read_text() in said
    subprocess.run([sys.executable, str(code)], check=True, cwd=tmp_path)


def test_memory_that_is_too_little_for_the_data() -> None:
    """It is small enough to be measured; what is asked for is what it says."""
    data = Data.of(shape="64,65536", dtype="float32")
    found = advise(TASKS["to-tensor"], data, Goal(only=("from_numpy",), memory_bytes=100 * MIB))
    assert found.verdict == "none"
    fits = [one.fits for one in found.ways if not one.failed]
    assert fits
    assert set(fits) == {"no"}


def test_without_an_accelerator_there_is_no_advice_on_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    torch = pytest.importorskip("torch")
    if torch.accelerator.is_available():
        pytest.skip("there is an accelerator")
    assert run(["advise", "to-device", "--shape", "10,10", "--dtype", "uint8"]) == EXIT_UNABLE
    assert "to-device cannot be measured: no accelerator" in capsys.readouterr().err
