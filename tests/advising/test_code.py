"""Code to paste runs as it is printed, with NumPy and torch alone, for every way there is."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.advising.advice import Advice, Way
from harness.advising.code import code_of
from harness.advising.data import Data
from harness.advising.goal import Goal
from harness.advising.session import describe_source
from harness.advising.tasks import TASKS, Task
from harness.host.host import Host
from tests.advising import clean
from tests.some import some

ROWS, SHAPE = 50, (50, 3, 8)
BATCH = 16
RUNNABLE = ("to-tensor", "to-loader", "from-loader", "train-from-file")
KINDS = ("npy", "raw", "shape")
IMPORTS = {"own": "import harness", "h5py": "import h5py", "fine": "import math, torch.nn"}


def data_of(kind: str, folder: Path) -> Data:
    values = np.random.default_rng(0).random(SHAPE, np.float32)
    if kind == "npy":
        np.save(folder / "it's own.npy", values)
        return Data.of(npy=folder / "it's own.npy")
    if kind == "raw":
        (folder / "values.bin").write_bytes(bytes(12) + values.tobytes())
        raw = folder / "values.bin"
        return Data.of(raw=raw, dtype="float32", shape="-1,3,8", offset="12")
    return Data.of(shape="50,3,8", dtype="float32")


def asked(task: Task, data: Data, goal: Goal) -> Advice:
    return Advice(
        task=task, data=data, goal=goal, parameters=task.parameters(goal), ways=[], chosen=None,
        level=[], ratio=None, base_bytes=0, limit_bytes=0, trials=0, took_s=0, sizes=[],
    )  # fmt: skip


def goals(task: Task) -> list[Goal]:
    orders = (False, True) if task.batches else (False,)
    plain = Goal(batch_size=BATCH)
    return [replace(plain, need=need, shuffle=one) for need in task.needs for one in orders]


def scripts(host: Host, name: str, kind: str, folder: Path) -> dict[str, str]:
    """The code of all candidates, by what they are for."""
    task, data = TASKS[name], data_of(kind, folder)
    info = describe_source(host, task)
    found = {}
    for goal in goals(task):
        for one in task.candidates(info, goal):
            advice = asked(task, data, goal)
            label = f"{one.name}-{goal.need}-{goal.shuffle}"
            found[label] = code_of(advice, Way(one.name, one.doc, one.source))
    return found


def ran(codes: dict[str, str], folder: Path) -> dict[str, dict[str, Any]]:
    place = folder / "scripts"
    place.mkdir()
    for name, code in codes.items():
        (place / f"{name}.py").write_text(code)
    command = [sys.executable, "-I", clean.__file__, str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def results(host: Host, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Of all of it, in one interpreter."""
    folder = tmp_path_factory.mktemp("codes")
    codes = {
        f"{name} {kind} {label}": code
        for name in RUNNABLE
        for kind in KINDS
        for label, code in scripts(host, name, kind, folder).items()
    }
    codes |= {f"imports {name}": line for name, line in IMPORTS.items()}
    found = ran(codes, folder)
    assert found.keys() == codes.keys()
    return found


@pytest.mark.parametrize("name", RUNNABLE)
@pytest.mark.parametrize("kind", KINDS)
def test_it_runs(name: str, kind: str, results: dict[str, dict[str, Any]]) -> None:
    own = {label: one for label, one in results.items() if label.startswith(f"{name} {kind} ")}
    for label, one in some(own.items()):
        assert not one["failed"], f"{label}: {one['failed']}"
        if "equal" in one:
            assert one["equal"], label
            assert tuple(one["shape"]) == SHAPE, label
        else:
            assert one["batch"] == [ROWS % BATCH, *SHAPE[1:]], label


def test_what_is_not_there_is_missed(results: dict[str, dict[str, Any]]) -> None:
    """The interpreter of these tests has the harness: there, it must not be found."""
    assert "No module named 'harness'" in results["imports own"]["failed"]
    assert "No module named 'h5py'" in results["imports h5py"]["failed"]
    assert not results["imports fine"]["failed"]


@pytest.mark.parametrize("kind", KINDS)
def test_for_a_device_it_compiles(kind: str, host: Host, tmp_path: Path) -> None:
    for label, code in some(scripts(host, "to-device", kind, tmp_path).items()):
        compile(code, label, "exec")
        assert code.count("reshape(-1)") == 1
        assert "array = None" not in code


def test_for_a_device_columns_that_come_first_are_not_kept_beside_their_copy(
    host: Host, tmp_path: Path
) -> None:
    np.save(tmp_path / "own.npy", np.asfortranarray(np.ones((50, 30), np.float32)))
    task, data = TASKS["to-device"], Data.of(npy=tmp_path / "own.npy", rows=False)
    one = next(iter(task.candidates(describe_source(host, task), Goal())))
    code = code_of(asked(task, data, Goal()), Way(one.name, one.doc, one.source))
    kept, dropped = (code.index(line) for line in ("reshape(-1)", "array = None"))
    assert kept < dropped < code.index("result = ")


def test_a_file_with_a_header_is_named_after_all_that_was_said_of_it(
    host: Host, tmp_path: Path
) -> None:
    raw, task = tmp_path / 'so"called.bin', TASKS["train-from-file"]
    raw.write_bytes(bytes(1024))
    one = next(iter(task.candidates(describe_source(host, task), Goal())))
    said: list[tuple[str, str, str | None]] = []
    said += [("uint8", "-1,32", None), ("int8", "-1,32", None), ("uint8", "-1,16", None)]
    said += [("uint8", "16,32", None), ("uint8", "16,32", "512")]
    lines = set()
    for dtype, shape, offset in said:
        data = Data.of(raw=raw, dtype=dtype, shape=shape, offset=offset)
        code = code_of(asked(task, data, Goal()), Way(one.name, one.doc, one.source))
        compile(code, "code", "exec")
        lines |= {line for line in code.splitlines() if line.startswith("path = ")}
    assert len(lines) == len(said)
    assert any("""'so"called.bin.16x32.uint8.from512.npy'""" in line for line in lines)
