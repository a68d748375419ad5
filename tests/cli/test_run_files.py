"""Runs that train from files, a user's own among them, from the command line to the journal."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.cases.frame import case_frame
from harness.cli import run
from harness.errors import EXIT_UNABLE, EXIT_USAGE
from harness.host.inputs import PREFIX
from harness.journal.read import read_journal
from harness.schema.records import Work
from harness.selfcheck.planted import write_file
from harness.trial.meters.page_cache import evict

ROOT = Path(__file__).parents[2]
SCENARIO = """
from pathlib import Path

import numpy as np
import torch

from harness import Parameter, Scenario

scenario = Scenario(
    "training", question="Does it train?", baseline="loads", epochs=True,
    parameters={
        "size": Parameter(65536, axis=True),
        "sample_bytes": 1024,
        "dtype": Parameter("float32", choices=("uint8", "float16", "float32")),
        "page_cache": Parameter("warm", choices=("warm", "cold"), quick=("warm", "cold")),
        "npy": "",
    },
)


@scenario.inputs
def data(size, sample_bytes, dtype, npy, folder):
    path = Path(folder) / "data.npy"
    if npy:
        path.symlink_to(npy)
    else:
        width = sample_bytes // np.dtype(dtype).itemsize
        np.save(path, np.ones((size // sample_bytes, width), dtype))
    return path


@scenario.step
def make(dtype):
    weight = torch.zeros(1, requires_grad=True)

    def step(batch):
        loss = ((batch.float().mean() * weight - 1) ** 2).sum()
        (slope,) = torch.autograd.grad(loss, weight)
        with torch.no_grad():
            weight.sub_(0.01 * slope)
        return loss.item()

    return step


def converted(path):
    copy = path.with_suffix(".copy")
    copy.write_bytes(path.read_bytes())
    return copy


@scenario.strategy(copies=1)
def loads(path):
    return torch.from_numpy(np.load(path)).split(16)


@scenario.strategy(setup=converted)
def loads_its_copy(path, copy):
    return torch.from_numpy(np.load(copy)).split(16)


@scenario.check
def same(path, result):
    assert torch.equal(torch.cat(list(result)), torch.from_numpy(np.load(path)))
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(SCENARIO)
    return tmp_path / "mine.py"


def cases() -> Any:
    return case_frame(read_journal(Path("run.jsonl")))


def own_folders() -> list[Path]:
    return list(Path(os.environ.get("TMPDIR", "/tmp")).glob(f"{PREFIX}{os.getpid()}-*"))


def test_training_from_files_cold_and_warm(mine: Path) -> None:
    write_file(mine.with_name("probe"), 65536)
    if evict(mine.with_name("probe")):
        pytest.skip("files cannot be evicted here")
    arguments = ["run", "training", "--scenarios", str(mine), "--quick", "-o", "run.jsonl"]
    assert run(arguments) == 0
    rows = cases()
    assert set(rows.outcome) == {"ok"}, rows.reason
    assert set(rows.cache_state) == {"warm", "cold"}
    cold = rows[rows.cache_state == "cold"]
    assert (cold.cache_before_fraction < 0.01).all()
    assert (cold.rebuild_s > 0).all()
    assert (rows[rows.cache_state == "warm"].cache_before_fraction > 0.99).all()
    assert (rows.last_loss < rows.first_loss).all()
    assert rows.stall_fraction.between(0, 1).all()
    assert set(cold.ceiling) == {"disk_sequential"}
    found = read_journal(Path("run.jsonl"))
    disk = [line for line in found.ceilings if line.ceiling.name == "disk_sequential"]
    assert [line.round for line in disk][:1] == [1]  # the first with a time
    assert {line.ceiling.work for line in disk} == {
        Work("disk_sequential", int(size)).rounded() for size in cold.payload_bytes
    }
    assert own_folders() == []


# A user's own file


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_a_users_file_is_measured_as_it_is(dtype: str, mine: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    array = np.ones((40, 4, 8), dtype)
    np.save(own / "rows.npy", array)
    before = (own / "rows.npy").read_bytes()
    arguments = ["run", "training", "--scenarios", str(mine), "--trials", "1", "-o", "run.jsonl"]
    assert run([*arguments, "--npy", "own/rows.npy"]) == 0
    rows = cases()
    assert set(rows.outcome) == {"ok"}, rows.reason
    assert set(rows.strategy) == {"loads", "loads_its_copy"}
    assert set(rows.npy) == {"own/rows.npy"}  # a journal names no folder of a machine
    assert set(rows.size_bytes) == {array.nbytes}
    assert set(rows.sample_bytes) == {array[0].nbytes}
    assert set(rows.dtype) == {dtype}
    assert set(rows.epoch_bytes) == {array.nbytes}
    # Nothing was written beside it, and it is as it was.
    assert [file.name for file in own.iterdir()] == ["rows.npy"]
    assert (own / "rows.npy").read_bytes() == before
    assert own_folders() == []


@pytest.mark.parametrize(
    ("array", "more", "words"),
    [
        (np.ones((4, 4)), (), ["dtype cannot be 'float64'", "uint8, float16, float32"]),
        (np.ones((4, 4), "c8"), (), ["rows.npy: its dtype is complex64"]),
        (np.ones((4, 4), "i4"), (), ["dtype cannot be 'int32'", "uint8, float16, float32"]),
        (np.ones((4, 4), "f4"), ("--shape", "-1,4"), ["--shape is for a file without a header"]),
        (np.ones((4, 4), "f4"), ("--raw", "rows.npy"), ["--npy and --raw exclude each other"]),
        (np.ones((4, 4), "f4"), ("--size", "1MiB"), ["--npy: size is what the file says"]),
        (np.ones((4, 4), "f4"), ("--set", "npy=x"), ["--npy: npy is what the file says"]),
        (
            np.ones((4, 4), "f4"),
            ("tensor_from_array",),
            ["--npy: tensor_from_array makes its own data"],
        ),
    ],
)
def test_a_users_file_that_cannot_be_measured_is_one_line(
    array: Any,
    more: tuple[str, ...],
    words: list[str],
    mine: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    np.save("rows.npy", array)
    arguments = ["run", "training", *more, "--scenarios", str(mine), "--npy", "rows.npy"]
    assert run([*arguments, "-o", "run.jsonl"]) == EXIT_USAGE
    said = capsys.readouterr().err.splitlines()
    assert all(word in said[-1] for word in words), said
    assert "Traceback" not in "".join(said)
    assert not Path("run.jsonl").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "--raw tokens.bin: say what is in it, such as --dtype uint16 --shape -1,1024"),
        (("--dtype", "u1", "--shape", "-1,4"), "--raw: training takes .npy files; it has no param"),
        (
            ("--dtype", "u1", "--shape", "-1,4", "--size", "1KiB"),
            "--raw: size is what the file",
        ),
    ],
)
def test_a_file_without_a_header_that_cannot_be_measured_is_one_line(
    options: tuple[str, ...], words: str, mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("tokens.bin").write_bytes(bytes(4096))
    arguments = ["run", "training", "--scenarios", str(mine), "--raw", "tokens.bin", *options]
    assert run([*arguments, "-o", "run.jsonl"]) == EXIT_USAGE
    said = capsys.readouterr().err.splitlines()
    assert words in said[-1]
    assert "Traceback" not in "".join(said)


# A place for temporary files that cannot be used


def one_line(command: list[str], place: Path) -> str:
    """What a run says that cannot write its temporary files; it must be one line."""
    done = subprocess.run(
        [sys.executable, "-m", "harness", "run", *command],
        env=os.environ | {"TMPDIR": str(place), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == EXIT_UNABLE, done.stderr
    (line,) = done.stderr.splitlines()
    assert not Path("run.jsonl").exists()
    return line


def test_a_temporary_folder_that_is_none(mine: Path) -> None:
    said = one_line(["training", "--scenarios", str(mine), "-o", "run.jsonl"], mine)
    assert said.startswith(f"ferrybench: the temporary folder {mine} cannot be written to: ")
    assert said.endswith("; set TMPDIR to one with room")


def test_a_temporary_folder_in_which_workers_would_hang(mine: Path, tmp_path: Path) -> None:
    place = tmp_path / ("x" * 76)
    place.mkdir()
    command = ["training", "--scenarios", str(mine), "-o", "run.jsonl"]
    said = one_line(command, place)
    assert said.startswith(f"ferrybench: the temporary folder {place} has too long a path (")
    assert said.endswith("; set TMPDIR to a folder whose path has at most 75 bytes")


def test_a_temporary_folder_that_is_full_or_read_only(mine: Path, tiny_disk: Path) -> None:
    command = ["training", "--scenarios", str(mine), "-o", "run.jsonl"]
    filler = tiny_disk / "filler"
    with pytest.raises(OSError, match="No space left"), filler.open("wb") as stream:
        stream.write(bytes(10**6))
    assert "No space left on device" in one_line(command, tiny_disk)
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    assert "Read-only file system" in one_line(command, tiny_disk)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() or shutil.which("mount") is None:
        pytest.skip("only root may mount a file system, and is not kept from writing otherwise")
    place = tmp_path / "tiny"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("nothing may be mounted here")
    try:
        yield place
    finally:
        for _ in range(50):
            if not subprocess.run(["umount", str(place)], check=False).returncode:
                break
            time.sleep(0.1)
