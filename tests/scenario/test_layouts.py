"""Inputs are what they claim: exact in size, laid out as asked, also after saving and loading."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from harness.scenario.checks import same_values
from harness.scenario.layouts import (
    ARRAY_LAYOUTS,
    TENSOR_LAYOUTS,
    make_array,
    make_tensor,
    no_such_array,
    no_such_tensor,
    random_values,
    shape_for,
)
from harness.trial.base import inputs

Array = npt.NDArray[Any]
DTYPES = (
    "bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64",
    "float16", "float32", "float64", "longdouble", "complex64", "complex128",
    "datetime64[D]", "U4",
)  # fmt: skip
ARRAY_CLAIMS: dict[str, Callable[[Array], bool]] = {
    "C": lambda a: a.flags.c_contiguous and a.flags.aligned and a.flags.writeable,
    "fortran": lambda a: a.flags.f_contiguous and not a.flags.c_contiguous,
    "step": lambda a: a.strides[1] == 2 * a.itemsize,
    "negative": lambda a: a.strides[0] < 0,
    "broadcast": lambda a: a.strides[0] == 0 and not a.flags.writeable,
    "readonly": lambda a: a.flags.c_contiguous and not a.flags.writeable,
    "unaligned": lambda a: a.flags.c_contiguous and not a.flags.aligned,
    "bigendian": lambda a: a.flags.c_contiguous and a.dtype.str[0] == ">",
}
TENSOR_CLAIMS: dict[str, Callable[[torch.Tensor], bool]] = {
    "contiguous": lambda t: t.is_contiguous() and not t.requires_grad,
    "transposed": lambda t: t.t().is_contiguous() and not t.is_contiguous(),
    "step": lambda t: t.stride(1) == 2,
    "expanded": lambda t: t.stride(0) == 0,
    "requires_grad": lambda t: t.requires_grad and t.is_leaf,
    "conjugate": lambda t: t.is_conj(),
}


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_every_layout_has_a_claim_here() -> None:
    assert ARRAY_CLAIMS.keys() == ARRAY_LAYOUTS.keys()
    assert TENSOR_CLAIMS.keys() == TENSOR_LAYOUTS.keys()


@pytest.mark.parametrize("layout", ARRAY_LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_are_what_they_claim(dtype: str, layout: str, tmp_path: Path) -> None:
    if no_such_array(dtype, layout):
        pytest.skip("there is no such array")
    # GIVEN an array of 4 KiB
    array = make_array(rng(), 4096, dtype, layout)
    assert array.nbytes == 4096
    assert array.shape[0] >= 16, "too few rows for a negative or zero stride to show"
    assert ARRAY_CLAIMS[layout](array)

    # WHEN it is handed to a trial
    inputs.save(array, tmp_path / "array")
    loaded = inputs.load(tmp_path / "array")

    # THEN the trial sees the same in every respect
    assert ARRAY_CLAIMS[layout](loaded)
    assert (loaded.dtype, loaded.strides) == (array.dtype, array.strides)
    assert np.array_equal(loaded, array)


@pytest.mark.parametrize("layout", TENSOR_LAYOUTS)
@pytest.mark.parametrize("dtype", ["uint8", "bfloat16", "float32", "complex64"])
def test_tensors_are_what_they_claim(dtype: str, layout: str, tmp_path: Path) -> None:
    if no_such_tensor(dtype, layout):
        pytest.skip("there is no such tensor")

    def fill(shape: tuple[int, int]) -> torch.Tensor:
        values = random_values(rng(), shape, "float32" if dtype == "bfloat16" else dtype)
        return torch.from_numpy(values).to(getattr(torch, dtype))

    # GIVEN a tensor of 4 KiB
    tensor = make_tensor(fill, 4096, getattr(torch, dtype).itemsize, layout)
    assert tensor.numel() * tensor.element_size() == 4096
    assert TENSOR_CLAIMS[layout](tensor)

    # WHEN it is handed to a trial
    inputs.save(tensor, tmp_path / "tensor")
    loaded = inputs.load(tmp_path / "tensor")

    # THEN the trial sees the same in every respect
    assert TENSOR_CLAIMS[layout](loaded)
    assert (loaded.dtype, loaded.stride()) == (tensor.dtype, tensor.stride())
    assert torch.equal(loaded.resolve_conj(), tensor.resolve_conj())


def test_there_is_no_array_of_single_bytes_that_has_an_order_or_lies_askew() -> None:
    for dtype in ("bool", "uint8", "int8"):
        assert no_such_array(dtype, "bigendian") == f"{dtype} has one byte, which has no order"
        assert no_such_array(dtype, "unaligned")
    assert no_such_array("uint16", "bigendian") is None
    assert no_such_tensor("int64", "requires_grad")
    assert no_such_tensor("float32", "conjugate")


@pytest.mark.parametrize("dtype", [name for name in DTYPES if np.dtype(name).kind in "uifc"])
def test_float32_and_float64_hold_every_value_exactly(dtype: str) -> None:
    values = make_array(rng(), 64 * 1024, dtype)
    assert np.isfinite(values).all()
    assert len(np.unique(values)) >= 128
    narrow = "complex64" if np.dtype(dtype).kind == "c" else "float32"
    assert np.array_equal(values.astype(narrow).astype(dtype), values)


def test_sizes_that_are_no_power_of_two_are_exact_too() -> None:
    for size in (4, 12, 1000, 10_000_000):
        rows, columns = shape_for(size, 4)
        assert rows * columns * 4 == size
    assert shape_for(16 * 1024**2, 4) == (16384, 256)


@pytest.mark.parametrize(("size", "itemsize"), [(1001, 4), (0, 4), (2, 4)])
def test_a_size_that_is_no_whole_number_of_elements_is_refused(size: int, itemsize: int) -> None:
    with pytest.raises(ValueError, match=f"size {size} is not a multiple of the {itemsize} bytes"):
        shape_for(size, itemsize)


@pytest.mark.parametrize("layout", ARRAY_LAYOUTS)
@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "float64", "int64"])
def test_making_an_array_takes_at_most_twice_what_it_reaches_over(dtype: str, layout: str) -> None:
    if no_such_array(dtype, layout):
        pytest.skip("there is no such array")
    size = 4 * 1024**2
    make_array(rng(), 4096, dtype, layout)
    tracemalloc.start()
    try:
        make_array(rng(), size, dtype, layout)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    reach = 2 if layout == "step" else 1
    assert peak <= 2 * reach * size + 64 * 1024


def test_equal_seeds_give_equal_values() -> None:
    same_values(make_array(rng(), 4096, "float32"), make_array(rng(), 4096, "float32"))
