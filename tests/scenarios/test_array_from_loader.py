"""From a loader to arrays: every strategy brings every row, and the check sees it if not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.host.host import Host
from harness.scenario.declaration import call_with
from harness.scenario.discover import built_in_files
from harness.schema.records import Effort, Value
from harness.schema.request import TrialRequest
from harness.trial.base.request import BoundStrategy
from harness.trial.device import accelerator
from harness.trial.tasks import why_skipped
from tests.scenarios.bench import Bench, built_in, own_point, verify

SCENARIO = built_in()["array_from_loader"]
ON_DEVICE = [name for name, made in SCENARIO.strategies.items() if made.group == "device"]
PUBLISHED = [name for name in SCENARIO.strategies if name.startswith("published_")]
RIGHT = [name for name in SCENARIO.strategies if name not in (*ON_DEVICE, *PUBLISHED)]
SIZE = 2 * 1024**2
SMALL: dict[str, Value] = {"sample_bytes": 64, "size": 16 * 1024}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("inputs"))


@pytest.fixture
def device_is_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run what is written for an accelerator on the CPU: the same steps, none of the waiting."""

    class Event:
        def __init__(self, device: torch.device) -> None:
            self.recorded = False

        def record(self) -> None:
            self.recorded = True

        def synchronize(self) -> None:
            assert self.recorded, "waited for an event that was never recorded"
            self.recorded = False

    def unpinned(size: torch.Size, *, dtype: torch.dtype, pin_memory: bool = False) -> torch.Tensor:
        return torch.zeros(size, dtype=dtype)

    cpu = torch.device("cpu")
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: cpu)
    monkeypatch.setattr(torch, "Event", Event)
    monkeypatch.setattr(torch, "empty", unpinned)


def call(bench: Bench, name: str, **changed: Value) -> tuple[BoundStrategy, Any]:
    return bench.call(SCENARIO, name, **changed)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        SMALL,
        {**SMALL, "drop_last": True},
        {**SMALL, "batch_size": 1},
        {**SMALL, "batch_size": 200},
        {**SMALL, "batch_size": 200, "drop_last": True},
        {**SMALL, "dtype": "float64"},
        {**SMALL, "dtype": "uint8"},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", RIGHT)
def test_every_row_comes_in_order(name: str, changed: dict[str, Value], bench: Bench) -> None:
    # Workers are slow to start, and have tests of their own.
    work, result = call(
        bench, name, **{"num_workers": 0, "batch_size": 16, "size": 4096, **changed}
    )
    verify(SCENARIO, work, result)


@pytest.mark.parametrize("name", [name for name in RIGHT if name != "growing_buffer"])
def test_every_row_comes_from_workers(name: str, bench: Bench) -> None:
    work, result = call(bench, name, num_workers=2, batch_size=100, **SMALL)
    verify(SCENARIO, work, result)


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("name", ON_DEVICE)
def test_every_row_comes_from_a_device(
    name: str, drop_last: bool, bench: Bench, device_is_the_cpu: None
) -> None:
    work, result = call(bench, name, drop_last=drop_last, **SMALL)
    verify(SCENARIO, work, result)


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
@pytest.mark.parametrize("batch_size", [1, 2, 16, 64, 500])
@pytest.mark.parametrize("size", [4096, 64 * 1024])
def test_inputs_have_teeth(size: int, batch_size: int, dtype: str, bench: Bench) -> None:
    # GIVEN the inputs of any point
    work = bench.prepare(
        SCENARIO, "list_cat", size=size, batch_size=batch_size, dtype=dtype, sample_bytes=1024
    )
    data, labels = work.inputs
    # THEN there is a whole batch and a part of one, unless all batches are of one
    assert len(data) == len(labels) > batch_size
    assert len(data) % batch_size or batch_size == 1
    assert data[0].nbytes == 1024
    # THEN no row is like what fresh memory holds, or like another row
    assert data.all()
    assert labels.all()
    assert len(np.unique(data, axis=0)) == len(data)
    # THEN float64 values would be lost in float32
    if dtype == "float64":
        assert (data.astype(np.float32) != data).mean() > 0.99


# As published.


def test_the_published_preallocation_is_right_where_its_assumptions_hold(bench: Bench) -> None:
    work, result = call(bench, "published_preallocation", **SMALL)
    verify(SCENARIO, work, result)


@pytest.mark.parametrize(
    ("name", "changed", "match"),
    [
        ("published_preallocation_drop_last", {}, "x has 255 rows, and 240 came"),
        ("published_preallocation_float64", {}, "x: dtype float32, expected float64"),
        ("published_preallocation", {"drop_last": True}, "x has 255 rows, and 240 came"),
        ("published_preallocation", {"dtype": "float64"}, "x: dtype float32, expected float64"),
        ("published_preallocation", {"dtype": "uint8"}, "x: dtype float32, expected uint8"),
    ],
)
def test_the_published_preallocation_is_wrong_elsewhere(
    name: str, changed: dict[str, Value], match: str, bench: Bench
) -> None:
    work, result = call(bench, name, **{**SMALL, **changed})
    with pytest.raises(AssertionError, match=match):
        verify(SCENARIO, work, result)


# What the check refuses.

Pair = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


def rows(change: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]) -> Callable[[Pair], Pair]:
    return lambda pair: (change(pair[0]), change(pair[1]))


def swapped(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    order = np.arange(len(array))
    order[[3, 4]] = 4, 3
    return array[order]


def untouched_tail(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    fresh = np.zeros_like(array)  # which is what the kernel hands out
    fresh[:-7] = array[:-7]
    return fresh


FAULTS: dict[str, tuple[Callable[[Pair], Any], str]] = {
    "a row dropped": (rows(lambda a: a[1:]), "x has 254 rows, and 255 came from the loader"),
    "a row twice": (rows(lambda a: np.concatenate([a, a[-1:]])), "x has 256 rows, and 255 came"),
    "one row in place of another": (
        rows(lambda a: np.concatenate([a[:3], a[2:3], a[4:]])),
        r"x: value .* at \[3, 0\]",
    ),
    "two rows swapped": (rows(swapped), r"x: value .* at \[3, 0\]"),
    "an untouched tail": (rows(untouched_tail), r"x: value .*0\.0.* at \[248, 0\]"),
    "reversed": (rows(lambda a: a[::-1]), r"x: value .* at \[0, 0\]"),
    "a downcast": (lambda p: (p[0].astype("f2"), p[1]), "x: dtype float16, expected float32"),
    "a silent round trip": (
        lambda p: (p[0].astype("f2").astype("f4"), p[1]),
        r"x: value .* at \[0, ",
    ),
    "labels narrowed": (lambda p: (p[0], p[1].astype("i4")), "y: dtype int32, expected int64"),
    "labels swapped alone": (lambda p: (p[0], swapped(p[1])), r"y: value .* at \[3\]"),
    "labels forgotten": (lambda p: p[:1], "1 arrays, expected two"),
    "data alone": (lambda p: p[0], "a ndarray, expected two arrays"),
    "tensors": (lambda p: tuple(map(torch.from_numpy, p)), "x is a Tensor, not an array"),
    "flat": (lambda p: (p[0].ravel(), p[1]), "x has 4080 rows"),
    "one batch for all": (rows(lambda a: np.resize(a[-16:], a.shape)), r"x: value .* at \[0, 0\]"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_in_arrays(fault: str, bench: Bench) -> None:
    work, result = call(bench, "preallocated", **SMALL)
    verify(SCENARIO, work, result)
    plant, match = FAULTS[fault]
    with pytest.raises(AssertionError, match=match):
        verify(SCENARIO, work, plant(result))


def test_a_whole_batch_too_many_with_drop_last(bench: Bench) -> None:
    work, _ = call(bench, "preallocated", drop_last=True, **SMALL)
    with pytest.raises(AssertionError, match="x has 255 rows, and 240 came from the loader"):
        verify(SCENARIO, work, work.inputs)


Paths = list[tuple[str, str]]
FILE_FAULTS: dict[str, tuple[Callable[[Paths], Paths], str]] = {
    "last file missing": (lambda paths: paths[:-1], "240 rows in all files, and 255 came"),
    "a file twice": (lambda paths: [*paths, paths[-1]], "x of batch 16: shape"),
    "two files swapped": (lambda paths: [paths[1], paths[0], *paths[2:]], "x of batch 0: value"),
    "one file for all": (lambda paths: [paths[0]] * len(paths), "x of batch 1: value"),
    "labels for data": (lambda paths: [(y, y) for _, y in paths], "x of batch 0: shape"),
}


@pytest.mark.parametrize("fault", FILE_FAULTS)
def test_faults_in_files(fault: str, bench: Bench) -> None:
    work, paths = call(bench, "file_per_batch", **SMALL)
    plant, match = FILE_FAULTS[fault]
    with pytest.raises(AssertionError, match=match):
        verify(SCENARIO, work, plant(paths))


# What is particular to some strategies.


def test_a_stream_has_no_length(bench: Bench) -> None:
    work = bench.prepare(SCENARIO, "growing_buffer", **SMALL)
    with pytest.raises(TypeError, match="has no len"):
        len(work.args[-1])


def folder_of(work: BoundStrategy) -> Path:
    (folder,) = [argument for argument in work.args if isinstance(argument, Path)]
    return folder


def test_a_mapped_result_outlives_its_folder(bench: Bench) -> None:
    work, result = call(bench, "open_memmap", **SMALL)
    assert all(isinstance(array, np.memmap) for array in result)
    shutil.rmtree(folder_of(work))
    verify(SCENARIO, work, result)


@pytest.mark.parametrize("name", ["open_memmap", "file_per_batch"])
def test_files_are_made_where_they_will_be_removed(name: str, bench: Bench, tmp_path: Path) -> None:
    work, result = call(bench, name, **SMALL)
    folder = folder_of(work)
    made = {str(path) for path in folder.iterdir()}
    named = {array.filename for array in result} if name == "open_memmap" else set(sum(result, ()))
    assert {str(path) for path in named} == made


def skipped(name: str, sample_bytes: int, dtype: str, batch_size: int, **changed: Value) -> str:
    skip = SCENARIO.strategies[name].skip
    assert skip is not None
    workers: dict[str, Value] = {"num_workers": 0, "start_method": "fork", **changed}
    point = {"sample_bytes": sample_bytes, "dtype": dtype, "batch_size": batch_size, **workers}
    return call_with(skip, point) or ""


@pytest.mark.parametrize("name", ON_DEVICE)
def test_accelerator_strategies_say_what_they_lack(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    point: dict[str, Value] = {"sample_bytes": 4096, "dtype": "float32", "batch_size": 16}
    point |= {"num_workers": 0, "start_method": "fork"}
    monkeypatch.setattr(accelerator, "why_none", lambda: "no accelerator: none")
    assert why_skipped(SCENARIO.strategies[name], point) == "no accelerator: none"
    monkeypatch.setattr(accelerator, "why_none", lambda: "")
    assert why_skipped(SCENARIO.strategies[name], point) == ""
    assert "no row of float64" in skipped(name, 4, "float64", 16)


@pytest.mark.parametrize(
    ("sample_bytes", "dtype", "batch_size", "match"),
    [(6, "float32", 16, "6 B is no row of float32"), (0, "uint8", 1, "0 B"), (8, "uint8", 0, "0")],
)
def test_points_without_batches_are_skipped(
    sample_bytes: int, dtype: str, batch_size: int, match: str
) -> None:
    assert match in skipped("list_cat", sample_bytes, dtype, batch_size)


def test_a_start_method_without_workers_is_skipped() -> None:
    said = "start_method means nothing without workers"
    assert skipped("list_cat", 4096, "float32", 16, start_method="spawn") == said
    assert skipped("list_cat", 4096, "float32", 16, start_method="spawn", num_workers=1) == ""


# Descriptors, which a trial limits: 256 batches of two tensors each from two workers.


FILES = {file.stem: str(file) for file in built_in_files()}


def outcome(host: Host, bench: Bench, name: str, **changed: Value) -> tuple[str, str]:
    crowd: dict[str, Value] = {"size": SIZE, "num_workers": 2, "batch_size": 2}
    point = {**own_point(SCENARIO, SCENARIO.strategies[name]), **crowd, **changed}
    request = TrialRequest(
        path=FILES[SCENARIO.name],
        scenario=SCENARIO.name,
        parameters=point,
        strategy=name,
        kind="memory",
        effort=Effort(trials=1, steady_s=0.0),
        threads=1,
        fixture=str(bench.inputs(SCENARIO, point)),
        tiny_fixture=str(bench.inputs(SCENARIO, {**point, "size": 4096})),
        folder=str(bench.folder / "scratch"),
    )
    report = host.call(request, 60.0)
    assert report.answer is not None, report
    found = report.answer["outcome"]
    return found["name"], found["reason"]


@pytest.mark.parametrize("name", ["list_cat", "list_concatenate"])
def test_kept_batches_run_out_of_open_files(name: str, host: Host, bench: Bench) -> None:
    ended, reason = outcome(host, bench, name, open_files=256)
    assert ended == "error"
    assert "Too many open files" in reason
    assert outcome(host, bench, name, open_files=1024) == ("ok", "")


def test_files_shared_by_name_are_closed_again(host: Host, bench: Bench) -> None:
    few = outcome(host, bench, "list_cat", open_files=256, sharing_strategy="file_system")
    assert few == ("ok", "")


@pytest.mark.parametrize("name", ["cloned_batches", "preallocated"])
def test_batches_let_go_of_do_not(name: str, host: Host, bench: Bench) -> None:
    assert outcome(host, bench, name, open_files=256) == ("ok", "")
