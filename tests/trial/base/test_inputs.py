"""Inputs come back as they were: values, and how they lie in memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.trial.base import inputs
from harness.trial.base.inputs import FixtureError
from harness.trial.base.pointers import overlap
from tests.trial.round_trips import round_trip

BASE = np.arange(240.0).reshape(12, 20)


def read_only(array: Any) -> Any:
    array.flags.writeable = False
    return array


def misaligned(array: Any, by: int) -> Any:
    raw = np.empty(array.nbytes + by, np.uint8)
    moved = raw[by:].view(array.dtype).reshape(array.shape)
    moved[...] = array
    return moved


LAYOUTS = {
    "C": BASE,
    "Fortran": np.asfortranarray(BASE),
    "step": BASE[::3, ::2],
    "negative": BASE[::-1],
    "negative both": BASE[::-1, ::-2],
    "part": BASE[3:7, 5:9],
    "transposed part": BASE[3:7, 5:9].T,
    "broadcast": np.broadcast_to(BASE[0], (5, 20)),
    "broadcast scalar": np.broadcast_to(np.float32(3), (4, 4)),
    "read only": read_only(BASE.copy()),
    "read only step": read_only(BASE[::2]),
    "misaligned by 1": misaligned(BASE, 1),
    "misaligned by 4": misaligned(BASE, 4),
    "misaligned Fortran": misaligned(BASE, 3).T,
    "no dimensions": np.array(7.0),
    "empty": np.empty((0, 5)),
    "empty step": np.empty((4, 0))[::2],
    "one element": np.ones((1, 1, 1)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_arrays_keep_their_layout(layout: str, tmp_path: Path) -> None:
    array: Any = LAYOUTS[layout]
    loaded = round_trip(array, tmp_path)
    assert np.array_equal(loaded, np.asarray(array))
    assert loaded.shape == array.shape
    assert loaded.strides == array.strides
    assert loaded.flags.writeable == array.flags.writeable
    assert loaded.flags.aligned == array.flags.aligned
    at = loaded.__array_interface__["data"][0], array.__array_interface__["data"][0]
    if array.size:
        assert at[0] % 8 == at[1] % 8
    assert not overlap(array, loaded)


DTYPES = (
    "bool", "int8", "uint16", "int64", "float16", "float32", "float64", "longdouble",
    "complex64", "complex128", ">f4", ">i8", ">c16", "datetime64[ns]", "S5", "U3",
)  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("step", [1, 2])
def test_arrays_keep_their_dtype_and_byte_order(dtype: str, step: int, tmp_path: Path) -> None:
    array = np.arange(64).astype(dtype)[::step]
    loaded = round_trip(array, tmp_path)
    assert loaded.dtype.str == np.dtype(dtype).str
    assert np.array_equal(loaded, array)


def test_a_contiguous_array_owns_its_memory_as_a_fresh_one_does(tmp_path: Path) -> None:
    assert round_trip(BASE, tmp_path).flags.owndata


def test_a_broadcast_array_takes_no_more_room_than_it_had(tmp_path: Path) -> None:
    huge = np.broadcast_to(np.uint8(1), (2**40,))
    loaded = round_trip(huge, tmp_path)
    assert loaded.shape == huge.shape
    assert (tmp_path / "inputs.bin").stat().st_size == 1


COMPLEX = torch.tensor([1 + 2j, 3 - 4j])
TENSORS = {
    "contiguous": torch.arange(24.0).reshape(4, 6),
    "transposed": torch.arange(24.0).reshape(4, 6).t(),
    "part": torch.arange(24.0).reshape(4, 6)[1:3, 2:5],
    "expanded": torch.arange(6.0).expand(4, 6),
    "bfloat16": torch.arange(24.0).to(torch.bfloat16),
    "float8": torch.arange(24.0).to(torch.float8_e4m3fn),
    "bool": torch.tensor([True, False]),
    "conjugate": COMPLEX.conj(),
    "negative": COMPLEX.conj().imag,
    "needs gradient": torch.arange(3.0, requires_grad=True),
    "channels last": torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last),
    "no dimensions": torch.tensor(5),
    "empty": torch.empty(0, 3),
}


@pytest.mark.parametrize("name", TENSORS)
def test_tensors_keep_values_and_layout(name: str, tmp_path: Path) -> None:
    tensor = TENSORS[name]
    loaded = round_trip(tensor, tmp_path)
    assert loaded.dtype is tensor.dtype
    assert loaded.shape == tensor.shape
    assert loaded.stride() == tensor.stride()
    assert loaded.storage_offset() == tensor.storage_offset()
    assert loaded.is_conj() == tensor.is_conj()
    assert loaded.is_neg() == tensor.is_neg()
    assert loaded.requires_grad == tensor.requires_grad
    assert loaded.tolist() == tensor.tolist()
    assert not overlap(tensor, loaded)


def test_several_inputs_come_back_in_their_order(tmp_path: Path) -> None:
    value = (BASE, [torch.arange(3), 5, "text"], None, 1.5, True, BASE[::2])
    loaded = round_trip(value, tmp_path)
    assert isinstance(loaded, tuple)
    assert np.array_equal(loaded[0], BASE)
    assert isinstance(loaded[1], list)
    assert loaded[1][0].tolist() == [0, 1, 2]
    assert loaded[1][1:] == [5, "text"]
    assert loaded[2:5] == (None, 1.5, True)
    assert np.array_equal(loaded[5], BASE[::2])


@pytest.mark.parametrize("value", [BASE, BASE[::2], torch.arange(100)])
def test_a_truncated_file_is_noticed(value: Any, tmp_path: Path) -> None:
    inputs.save(value, tmp_path / "inputs.bin")
    with (tmp_path / "inputs.bin").open("r+b") as stream:
        stream.truncate(100)
    with pytest.raises(FixtureError, match="shorter than its description says"):
        inputs.load(tmp_path / "inputs.bin")


def test_a_description_is_there_only_when_the_bytes_are(tmp_path: Path) -> None:
    with pytest.raises(FixtureError):
        inputs.save((BASE, object()), tmp_path / "inputs.bin")
    assert not (tmp_path / "inputs.json").exists()


# Files


def test_a_file_comes_back_as_its_path(tmp_path: Path) -> None:
    file = tmp_path / "data.npy"
    assert round_trip(file, tmp_path) == file
    path, labels = round_trip((file, BASE), tmp_path)
    assert isinstance(path, Path)
    assert path == file
    assert np.array_equal(labels, BASE)
    assert (tmp_path / "inputs.bin").stat().st_size == BASE.nbytes


def test_every_file_is_written_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("one", "deep/two"):
        (tmp_path / name).write_bytes(b"data")
    (tmp_path / "link").symlink_to(tmp_path / "one")
    written: list[str] = []
    monkeypatch.setattr(
        os, "fsync", lambda fd: written.append(str(Path(f"/proc/self/fd/{fd}").readlink()))
    )
    if not Path("/proc/self/fd").exists():
        pytest.skip("there is no /proc to tell which file that was")
    inputs.keep_on_disk(tmp_path)
    assert {Path(name).name for name in written} == {"one", "two"}
    inputs.keep_on_disk(tmp_path / "nothing")
