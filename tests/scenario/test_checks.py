"""The scenarios' checks catch planted faults: no wrong result may ever count as a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from harness.scenario.checks import PIECE_BYTES, close_values
from harness.trial.base.request import BoundStrategy
from tests.scenarios.bench import Bench, built_in, verify


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("inputs"))


def refuse(scenario: str, work: BoundStrategy, result: Any, match: str) -> None:
    with pytest.raises(AssertionError, match=match):
        verify(built_in()[scenario], work, result)


def with_one_changed(values: Any) -> Any:
    changed = values.clone() if isinstance(values, torch.Tensor) else values.copy()
    changed[3, 2] = 1 if changed[3, 2] == 0 else 0
    return changed


TENSOR_FAULTS: dict[str, tuple[Callable[[torch.Tensor], Any], str]] = {
    "one value": (with_one_changed, r"value .* at \[3, 2\]"),
    "wider dtype": (lambda t: t.double(), "dtype float64, expected float32"),
    "narrower dtype": (lambda t: t.half(), "dtype float16, expected float32"),
    "integers": (lambda t: t.int(), "dtype int32, expected float32"),
    "flat": (lambda t: t.flatten(), "shape"),
    "transposed": (lambda t: t.t(), "shape"),
    "a row missing": (lambda t: t[:-1], "shape"),
    "rows reversed": (lambda t: t.flip(0), "value"),
    "an array": (lambda t: [t.numpy()[:-1]], "rows in all parts together"),
    "nothing": (lambda t: torch.zeros_like(t), "value"),
}


@pytest.mark.parametrize("fault", TENSOR_FAULTS)
def test_faults_in_a_tensor(fault: str, bench: Bench) -> None:
    work, tensor = bench.call(built_in()["tensor_from_array"], "torch_tensor")
    plant, match = TENSOR_FAULTS[fault]
    refuse("tensor_from_array", work, plant(tensor), match)


CHUNK_FAULTS: dict[str, tuple[Callable[[list[torch.Tensor]], Any], str]] = {
    "last chunk dropped": (lambda parts: parts[:-1], "15 rows in all parts together, expected 16"),
    "first chunk dropped": (lambda parts: parts[1:], "value"),
    "chunks swapped": (lambda parts: [parts[1], parts[0], *parts[2:]], "value"),
    "a chunk twice": (lambda parts: [*parts, parts[-1]], "shape"),
    "a chunk cast": (lambda parts: [parts[0].double(), *parts[1:]], "dtype float64"),
}


@pytest.mark.parametrize("fault", CHUNK_FAULTS)
def test_faults_in_chunks(fault: str, bench: Bench) -> None:
    work, parts = bench.call(built_in()["tensor_from_array"], "chunks_kept")
    plant, match = CHUNK_FAULTS[fault]
    refuse("tensor_from_array", work, plant(parts), match)


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "float64", "int64"])
@pytest.mark.parametrize("size", [4096, 256 * 1024])
def test_faults_in_the_sum_of_chunks(dtype: str, size: int, bench: Bench) -> None:
    scenario = built_in()["tensor_from_array"]
    work, (total, rows) = bench.call(scenario, "chunks_dropped", dtype=dtype, size=size)
    verify(scenario, work, (total, rows))
    for chunk in np.array_split(work.inputs[0], 16):
        tensor = torch.from_numpy(chunk)
        lost = tensor.sum(dtype=tensor.dtype).item()
        refuse("tensor_from_array", work, (total - lost, rows - len(chunk)), "rows in all parts")
        if lost:
            refuse("tensor_from_array", work, (total - lost, rows), "sum")


def test_a_hidden_cast_must_keep_the_values(bench: Bench) -> None:
    scenario = built_in()["tensor_from_array"]
    work, tensor = bench.call(scenario, "tensor_constructor", dtype="float64")
    assert tensor.dtype is torch.float32
    verify(scenario, work, tensor)
    refuse("tensor_from_array", work, with_one_changed(tensor), "value")


ARRAY_FAULTS: dict[str, tuple[Callable[[np.ndarray[Any, Any]], Any], str]] = {
    "one value": (with_one_changed, r"value .* at \[3, 2\]"),
    "wider dtype": (lambda a: a.astype("f8"), "dtype float64, expected float32"),
    "narrower dtype": (lambda a: a.astype("f2"), "dtype float16, expected float32"),
    "flat": (lambda a: a.ravel(), "shape"),
    "a row missing": (lambda a: a[:-1], "shape"),
    "fewer rows in a list": (lambda a: a.tolist()[:-1], "15 rows, expected 16"),
    "one number in a list": (lambda a: with_one_changed(a).tolist(), "row 3 differs"),
    "integers in a list": (lambda a: (a * 0).astype(int).tolist(), "row 0 differs"),
}


@pytest.mark.parametrize("fault", ARRAY_FAULTS)
def test_faults_in_an_array(fault: str, bench: Bench) -> None:
    work, array = bench.call(built_in()["array_from_tensor"], "numpy_copy")
    plant, match = ARRAY_FAULTS[fault]
    refuse("array_from_tensor", work, plant(array), match)


def test_numbers_of_another_type_in_a_list(bench: Bench) -> None:
    work, rows = bench.call(built_in()["array_from_tensor"], "tolist", dtype="int64")
    as_floats = [[float(value) for value in row] for row in rows]
    refuse("array_from_tensor", work, as_floats, "row 0 is not of <class 'int'>")


BFLOAT16_FAULTS: dict[str, tuple[Callable[[np.ndarray[Any, Any]], Any], str]] = {
    "one bit": (lambda bits: bits ^ np.eye(len(bits), bits.shape[1], dtype=np.int16), "value"),
    "float16 instead": (lambda bits: bits.view("f2"), "dtype float16"),
    "numbers instead of bits": (lambda bits: bits.astype("f4"), "value"),
    "a row missing": (lambda bits: bits[:-1], "shape"),
}


@pytest.mark.parametrize("fault", BFLOAT16_FAULTS)
def test_faults_in_bfloat16(fault: str, bench: Bench) -> None:
    work, bits = bench.call(built_in()["array_from_tensor"], "bits_by_view")
    plant, match = BFLOAT16_FAULTS[fault]
    refuse("array_from_tensor", work, plant(bits), match)


@pytest.mark.parametrize(
    ("dtype", "plant"),
    [
        ("float64", lambda a: torch.from_numpy(a).int()),
        ("int64", lambda a: torch.from_numpy(a).to(torch.int8)),
        ("complex64", lambda a: torch.from_numpy(a.real.copy())),
        ("int64", lambda a: torch.from_numpy(a.byteswap())),
        ("float32", lambda a: torch.from_numpy(a).t()),
        ("float32", lambda a: torch.from_numpy(a)[:-1]),
    ],
    ids=["truncated", "wrapped", "imaginary part lost", "bytes swapped", "transposed", "short"],
)
def test_the_matrix_refuses_a_cast_that_loses_values(
    dtype: str, plant: Callable[[Any], Any], bench: Bench
) -> None:
    work = bench.prepare(built_in()["matrix_array_to_tensor"], "torch_tensor", dtype=dtype)
    refuse("matrix_array_to_tensor", work, plant(work.inputs[0]), "value|shape")


@pytest.mark.parametrize(
    ("dtype", "to"), [("uint8", "int64"), ("int64", "float32"), ("bool", "float16")]
)
def test_the_matrix_accepts_a_cast_that_keeps_values(dtype: str, to: str, bench: Bench) -> None:
    scenario = built_in()["matrix_array_to_tensor"]
    work = bench.prepare(scenario, "torch_tensor", dtype=dtype)
    verify(scenario, work, torch.from_numpy(work.inputs[0]).to(getattr(torch, to)))


@pytest.mark.parametrize(
    ("dtype", "plant"),
    [
        ("float64", lambda t: t.numpy().astype("i8")),
        ("complex64", lambda t: t.numpy().real.copy()),
        ("bfloat16", lambda t: t.view(torch.int16).numpy()),
        ("float8_e4m3fn", lambda t: t.float().numpy() + 1),
    ],
    ids=["truncated", "imaginary part lost", "bits for numbers", "off by one"],
)
def test_the_matrix_back_refuses_a_cast_that_loses_values(
    dtype: str, plant: Callable[[Any], Any], bench: Bench
) -> None:
    work = bench.prepare(built_in()["matrix_tensor_to_array"], "np_array", dtype=dtype)
    refuse("matrix_tensor_to_array", work, plant(work.inputs[0]), "value")


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn", "uint8"])
def test_the_matrix_back_accepts_a_cast_that_keeps_values(dtype: str, bench: Bench) -> None:
    scenario = built_in()["matrix_tensor_to_array"]
    work = bench.prepare(scenario, "float_numpy", dtype=dtype)
    verify(scenario, work, work.inputs[0].float().numpy())


CLOSE_FAULTS: dict[str, tuple[Callable[[np.ndarray[Any, Any]], Any], str]] = {
    "one value": (with_one_changed, r"value 1\.0 at \[103, 2\], expected .* ± 1e-06"),
    "a little too far": (lambda a: a + np.float32(1e-5), r"value .* at \[100, 0\]"),
    "not a number": (lambda a: np.where(a == a[3, 2], np.nan, a), r"value nan at \[103, 2\]"),
    "infinite": (lambda a: np.where(a == a[3, 2], -np.inf, a), r"value -inf at \[103, 2\]"),
    "wider dtype": (lambda a: a.astype("f8"), "dtype float64, expected float32"),
    "flat": (lambda a: a.ravel(), "shape"),
    "a row missing": (lambda a: a[:-1], "shape"),
    "a list": (lambda a: a.tolist(), "expected a tensor or an array, got list"),
}


def numbers(rows: int = 16) -> np.ndarray[Any, Any]:
    values = np.random.default_rng(1).permutation(rows * 4).reshape(rows, 4) / (rows * 4)
    values[3, 2] = 0
    return values


@pytest.mark.parametrize("fault", CLOSE_FAULTS)
def test_faults_in_values_that_should_be_close(fault: str) -> None:
    truth = numbers()
    plant, match = CLOSE_FAULTS[fault]
    result = plant(truth.astype("f4"))
    result = result.astype("f4") if fault in ("not a number", "infinite") else result
    with pytest.raises(AssertionError, match=match):
        close_values(truth, result, tolerance=1e-6, dtype="float32", first=100)


def test_close_values_are_accepted_to_the_tolerance() -> None:
    truth = np.array([0.0, 1.0, np.nan, np.inf, -np.inf])
    close_values(truth, truth.astype("f4"), tolerance=0.0, dtype="float32")
    close_values(truth, torch.from_numpy(truth + 0.5), tolerance=0.5, dtype="float64")
    close_values(np.empty((0, 3)), np.empty((0, 3)), tolerance=0.0, dtype="float64")
    close_values(np.asarray(2.0), np.asarray(2.5), tolerance=0.5, dtype="float64")
    with pytest.raises(AssertionError, match=r"value 0\.0 at \[0\], expected -inf"):
        close_values(truth[::-1], truth, tolerance=9.0, dtype="float64")


@pytest.mark.parametrize("row", [0, 2**18 - 1, 2**18, 10**6 - 1])
def test_a_far_value_is_found_in_every_piece(row: int) -> None:
    truth = np.linspace(0, 1, 4 * 10**6).reshape(-1, 4)
    assert truth.nbytes > 3 * PIECE_BYTES
    result = truth.copy()
    result[row, 3] += 1e-3
    with pytest.raises(AssertionError, match=rf"at \[{row}, 3\]"):
        close_values(truth, result, tolerance=1e-4, dtype="float64")
