"""Whether two values can reach the same memory, proved by addresses."""

from __future__ import annotations

import array
import mmap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.trial.base.contents import contents_of
from harness.trial.base.mapped import mappings
from harness.trial.base.pointers import (
    array_extent,
    data_bytes,
    may_be_mapped,
    overlap,
    sharing,
    summary,
)

RING: list[Any] = []
RING.append(RING)
BASE = np.arange(100.0).reshape(10, 10)


@pytest.mark.parametrize(
    ("view", "sharing"),
    [
        (BASE, True),
        (BASE[3:4], True),
        (BASE[::-1, ::-1], True),
        (BASE[9:2:-3], True),
        (BASE.T, True),
        (BASE[::2, ::2], True),
        (np.broadcast_to(BASE[2], (1000, 10)), True),
        (torch.from_numpy(BASE), True),
        (torch.from_numpy(BASE)[5:].t(), True),
        (BASE.view(np.uint8), True),
        ([np.zeros(3), BASE[:1]], True),
        ({"first": (np.zeros(3), BASE)}, True),
        (BASE.copy(), False),
        (torch.tensor(BASE), False),
        ([row.copy() for row in BASE], False),
        (np.float64(3.0), None),
        (None, None),
        ([], None),
        ([1.0, 2.0], None),
        ("text", None),
    ],
)
def test_overlap_of_a_whole_array_with(view: Any, sharing: bool | None) -> None:
    assert overlap(BASE, view) is sharing
    assert overlap((np.zeros(2), BASE), view) is sharing


def test_neighbours_do_not_overlap_however_close() -> None:
    assert overlap(BASE[:5], BASE[5:]) is False
    assert overlap(BASE[5:], BASE[:5]) is False
    assert overlap(BASE[4::-1], BASE[5:]) is False
    assert overlap(BASE[:5], BASE[4:]) is True
    assert overlap(BASE[:5], BASE[:3:-1]) is True


def test_nothing_overlaps_an_empty_array_even_inside_another() -> None:
    assert overlap(BASE, BASE[5:][:0]) is False
    assert overlap(BASE[5:][:0], BASE) is False
    assert overlap(BASE, np.empty((0, 7))) is False
    assert overlap(BASE, torch.empty(0)) is False


def test_parts_of_one_storage_are_apart() -> None:
    whole = torch.arange(10)
    assert overlap(whole[:2], whole[8:]) is False
    assert overlap(whole[:3], whole[2:]) is True


def test_tensors_without_data_have_no_memory() -> None:
    assert contents_of([torch.empty(3, device="meta")]).blocks == []
    assert overlap(BASE, torch.empty(3, device="meta")) is False


@pytest.mark.parametrize(
    "view",
    [
        BASE,
        BASE[::-1],
        BASE[:, ::-3],
        BASE[7:2:-2, 1:9:4],
        np.broadcast_to(BASE[0], (4, 10)),
        BASE[3, 3:4].reshape(()),
        BASE.view(np.uint8)[1:-1, 3::5],
    ],
)
def test_extent_is_from_the_first_to_behind_the_last_byte(view: Any) -> None:
    low, high = array_extent(view)
    assert (low, high) == np.lib.array_utils.byte_bounds(view)


def test_bytes_are_those_of_the_elements() -> None:
    assert data_bytes(BASE) == 800
    assert data_bytes(BASE[::2]) == 400
    assert data_bytes(np.broadcast_to(BASE[0], (1000, 10))) == 80_000
    assert data_bytes(torch.zeros(3, 5, dtype=torch.bfloat16)) == 30
    assert data_bytes((BASE, [torch.zeros(2)], {"x": BASE}, None)) == 808  # each once
    assert data_bytes((BASE, BASE[:5])) == 1200
    assert data_bytes([1.0] * 1000) == 0
    assert data_bytes(torch.zeros(3).untyped_storage()) == 12
    assert data_bytes(torch.zeros(3, device="meta").untyped_storage()) == 0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (BASE, "array float64 (10, 10)"),
        (BASE[:, ::2], "array float64 (10, 5) not contiguous"),
        (torch.zeros(2, 3), "tensor float32 (2, 3)"),
        (torch.zeros(2, 3).t(), "tensor float32 (3, 2) not contiguous"),
        ([BASE, BASE], "list of 2, first: array float64 (10, 10)"),
        ((), "tuple"),
        (3, "int"),
        (RING, "list of 1, first: list of 1, first: list of 1, first: list of 1, first: list"),
        (None, "NoneType"),
    ],
)
def test_a_summary_says_what_came_back(value: Any, text: str) -> None:
    assert summary(value) == text


# Files


def test_a_file_has_all_of_its_bytes_through_links_too(tmp_path: Path) -> None:
    file = tmp_path / "data.bin"
    file.write_bytes(bytes(1000))
    (tmp_path / "link").symlink_to(file)
    assert data_bytes(file) == data_bytes(tmp_path / "link") == 1000
    assert data_bytes((file, np.zeros(3))) == 1024


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs /proc/self/maps")
def test_what_maps_a_file_overlaps_it_and_copies_do_not(tmp_path: Path) -> None:
    file, other = tmp_path / "my data.npy", tmp_path / "other.npy"
    for path in (file, other):
        np.save(path, BASE)
    (tmp_path / "link").symlink_to(file)
    mapped = np.load(file, mmap_mode="c")
    for path in (file, tmp_path / "link"):
        assert overlap(path, mapped) is True
        assert overlap((path, np.zeros(3)), torch.from_numpy(mapped)[2:3]) is True
        assert overlap(path, mapped.copy()) is False
        assert overlap(path, None) is None
    assert overlap(other, mapped) is False
    assert overlap(tmp_path / "missing", mapped) is False
    del mapped
    assert overlap(file, BASE) is False


def test_where_the_system_does_not_say_what_is_mapped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "data.npy"
    np.save(file, BASE)
    mapped = np.load(file, mmap_mode="r")
    assert overlap(file, mapped) is True
    assert overlap(file, BASE) is False
    monkeypatch.setattr("harness.trial.base.mapped._MAPS", tmp_path / "none")
    assert mappings() is None
    for result in (mapped, BASE):
        said = sharing(contents_of([file]), contents_of([result]))
        assert said == (None, "this system does not say what is mapped")
    assert overlap((file, BASE), BASE) is True  # which needs no file
    assert overlap(BASE, BASE.copy()) is False


def shared_buffer() -> Any:
    return np.frombuffer(mmap.mmap(-1, 4096), np.uint8)


def test_what_may_be_mapped(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", BASE)
    mapped = np.load(tmp_path / "a.npy", mmap_mode="c")
    shared = torch.ones(3).share_memory_()  # type: ignore[no-untyped-call]
    foreign = [mapped, mapped[2:], np.asarray(mapped), torch.from_numpy(mapped), shared]
    foreign += [shared.numpy()[1:], shared.untyped_storage(), shared_buffer(), mmap.mmap(-1, 4096)]
    assert [may_be_mapped(value) for value in foreign] == [True] * len(foreign)
    own = [BASE, BASE[2:].T, torch.ones(3), torch.ones(3)[1:], bytearray(3), b"abc"]
    own += [np.frombuffer(bytearray(8), np.uint8), array.array("d", [1.0]), torch.ones(3).detach()]
    assert [may_be_mapped(value) for value in own] == [False] * len(own)
