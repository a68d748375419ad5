"""Inputs arrive as what they are, or are refused in one line that says what to return instead."""

from __future__ import annotations

import mmap
import multiprocessing
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.trial.base.inputs import FixtureError
from tests.trial.round_trips import round_trip

LINE = np.arange(96.0)


class Annotated(np.ndarray[Any, Any]):
    pass


class Tagged(torch.Tensor):
    pass


class Level(IntEnum):
    LOW = 1


@dataclass
class Pair:
    x: Any


class Names(list[str]):
    pass


Point = namedtuple("Point", "x y")


def contains_itself() -> Any:
    items: list[Any] = [LINE]
    items.append((items,))
    return items


def with_gradient() -> Any:
    tensor = torch.ones(3, requires_grad=True)
    tensor.sum().backward()  # type: ignore[no-untyped-call]
    return tensor


def inference() -> Any:
    with torch.inference_mode():
        return torch.ones(3)


def saved(folder: Path) -> Path:
    np.save(folder / "file.npy", LINE)
    return folder / "file.npy"


def mapped_by_hand(folder: Path) -> Any:
    with saved(folder).open("rb") as file:
        return np.frombuffer(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ), "u1")


def saved_by_torch(folder: Path) -> Any:
    torch.save({"x": torch.ones(1000)}, folder / "file.npy")
    return torch.load(folder / "file.npy", mmap=True)["x"]


def shared_array(folder: Path) -> Any:
    raw: Any = multiprocessing.RawArray("f", 4096)
    return np.frombuffer(raw, "f4")


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "a dict": (lambda: {"a": LINE}, "dict; an array, a tensor, a Path, a plain value or a tuple"),
    "an object": (object, "object; an array"),
    "a set in a tuple": (lambda: (LINE, {1}), "set; an array"),
    "a dataclass": (lambda: Pair(LINE), "Pair; an array"),
    "a named tuple": (lambda: Point(LINE, 1), "Point, which would arrive as a plain tuple; an"),
    "a kind of list": (lambda: Names(["x"]), "Names, which would arrive as a plain list; an"),
    "an enumeration": (lambda: Level.LOW, "Level, which would arrive as a plain int; an array"),
    "a list of itself": (contains_itself, "a list that contains itself"),
    "objects": (lambda: np.array([None]), "an array of dtype object, which is not plain"),
    "records": (
        lambda: np.zeros(3, [("x", "f4")]),
        "an array of dtype [('x', '<f4')], which is not plain",
    ),
    "one record": (lambda: np.zeros(1, [("x", "f4")])[0], "void; an array"),
    "a record array": (
        lambda: np.rec.array([(1,)], dtype=[("x", "i4")]),
        "a record array; return an array for each of its fields",
    ),
    "masked": (lambda: np.ma.masked_less(LINE, 3), "a masked array, whose mask would be lost; re"),
    "a matrix": (lambda: np.asmatrix(LINE), "a matrix; return numpy.asarray(matrix), and make it"),
    "a kind of array": (
        lambda: LINE.view(Annotated),
        f"{__name__}.Annotated, a kind of array that would arrive as a plain one; return numpy.as",
    ),
    "metadata": (
        lambda: np.zeros(3, np.dtype("f4", metadata={"unit": "m"})),
        "an array whose dtype has metadata, which would be lost",
    ),
    "a kind of tensor": (
        lambda: torch.ones(3).as_subclass(Tagged),
        f"{__name__}.Tagged, a kind of tensor that would arrive as a plain one",
    ),
    "a buffer": (lambda: torch.nn.Buffer(torch.ones(3)), "a tensor with attributes of its own"),
    "sparse": (lambda: torch.eye(3).to_sparse(), "a tensor of layout sparse_coo; return its pa"),
    "sparse rows": (lambda: torch.eye(3).to_sparse_csr(), "a tensor of layout sparse_csr"),
    "on another device": (lambda: torch.empty(3, device="meta"), "a tensor on meta; return it on"),
    "computed": (
        lambda: torch.ones(3, requires_grad=True) * 2,
        "a tensor computed with gradients, whose graph would be lost; return tensor.detach()",
    ),
    "a part of a parameter": (
        lambda: torch.nn.Parameter(torch.ones(3))[1:],
        "a tensor computed with gradients",
    ),
    "a gradient": (with_gradient, "a tensor with a gradient, which would be lost"),
    "inference": (inference, "a tensor made in inference mode; return tensor.clone()"),
}


@pytest.mark.filterwarnings("ignore:Sparse|.*sparse csr:UserWarning")
@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("what", REFUSED)
def test_what_would_arrive_as_something_else_is_refused(what: str, tmp_path: Path) -> None:
    make, problem = REFUSED[what]
    with pytest.raises(FixtureError) as raised:
        round_trip(make(), tmp_path)
    assert str(raised.value).startswith(f"inputs returned {problem}")
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "inputs.json").exists()


@pytest.mark.filterwarnings("ignore:.*quantize:UserWarning", "ignore:.*nested:UserWarning")
@pytest.mark.parametrize("what", ["quantised", "nested", "named"])
def test_kinds_of_tensors_that_not_every_torch_has(what: str, tmp_path: Path) -> None:
    try:
        if what == "quantised":
            value = torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)
        elif what == "nested":
            value = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])
        else:
            value = getattr(torch.ones(2, 3), "rename")("rows", "columns")  # noqa: B009
    except (AttributeError, RuntimeError):
        pytest.skip(f"this torch has no {what} tensors")
    with pytest.raises(FixtureError, match=what):
        round_trip(value, tmp_path)


MAPPED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a memmap": (lambda folder: np.load(saved(folder), mmap_mode="r"), "a memmap; return the Path"),
    "part of one": (
        lambda folder: np.asarray(np.load(saved(folder), mmap_mode="c"))[3:5],
        "an array mapped from file.npy; return its Path, and map it in the strategy",
    ),
    "by hand": (mapped_by_hand, "an array mapped from file.npy"),
    "by torch": (
        lambda folder: torch.from_file(str(saved(folder)), size=9, dtype=torch.uint8),
        "a tensor mapped from file.npy",
    ),
    "saved by torch": (saved_by_torch, "a tensor mapped from file.npy"),
    "a tensor of a memmap": (
        lambda folder: torch.from_numpy(np.load(saved(folder), mmap_mode="c")),
        "a tensor mapped from file.npy",
    ),
    "shared": (
        shared_array,
        "an array in memory shared with other processes; share it in",
    ),
}


@pytest.mark.parametrize("what", MAPPED)
def test_memory_of_a_file_or_of_others_is_refused(what: str, tmp_path: Path) -> None:
    if what != "a memmap" and not Path("/proc/self/maps").exists():
        pytest.skip("this system does not say what is mapped")
    make, problem = MAPPED[what]
    with pytest.raises(FixtureError) as raised:
        round_trip((LINE, make(tmp_path)), tmp_path)
    assert str(raised.value).startswith(f"inputs returned {problem}")


def test_memory_shared_by_name_is_refused_too(tmp_path: Path) -> None:
    if not Path("/proc/self/maps").exists():
        pytest.skip("this system does not say what is mapped")
    shared = SharedMemory(create=True, size=10_000)
    try:
        array: Any = np.ndarray(100, buffer=shared.buf)
        with pytest.raises(FixtureError, match="in memory shared with other processes"):
            round_trip(array, tmp_path)
        del array
    finally:
        shared.close()
        shared.unlink()


SCALARS = (np.float32(3), np.int64(-1), np.bool_(1), np.datetime64("2020-01-01"), np.str_("ab"))


@pytest.mark.parametrize("value", SCALARS, ids=repr)
def test_scalars_of_numpy_stay_scalars(value: Any, tmp_path: Path) -> None:
    loaded = round_trip((value, [value]), tmp_path)
    assert type(loaded[0]) is type(value)
    assert loaded == (value, [value])


def test_a_shape_stays_one(tmp_path: Path) -> None:
    assert type(round_trip(torch.Size([2, 3]), tmp_path)) is torch.Size


@pytest.mark.parametrize("requires_grad", [True, False])
def test_a_parameter_stays_one(requires_grad: bool, tmp_path: Path) -> None:
    parameter = torch.nn.Parameter(torch.arange(6.0).view(2, 3).t(), requires_grad=requires_grad)
    loaded = round_trip(parameter, tmp_path)
    assert type(loaded) is torch.nn.Parameter
    assert (loaded.requires_grad, loaded.stride()) == (requires_grad, parameter.stride())
    assert loaded.tolist() == parameter.tolist()


@pytest.mark.filterwarnings("ignore:ComplexHalf:UserWarning")
def test_complex_numbers_of_halves_stay_what_they_are(tmp_path: Path) -> None:
    tensor = torch.arange(4).half().view(torch.complex32)
    loaded = round_trip(tensor, tmp_path)
    assert loaded.dtype is torch.complex32
    assert loaded.view(torch.half).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("strategy", ["file_descriptor", "file_system"])
def test_a_shared_tensor_stays_shared(strategy: str, tmp_path: Path) -> None:
    tensor: Any = torch.arange(96.0)
    sharing: Any = torch.multiprocessing
    before = sharing.get_sharing_strategy()
    sharing.set_sharing_strategy(strategy)
    try:
        tensor.share_memory_()
    finally:
        sharing.set_sharing_strategy(before)
    loaded, part = round_trip((tensor, tensor[3:5]), tmp_path)
    assert loaded.is_shared()
    loaded[3] = -1
    assert part.tolist() == [-1, 4]


@pytest.mark.parametrize("shift", [0, 4, 16])
def test_memory_of_a_tensor_is_taken_by_whoever_took_it(shift: int, tmp_path: Path) -> None:
    raw = np.zeros(8192, np.uint8)
    start = shift - raw.__array_interface__["data"][0] % 64 + 64
    theirs = torch.from_numpy(raw[start:][:4096].view("f4"))
    ours, loaded = round_trip((torch.arange(9), theirs), tmp_path)
    assert ours.untyped_storage().resizable()
    assert not loaded.untyped_storage().resizable()
    assert (ours.data_ptr() % 64, loaded.data_ptr() % 64) == (0, shift)


@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn", "int4"])
def test_dtypes_of_another_package_stay_what_they_are(name: str, tmp_path: Path) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    array = np.arange(8).astype(getattr(ml_dtypes, name))
    for value in (array, array[::2], array.reshape(2, 4).T):
        loaded = round_trip(value, tmp_path)
        assert loaded.dtype == array.dtype
        assert loaded.astype("f4").tolist() == value.astype("f4").tolist()
    assert round_trip(array[3], tmp_path) == array[3]
