"""Inputs that lie in one memory are kept once, and arrive in one memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.trial.base import inputs
from harness.trial.base.inputs import FixtureError, described
from harness.trial.base.pointers import data_bytes
from tests.trial.round_trips import round_trip

MATRIX = np.random.default_rng(0).random((64, 96), dtype="float32")
LINE = np.arange(96.0)
TENSOR = torch.arange(96.0)


WHOLE = MATRIX.nbytes
KEPT: dict[str, tuple[Any, int]] = {
    "columns": ([MATRIX[:, i] for i in range(96)], WHOLE),
    "rows": (list(MATRIX), WHOLE),
    "tiles": ([MATRIX[i : i + 32, j : j + 32] for i in (0, 32) for j in (0, 64)], WHOLE),
    "sliding windows": (list(np.lib.stride_tricks.sliding_window_view(LINE, 8)), LINE.nbytes),
    "turned round": ((MATRIX, MATRIX.T, MATRIX[::-1], MATRIX[:, ::-2]), WHOLE),
    "broadcast": ([np.broadcast_to(LINE[:4], (2**30, 4)), LINE[:4]], 32),
    "one array twice": ((LINE, [LINE, (LINE,)]), LINE.nbytes),
    "other dtypes": ([LINE, LINE.view("int64"), LINE.view("uint8")[3:9]], LINE.nbytes),
    "parts far apart": ([MATRIX[0], MATRIX[-1]], 2 * MATRIX[0].nbytes),
    "views of a tensor": ([TENSOR, TENSOR[1:5], TENSOR.view(8, 12).t()], 384),
    "a tensor's part": ([TENSOR[90:]], 384),  # that is what is sent to workers, too
    "chunks": (list(TENSOR.chunk(16)), 384),
    "expanded": ([TENSOR[:1].clone().expand(2**30)], 4),
    "a tensor of an array": (
        (MATRIX, torch.from_numpy(MATRIX), torch.from_numpy(MATRIX[3])),
        WHOLE,
    ),
    "an array of a tensor": ((TENSOR, TENSOR.numpy()[::2]), 384),
    "nothing": ([np.empty((0, 3)), LINE[:0], torch.empty(0)], 0),
}


@pytest.mark.parametrize("what", KEPT)
def test_memory_is_kept_once(what: str, tmp_path: Path) -> None:
    value, nbytes = KEPT[what]
    assert described(value).nbytes == nbytes
    loaded = round_trip(value, tmp_path)
    assert (tmp_path / "inputs.bin").stat().st_size == nbytes
    for ours, theirs in zip(flat(value), flat(loaded), strict=True):
        assert type(ours) is type(theirs)
        assert ours.shape == theirs.shape
        assert (strides(ours), ours.dtype) == (strides(theirs), theirs.dtype)
        assert ours.nbytes > 2**20 or ours.tolist() == theirs.tolist()


@pytest.mark.parametrize("what", KEPT)
def test_who_shares_memory_still_does_and_nobody_else(what: str, tmp_path: Path) -> None:
    value, _ = KEPT[what]
    before, after = flat(value), flat(round_trip(value, tmp_path))
    for i in range(0, len(before), 5):
        for j in range(i, len(before), 3):
            shared = np.shares_memory(before[i], before[j])
            assert np.shares_memory(after[i], after[j]) == shared, (i, j)
            assert (after[i] is after[j]) == (before[i] is before[j])


def flat(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in flat(item)]
    return [value]


def strides(value: Any) -> Any:
    return value.stride() if isinstance(value, torch.Tensor) else value.strides


def test_what_is_written_to_one_shows_in_the_other(tmp_path: Path) -> None:
    whole, part = round_trip([LINE, LINE[:16]], tmp_path)
    whole[3] = -1
    assert part[3] == -1
    assert whole.flags.owndata
    array, tensor = round_trip([MATRIX.copy()[1:], torch.from_numpy(MATRIX)], tmp_path)
    assert not np.shares_memory(array, tensor)
    own = MATRIX.copy()
    array, tensor = round_trip([own[1:], torch.from_numpy(own)], tmp_path)
    tensor[1, 0] = -7
    assert array[0, 0] == -7
    first, second = round_trip((TENSOR, TENSOR[8:]), tmp_path)
    assert first.untyped_storage()._cdata == second.untyped_storage()._cdata
    second.zero_()
    assert first[7:].tolist()[:2] == [7, 0]


def test_one_of_two_may_be_read_only(tmp_path: Path) -> None:
    view = LINE[:4]
    view.flags.writeable = False
    whole, part = round_trip([LINE, view], tmp_path)
    assert (whole.flags.writeable, part.flags.writeable) == (True, False)
    whole[0] = 5
    assert part[0] == 5


def test_arrays_that_are_neighbours_by_chance_of_torchs_memory_are_not(tmp_path: Path) -> None:
    pages: list[Any] = [torch.zeros(4096, dtype=torch.uint8) for _ in range(3)]
    shared = [one.share_memory_() for one in pages]  # which may touch
    assert all(one.is_shared() for one in round_trip(shared, tmp_path))


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (np.zeros((2**18, 4096), "f4")[:, 0], "1 MiB of data that lie in 4 GiB"),
        (torch.zeros(2**28)[:4], "16 B of data that lie in 1 GiB"),
        ([LINE, torch.zeros(2**28)[::4096].numpy()], "257 KiB of data that lie in 1 GiB"),
    ],
)
def test_memory_that_is_mostly_gaps_is_refused_before_it_is_written(value: Any, kept: str) -> None:
    with pytest.raises(FixtureError) as raised:
        described(value).refuse_waste(data_bytes(value))
    assert f"inputs returned {kept} of memory" in str(raised.value)
    assert "return copies, such as array[:, 0].copy()" in str(raised.value)


def test_a_column_of_a_matrix_of_usual_size_is_kept(tmp_path: Path) -> None:
    described(MATRIX[:, 0]).refuse_waste(MATRIX[:, 0].nbytes)


# Restored


def restored(value: Any, change: Any, folder: Path) -> Any:
    inputs.save(value, folder / "inputs.bin")
    loaded = inputs.load_restorable(folder / "inputs.bin")
    change(loaded.value)
    loaded.restore(inputs.load_restorable(folder / "inputs.bin"))
    return loaded.value


def test_everything_that_a_strategy_changes_is_restored(tmp_path: Path) -> None:
    def change(value: Any) -> None:
        array, (tensor, parameter, items) = value
        array[::2] = -1
        tensor.mul_(0)
        parameter.data.fill_(3)
        items.pop().sort()
        items.append("more")

    value = (LINE, (TENSOR[4:], torch.nn.Parameter(torch.ones(3)), [LINE[::-1].copy(), "x"][::-1]))
    array, (tensor, parameter, items) = restored(value, change, tmp_path)
    assert np.array_equal(array, LINE)
    assert torch.equal(tensor, TENSOR[4:])
    assert parameter.tolist() == [1, 1, 1]
    assert items[0] == "x"
    assert np.array_equal(items[1], LINE[::-1])
    assert len(items) == 2


@pytest.mark.parametrize("size", [0, 10, 10**6])
def test_a_tensor_of_another_size_is_restored_in_the_memory_it_has_then(
    size: int, tmp_path: Path
) -> None:
    def resize(tensor: torch.Tensor) -> None:
        tensor.untyped_storage().resize_(size)

    assert torch.equal(restored(torch.arange(96.0), resize, tmp_path), TENSOR)
