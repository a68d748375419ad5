"""Files to train from are what np.save writes, can be learnt from, and take no memory to make."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.scenario.sample_files import (
    CLASSES,
    as_given,
    copy_leading,
    header_bytes,
    label_samples,
    read_header,
    read_pieces,
    read_rows,
    write_samples,
)

MIB = 2**20
DTYPES = ("uint8", "float16", "float32", "float64")


def made(path: Path, rows: int = 2000, values: int = 64, dtype: str = "float32") -> Any:
    return write_samples(path, rows, values, dtype, np.random.default_rng(1))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 5), (123_456, 7), (12, 3, 4, 5)])
def test_the_header_is_as_np_save_writes_it(
    dtype: str, shape: tuple[int, ...], tmp_path: Path
) -> None:
    np.save(tmp_path / "theirs.npy", np.zeros(shape, dtype))
    theirs = (tmp_path / "theirs.npy").read_bytes()[:128]
    assert header_bytes(shape, dtype, 128) == theirs
    header = read_header(tmp_path / "theirs.npy")
    assert (header.shape, header.dtype, header.offset) == (shape, np.dtype(dtype), 128)
    assert (header.rows, header.row_bytes) == (shape[0], np.zeros(shape[1:], dtype).nbytes)


@pytest.mark.parametrize("offset", [128, 192, 4096])
@pytest.mark.parametrize("dtype", DTYPES)
def test_samples_are_read_by_numpy_wherever_they_begin(
    dtype: str, offset: int, tmp_path: Path
) -> None:
    path = tmp_path / "samples.npy"
    labels = write_samples(path, 50, 20, dtype, np.random.default_rng(1), offset=offset)
    data = np.load(path, mmap_mode="r")
    assert (data.shape, data.dtype, data.offset) == ((50, 20), np.dtype(dtype), offset)
    assert labels.shape == (50,)
    # THEN the values fill their range, and a smaller dtype would not hold them
    top = 255 if dtype == "uint8" else 1
    assert 0 <= data.min() < 0.2 * top < 0.8 * top < data.max() <= top
    if dtype == "float32":
        assert (data.astype(np.float16) != data).mean() > 0.9
    # THEN reading it in parts gives the same
    header = read_header(path)
    assert np.array_equal(np.concatenate(list(read_pieces(path, header))), data)
    assert np.array_equal(read_rows(path, header, 7, 3), data[7:10])


def test_version_2_of_the_format_is_read(tmp_path: Path) -> None:
    data = np.arange(12.0).reshape(4, 3)
    with (tmp_path / "two.npy").open("wb") as file:
        np.lib.format.write_array(file, data, version=(2, 0))
    assert np.array_equal(
        read_rows(tmp_path / "two.npy", read_header(tmp_path / "two.npy"), 1, 2), data[1:3]
    )


def test_equal_seeds_give_equal_files(tmp_path: Path) -> None:
    first, again = made(tmp_path / "1.npy"), made(tmp_path / "2.npy")
    assert np.array_equal(first, again)
    assert (tmp_path / "1.npy").read_bytes() == (tmp_path / "2.npy").read_bytes()


def test_bytes_become_0_to_1_and_other_numbers_stay() -> None:
    every = np.arange(256, dtype=np.uint8)
    assert as_given(every).dtype == np.float32
    assert as_given(every)[[0, 51, 255]].tolist() == [0, np.float32(0.2), 1]
    floats = np.array([0.5, 2.0], np.float32)
    assert as_given(floats) is floats
    assert as_given(np.array([0.1, 1e300])).tolist() == [np.float32(0.1), np.inf]
    assert as_given(np.array([0.1], np.float16)).tolist() == [float(np.float16(0.1))]


def accuracy(data: Any, labels: Any) -> float:
    """Of the nearest mean of a class: learnt from one half of the samples, tried on the other."""
    flat = as_given(data).reshape(len(data), -1)
    half = len(data) // 2
    means = np.stack([flat[:half][labels[:half] == c].mean(0) for c in range(CLASSES)])
    distances = ((flat[half:, None] - means) ** 2).sum(2)
    return float((distances.argmin(1) == labels[half:]).mean())


@pytest.mark.parametrize("dtype", DTYPES)
def test_made_classes_can_be_learnt(dtype: str, tmp_path: Path) -> None:
    labels = made(tmp_path / "samples.npy", dtype=dtype)
    data = np.load(tmp_path / "samples.npy")
    assert np.bincount(labels, minlength=CLASSES).min() > 100
    assert accuracy(data, labels) > 0.9
    # Guessing gets a tenth of them right.
    assert accuracy(data, np.roll(labels, 1)) < 0.2


SOMEBODYS: dict[str, Callable[[Any], Any]] = {
    "noise": lambda rng: rng.standard_normal((2000, 64), np.float32),
    "images of bytes": lambda rng: rng.integers(0, 256, (2000, 4, 6, 3), np.uint8),
    "large numbers": lambda rng: 1e6 + 1e3 * rng.standard_normal((2000, 100)),
    "a few values": lambda rng: rng.random((2000, 5)).astype(np.float16),
}


@pytest.mark.parametrize("kind", SOMEBODYS)
def test_a_users_samples_get_classes_that_can_be_learnt(kind: str, tmp_path: Path) -> None:
    data = SOMEBODYS[kind](np.random.default_rng(3))
    np.save(tmp_path / "mine.npy", data)
    labels = label_samples(tmp_path / "mine.npy")
    assert labels.shape == (2000,)
    assert labels.dtype == np.int64
    # THEN no class is most of them, and they can be told apart
    assert np.bincount(labels, minlength=CLASSES).max() < 800
    assert accuracy(data, labels) > 0.4
    # THEN they depend on nothing but the sample
    assert np.array_equal(label_samples(tmp_path / "mine.npy"), labels)


def test_equal_samples_of_a_user_are_of_equal_class(tmp_path: Path) -> None:
    np.save(tmp_path / "same.npy", np.full((500, 40), 7, np.uint8))
    assert len(set(label_samples(tmp_path / "same.npy"))) == 1


@pytest.mark.parametrize(("size", "rows"), [(0, 2), (1000, 3), (3199, 9), (10**9, 20)])
def test_the_first_rows_are_copied(size: int, rows: int, tmp_path: Path) -> None:
    data = np.arange(20 * 40, dtype=np.float64).reshape(20, 5, 8)
    np.save(tmp_path / "mine.npy", data)
    copy_leading(
        tmp_path / "mine.npy", read_header(tmp_path / "mine.npy"), tmp_path / "part.npy", size
    )
    assert np.array_equal(np.load(tmp_path / "part.npy"), data[:rows])


@pytest.mark.parametrize("values", [128, 2**18])
@pytest.mark.parametrize("what", ["write", "label", "copy"])
def test_files_are_made_in_little_memory(what: str, values: int, tmp_path: Path) -> None:
    # GIVEN a file of 128 MiB
    path, rows = tmp_path / "samples.npy", 128 * MIB // (4 * values)
    if what != "write":
        made(path, rows, values)
    do: dict[str, Callable[[], Any]] = {
        "write": lambda: made(path, rows, values),
        "label": lambda: label_samples(path),
        "copy": lambda: copy_leading(path, read_header(path), tmp_path / "copy.npy", 100 * MIB),
    }
    # WHEN it is made, gone through or copied
    tracemalloc.start()
    try:
        do[what]()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # THEN a few pieces of 8 MiB were in memory, and labels and templates
    assert MIB < peak < 40 * MIB + 2 * 8 * rows + 4 * CLASSES * values
    assert path.stat().st_size == 128 + 128 * MIB
