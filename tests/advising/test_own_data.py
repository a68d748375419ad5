"""The user's data arrives as it is, in every trial, and wrong results are caught."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.advising.bench import OWN
from harness.advising.data import Data
from harness.scenario import Scenario
from harness.scenario.discover import load
from tests.some import some


@pytest.fixture(scope="module")
def own() -> dict[str, Any]:
    scenarios = [one for one in load(OWN) if one.name.startswith("own_")]
    assert scenarios[0].make_inputs is not None
    module = vars(__import__("sys").modules[scenarios[0].make_inputs.__module__])
    return {**module, **{one.name: one for one in scenarios}}


def made(own: dict[str, Any], data: Data, size: int) -> Any:
    given = {name: data.parameters(size)[name] for name in list(data.parameters(size))}
    given.pop("header")
    return own["array_of"](own["described"](**given))


VALUES = np.random.default_rng(0).random((60, 5, 7))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("rows", [60, 13, 1])
def test_the_first_rows_of_a_file(
    own: dict[str, Any], order: Any, rows: int, tmp_path: Path
) -> None:
    np.save(tmp_path / "own.npy", np.array(VALUES, order=order))
    data = Data.of(npy=tmp_path / "own.npy", rows=False)
    array = made(own, data, rows * data.row_bytes)
    expected = VALUES[: max(rows, 2)]  # one row is no array of rows
    assert np.array_equal(array, expected)
    assert array.flags.f_contiguous == (order == "F")
    assert array.flags.owndata or array.base.flags.owndata  # and no part of a mapped file


def test_the_first_rows_of_a_file_without_a_header(own: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "own.bin").write_bytes(bytes(5) + VALUES.tobytes())
    data = Data.of(raw=tmp_path / "own.bin", dtype="float64", shape="60,5,7", offset="5")
    assert np.array_equal(made(own, data, 9 * data.row_bytes), VALUES[:9])


@pytest.mark.parametrize("dtype", ["uint8", "int8", "float16", "float64", "uint32", "int64"])
def test_values_that_are_made(own: dict[str, Any], dtype: str) -> None:
    data = Data.of(shape="70000,13", dtype=dtype)
    array = made(own, data, data.nbytes)
    assert array.shape == (70000, 13)
    assert array.dtype == dtype
    assert np.isfinite(array.astype(np.float64)).all()
    assert len(np.unique(array[:, 0])) > 50


def numbered(own: dict[str, Any]) -> tuple[str, Any]:
    parameters = Data.of(shape="100,20", dtype="float32").parameters(8000)
    parameters.pop("header")
    said = own["described"](**parameters)
    return said, own["numbered"](said)


def test_a_row_that_is_missing_or_wrong_is_seen(own: dict[str, Any]) -> None:
    said, (data, _) = numbered(own)
    torch = own["torch"]
    check = own["own_to_loader"].verify

    checked = True

    def verify(rows: Any) -> object:
        return check(said, torch.from_numpy(rows).split(32), "per batch", 32, False, checked)

    assert not verify(data)
    for wrong in (data[:-1], data[::-1].copy(), np.where(data == data[5, 5], 0, data)):
        with pytest.raises(AssertionError):
            verify(wrong)


def test_where_values_are_not_compared_the_number_of_samples_is(own: dict[str, Any]) -> None:
    said, (data, _) = numbered(own)
    torch, scenario = own["torch"], own["own_to_loader"]
    checked = False
    all_rows = torch.from_numpy(data).split(32)
    assert "only how many came" in scenario.verify(said, all_rows, "per batch", 32, False, checked)
    with pytest.raises(AssertionError, match="68 samples came, expected 100"):
        scenario.verify(said, all_rows[1:], "per batch", 32, False, checked)


def test_every_strategy_of_the_other_scenarios_is_there(own: dict[str, Any]) -> None:
    sources = {"own_to_tensor": "tensors", "own_to_loader": "loaders", "own_from_loader": "arrays"}
    for name, source in some(sources.items()):
        scenario, other = own[name], own[source]
        assert isinstance(scenario, Scenario)
        assert scenario.strategies.keys() == other.strategies.keys()
        assert all(one.copies is None for one in scenario.strategies.values())
