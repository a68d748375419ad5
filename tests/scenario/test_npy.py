"""A user's .npy file: what can be trained from is described, all else refused in one line."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.errors import UsageError
from harness.scenario.npy import OwnFile, parse_raw, read_npy, read_raw, said_array
from tests.some import some

ROWS = np.arange(24.0).reshape(4, 6)


Make = Callable[[Path], object]


def written_in(version: tuple[int, int], array: Any) -> Make:
    def write(path: Path) -> None:
        with path.open("wb") as stream:
            np.lib.format.write_array(stream, array, version=version)

    return write


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "float64", "int64", "uint16"])
def test_an_array_of_rows_is_described_without_being_loaded(dtype: str, tmp_path: Path) -> None:
    array = np.zeros((5, 3, 2), dtype)
    np.save(tmp_path / "mine.npy", array)
    found = read_npy(tmp_path / "mine.npy")
    path = tmp_path / "mine.npy"
    assert found == OwnFile(path, dtype, (5, 3, 2), array[0].nbytes, first_byte=128)
    assert found.data_bytes == array.nbytes
    assert found.values() == {
        "npy": (str(tmp_path / "mine.npy"),),
        "size": (str(array.nbytes),),
        "dtype": (dtype,),
        "sample_bytes": (str(array[0].nbytes),),
    }


def test_a_path_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "mine.npy", ROWS)
    monkeypatch.chdir(tmp_path)
    assert read_npy(Path("mine.npy")).path == tmp_path / "mine.npy"


def test_more_bytes_than_promised_do_no_harm(tmp_path: Path) -> None:
    np.save(tmp_path / "mine.npy", ROWS)
    with (tmp_path / "mine.npy").open("ab") as stream:
        stream.write(b"more")
    assert read_npy(tmp_path / "mine.npy").shape == (4, 6)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_format_is_read(version: tuple[int, int], tmp_path: Path) -> None:
    written_in(version, ROWS)(tmp_path / "mine.npy")
    assert read_npy(tmp_path / "mine.npy").shape == (4, 6)


def saved(array: Any) -> Make:
    return lambda path: np.save(path, array)


def cut(to: int) -> Make:
    def write(path: Path) -> None:
        np.save(path, ROWS)
        path.write_bytes(path.read_bytes()[:to])

    return write


def header(text: str) -> Make:
    data = text.encode() + b" " * 20 + b"\n"
    begin = b"\x93NUMPY\x01\x00" + len(data).to_bytes(2, "little")
    return lambda path: path.write_bytes(begin + data + bytes(1024))


def in_version(major: int) -> Make:
    return lambda path: path.write_bytes(b"\x93NUMPY" + bytes([major, 0]) + bytes(200))


FIELDS = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 6), }"
WRONG: dict[str, tuple[Make, list[str]]] = {
    "missing": (lambda path: None, ["cannot be read", "No such file"]),
    "a folder": (lambda path: path.mkdir(), ["cannot be read", "Is a directory"]),
    "nothing in it": (lambda path: path.touch(), ["is empty", "numpy.save"]),
    "a text": (lambda path: path.write_text("1,2,3\n4,5,6"), ["not a .npy file", "numpy.save"]),
    "a few bytes": (lambda path: path.write_bytes(b"\x93NU"), ["not a .npy file"]),
    "a pickle": (
        lambda path: path.write_bytes(pickle.dumps(ROWS)),
        ["is a pickle, which could run code", "numpy.save"],
    ),
    "cut short in the data": (cut(200), ["is cut short", "promises 4 rows", "192 B", "holds 72 B"]),
    "cut short in the header": (cut(60), ["damaged header", "save it again"]),
    "a header that is none": (header("{'descr': '<f4'"), ["damaged header"]),
    "a header without a shape": (
        header("{'descr': '<f4', 'fortran_order': False}"),
        ["damaged header"],
    ),
    "a header of an unknown dtype": (header(FIELDS.replace("<f4", "?!")), ["damaged header"]),
    "a header of a negative shape": (
        header(FIELDS.replace("(4, 6)", "(-4, 6)")),
        ["its shape is (-4, 6)"],
    ),
    "a later version": (in_version(9), ["version 9.0", "1.0 to 3.0"]),
    "names of fields": (
        written_in((3, 0), np.zeros((4, 2), [("größe", "f4")])),
        ["records of 1 fields"],
    ),
    "large numbers": (saved(ROWS.astype("uint64")), ["dtype is uint64", "int64", "uint32, as ar"]),
    "truths": (saved(ROWS > 3), ["dtype is bool", "use uint8"]),
    "complex numbers": (saved(ROWS.astype("complex64")), ["complex64", "use uint8, float16"]),
    "text": (saved(np.array([["a", "b"]] * 3)), ["dtype is str", "use uint8"]),
    "records": (saved(np.zeros((4, 2), [("x", "f4"), ("y", "f4")])), ["records of 2 fields"]),
    "objects": (saved(np.array([[{}, {}]] * 3)), ["holds Python objects", "unpickled"]),
    "the other byte order": (
        saved(ROWS.astype(np.dtype("f4").newbyteorder())),
        ["in the other byte order", "array.astype('float32')"],
    ),
    "Fortran order": (saved(np.asfortranarray(ROWS)), ["Fortran order", "ascontiguousarray"]),
    "no rows": (saved(np.empty((0, 6))), ["its shape is (0, 6)", "it is empty"]),
    "no columns": (saved(np.empty((4, 0))), ["its shape is (4, 0)", "it is empty"]),
    "a single row": (saved(ROWS[:1]), ["its shape is (1, 6)", "at least 2 rows"]),
    "a number": (saved(np.float32(3)), ["its shape is ()", "one row per sample"]),
    "one dimension": (saved(np.arange(9.0)), ["its shape is (9,)", "array.reshape(samples, -1)"]),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_trained_from_is_refused_in_one_line(what: str, tmp_path: Path) -> None:
    make, words = WRONG[what]
    path = tmp_path / "mine.npy"
    make(path)
    with pytest.raises(UsageError) as raised:
        read_npy(path)
    said = str(raised.value)
    assert said.startswith(f"--npy {path}")
    assert "\n" not in said
    for word in some(words):
        assert word in said, said


OTHERS: dict[str, tuple[bytes, str]] = {
    "x.npz": (b"", "an archive of arrays; save one of them: numpy.save('mine.npy', archive['NAME"),
    "x.pt": (b"", "a file written by torch.save; save a tensor of it"),
    "old.pth": (pickle.dumps(1), "a file written by torch.save"),
    "x.h5": (b"\x89HDF\r\n\x1a\n", "an HDF5 file; save a dataset of it"),
    "of another name": (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    "x.parquet": (b"PAR1", "a Parquet file; save its numbers"),
    "x.feather": (b"ARROW1", "an Arrow file; save a column"),
    "x.csv": (
        b"1,2\n",
        "a text file; save its numbers: numpy.save('mine.npy', frame.to_numpy(",
    ),
    "x.safetensors": (b"8" * 16, "a file by safetensors; save a tensor of it"),
    "x.npy.gz": (b"\x1f\x8b", "a compressed file or an archive; unpack it first"),
    "x.tar": (b"0", "a compressed file or an archive"),
    "x.png": (b"\x89PNG", "a picture; save all of them as one array"),
    "x.pkl": (b"\x80\x04", "a pickle, which could run code"),
    "tokens.bin": (
        b"12345678",
        "a file of values without a header; say what is in it, such as --",
    ),
    "unknown": (b"12345678", "not a .npy file by its first bytes; write it with numpy.save"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_files_are_named_with_what_helps(name: str, tmp_path: Path) -> None:
    begins, words = OTHERS[name]
    path = tmp_path / name
    if name == "x.npz":
        np.savez(path, a=ROWS)
    elif name == "x.pt":
        torch.save(torch.ones(3), path)
    else:
        path.write_bytes(begins)
    with pytest.raises(UsageError) as raised:
        read_npy(path)
    assert f"--npy {path} is {words}" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="is not a regular file but a device, a pipe or a socket"):
        read_npy(tmp_path / "pipe")
    with pytest.raises(UsageError, match="is not a regular file but a device, a pipe or a socket"):
        read_raw(tmp_path / "pipe", "u1", "-1,4")
    (tmp_path / "x.zarr").mkdir()
    (tmp_path / "x.zarr" / "zarr.json").touch()
    with pytest.raises(UsageError, match="is a Zarr array; save as much as fits"):
        read_npy(tmp_path / "x.zarr")


# Files without a header


def test_a_file_without_a_header_is_described_as_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "tokens.bin"
    np.arange(50, dtype=np.uint16).tofile(path)
    whole = read_raw(path, "uint16", "10,5")
    assert whole == OwnFile(path, "uint16", (10, 5), 10, "10x5")
    assert whole.remark == ""
    assert whole.values()["raw"] == ("10x5",)
    rest = read_raw(path, "<u2", "-1, 3, 2", "1")
    assert (rest.shape, rest.raw) == ((8, 3, 2), "8x3x2+1")
    assert (
        rest.remark == "tokens.bin: 8 rows; its last 3 B do not make a whole row and are left out"
    )
    assert parse_raw(rest.raw) == ((8, 3, 2), 1)
    assert read_raw(path, "u1", "(2,-1)").shape == (2, 50)
    assert read_raw(path, "float32", "5,2").remark == ""  # less than there is, as asked for


@pytest.mark.parametrize(
    ("dtype", "shape", "offset", "problem"),
    [
        ("nonsense", "-1,4", "0", "--dtype nonsense is not a NumPy dtype; use uint8, float16"),
        ("", "-1,4", "0", "--dtype  is not a NumPy dtype"),
        (">u2", "-1,4", "0", "it is >u2, in the other byte order"),
        ("O", "-1,4", "0", "it holds Python objects"),
        ("S0", "-1,4", "0", "its dtype is "),
        ("f4,i4", "-1,4", "0", "records of 2 fields"),
        ("complex64", "-1,4", "0", "its dtype is complex64"),
        ("uint16", "a,4", "0", "--shape a,4: write numbers, such as 1000,1024 or -1,1024"),
        ("uint16", "", "0", "--shape : write numbers"),
        ("uint16", "-1,-1", "0", "one number may be -1, for as many as there are"),
        ("uint16", "-2,4", "0", "one number may be -1"),
        ("uint16", "-1,0", "0", "it is empty"),
        ("uint16", "50", "0", "its shape is (50,); one row per sample is needed"),
        ("uint16", "-1,50", "0", "at least 2 rows are needed"),
        ("uint16", "11,5", "0", "11 rows of 10 B are 110 B, but from byte 0 on the file holds 100"),
        (
            "uint16",
            "10,5",
            "2",
            "10 rows of 10 B are 100 B, but from byte 2 on the file holds",
        ),
        ("uint16", "-1,5", "4KiB", "its shape is (0, 5): it is empty"),
        ("uint16", "-1,5", "-3", "--offset: '-3' is not a size"),
    ],
)
def test_a_file_that_is_told_wrongly_is_one_line(
    dtype: str, shape: str, offset: str, problem: str, tmp_path: Path
) -> None:
    path = tmp_path / "tokens.bin"
    np.arange(50, dtype=np.uint16).tofile(path)
    with pytest.raises(UsageError) as raised:
        read_raw(path, dtype, shape, offset)
    assert problem in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_with_a_header_is_not_taken_for_one_without(tmp_path: Path) -> None:
    np.save(tmp_path / "mine.npy", ROWS)
    with pytest.raises(UsageError, match=r"is a \.npy file, which has a header: use --npy"):
        read_raw(tmp_path / "mine.npy", "float64", "-1,6")


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "unpickled",))

    np.save(tmp_path / "mine.npy", np.array([[Bomb(), Bomb()]] * 2))
    with pytest.raises(UsageError, match="Python objects"):
        read_npy(tmp_path / "mine.npy")
    assert not (tmp_path / "unpickled").exists()


def test_numpy_is_imported_only_when_a_file_is_read() -> None:
    code = "import sys, harness.scenario.npy; sys.exit('numpy' in sys.modules)"
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)


def test_an_array_that_is_taken_as_a_whole_may_have_any_order_and_shape(tmp_path: Path) -> None:
    for shape in ((7,), (1, 5), (3, 4, 5)):
        path = tmp_path / "whole.npy"
        np.save(path, np.asfortranarray(np.ones(shape, np.float32)))
        found = read_npy(path, rows=False)
        assert (found.shape, found.fortran) == (shape, len(shape) > 1 and shape[0] > 1)
    np.save(tmp_path / "number.npy", np.float32(1))
    with pytest.raises(UsageError, match="a single number"):
        read_npy(tmp_path / "number.npy", rows=False)


def test_an_array_that_is_only_told_of() -> None:
    assert said_array("float32", "5, 3") == ("float32", (5, 3))
    assert said_array("uint8", "(7,)", rows=False) == ("uint8", (7,))
    with pytest.raises(UsageError, match="no machine can address"):
        said_array("uint8", f"{2**62},2")
