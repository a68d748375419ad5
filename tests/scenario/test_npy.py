"""A user's .npy file: what can be trained from is described, all else refused in one line."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import UsageError
from harness.scenario.npy import NpyFile, read_npy
from tests.some import some

ROWS = np.arange(24.0).reshape(4, 6)


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "float64"])
def test_an_array_of_rows_is_described_without_being_loaded(dtype: str, tmp_path: Path) -> None:
    array = np.zeros((5, 3, 2), dtype)
    np.save(tmp_path / "mine.npy", array)
    found = read_npy(tmp_path / "mine.npy")
    assert found == NpyFile(tmp_path / "mine.npy", dtype, (5, 3, 2), array[0].nbytes)
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


def test_a_long_header_is_read_too(tmp_path: Path) -> None:
    with (tmp_path / "mine.npy").open("wb") as stream:
        np.lib.format.write_array(stream, ROWS, version=(2, 0))
    assert read_npy(tmp_path / "mine.npy").shape == (4, 6)


Make = Callable[[Path], object]


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
        ["not a .npy file", "numpy.save"],
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
    "a later version": (in_version(9), ["version 9.0", "1.0 and 2.0"]),
    "a version of names": (in_version(3), ["version 3.0", "plain dtype"]),
    "integers": (saved(ROWS.astype("int64")), ["dtype is int64", "float64, as array.astype"]),
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
