"""What cannot be is refused in one line, before anything is measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.cli import run
from harness.errors import EXIT_USAGE
from tests.some import some

SHAPES = {
    "negative": ("-5,3", "every number must be positive"),
    "unknown": ("-1,3", "every number must be positive"),
    "zero": ("5,0", "it is empty"),
    "overflow": ("9999999999,9999999999", "no machine can address that many bytes"),
    "words": ("5xx3", "write numbers"),
    "one row": ("1,3", "at least 2 rows"),
    "one dimension": ("50", "one row per sample"),
}
OPTIONS = {
    "no task": (["to-nowhere", "--shape", "5,3", "--dtype", "uint8"], "there are to-tensor"),
    "no data": (["to-tensor"], "say which data"),
    "no dtype": (["to-tensor", "--shape", "5,3"], "say which data"),
    "dtype": (["to-tensor", "--shape", "5,3", "--dtype", "float9"], "is not a NumPy dtype"),
    "objects": (["to-tensor", "--shape", "5,3", "--dtype", "object"], "Python objects"),
    "records": (["to-tensor", "--shape", "5,3", "--dtype", "i4,f8"], "records of 2 fields"),
    "order": (["to-tensor", "--shape", "5,3", "--dtype", ">f4"], "other byte order"),
    "shuffle": (["to-tensor", "--shape", "5,3", "--dtype", "uint8", "--shuffle"], "no batches"),
    "batches": (["to-device", "--shape", "5,3", "--dtype", "uint8", "--batch-size", "8"],
        "no batches"),
    "batch": (["to-loader", "--shape", "5,3", "--dtype", "uint8", "--batch-size", "0"],
        "one sample or more"),
    "memory": (["to-tensor", "--shape", "5,3", "--dtype", "uint8", "--memory", "much"],
        "is not a size"),
    "no memory": (["to-tensor", "--shape", "5,3", "--dtype", "uint8", "--memory", "0"],
        "positive number of bytes"),
    "budget": (["to-tensor", "--shape", "5,3", "--dtype", "uint8", "--budget", "1s"],
        "10s or more"),
    "need": (["to-tensor", "--shape", "5,3", "--dtype", "uint8", "--need", "dataloader"],
        "for to-tensor there are: share, copy, reuse"),
    "offset": (["to-tensor", "--shape", "5,3", "--dtype", "uint8", "--offset", "8"],
        "given by --raw"),
}  # fmt: skip


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert run(["advise", *arguments]) == EXIT_USAGE
    said = capsys.readouterr()
    assert not said.out
    assert len(said.err.splitlines()) == 1
    return said.err


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_that_cannot_be(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    shape, why = SHAPES[name]
    said = refused(["to-loader", f"--shape={shape}", "--dtype", "float32"], capsys)
    assert shape in said
    assert why in said


@pytest.mark.parametrize("name", OPTIONS)
def test_what_does_not_go_together(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, why = OPTIONS[name]
    assert why in refused(arguments, capsys)


def test_files_that_are_not_what_they_say(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, objects, short = (tmp_path / f"{name}.npy" for name in ("whole", "objects", "short"))
    np.save(whole, np.ones((50, 30), np.float32))
    np.save(objects, np.array([{}, {}], object), allow_pickle=True)
    short.write_bytes(whole.read_bytes()[:-1])
    magic = tmp_path / "magic.npy"
    magic.write_bytes(b"\x93NUMPX" + whole.read_bytes()[6:])
    columns = tmp_path / "columns.npy"
    np.save(columns, np.asfortranarray(np.ones((50, 30), np.float32)))
    raw = tmp_path / "raw.bin"
    raw.write_bytes(bytes(100))
    of_npy = {
        objects: "Python objects",
        short: "cut short: its header promises 50 rows",
        magic: "not a .npy file by its first bytes",
        columns: "in Fortran order",
        tmp_path / "none.npy": "No such file",
        tmp_path: "cannot be read",
    }
    for path, why in some(of_npy.items()):
        assert why in refused(["to-loader", "--npy", str(path)], capsys), path
    as_raw = ["to-loader", "--raw", str(raw), "--dtype", "uint8"]
    assert "the file holds 100 B" in refused([*as_raw, "--shape", "11,10"], capsys)
    assert "the file holds 60 B" in refused([*as_raw, "--shape", "10,10", "--offset", "40"], capsys)
    headed = refused(["to-loader", "--npy", str(whole), "--dtype", "float32"], capsys)
    assert "the header of --npy" in headed
    both = refused(["to-loader", "--npy", str(whole), "--raw", str(raw)], capsys)
    assert "exclude each other" in both


def test_the_users_file_is_never_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "data.npy"
    np.save(path, np.ones((50, 30), np.float32))
    before = path.read_bytes()
    said = refused(["to-tensor", "--npy", str(path), "-o", str(path), "--force"], capsys)
    assert "is read by this command" in said
    assert path.read_bytes() == before
