"""Every loader delivers its epoch, ragged or not, shuffled or not; wrong ones are refused."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from harness.scenario import KIB, MIB
from harness.scenario.declaration import call_with
from harness.schema.records import Value
from harness.trial.base.request import BoundStrategy
from harness.trial.device.accelerator import why_none
from tests.scenarios.bench import Bench, built_in, own_point, verify

SCENARIO = built_in()["loader_from_array"]
EVERY = sorted(SCENARIO.strategies)
IN_LOADERS = [name for name, s in SCENARIO.strategies.items() if "num_workers" in s.names]
RAGGED = {"size": 100 * KIB, "sample_bytes": 1000, "batch_size": 8}  # 102 samples: 12 batches and 6
ONE_BATCH = {"size": 8 * KIB, "batch_size": 64}
SMALL_SAMPLES = {"size": 4 * KIB, "sample_bytes": 16, "batch_size": 10}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("inputs"))


def point(name: str, **changed: Value) -> dict[str, Value]:
    return {**own_point(SCENARIO, SCENARIO.strategies[name]), **changed}


def skipped(name: str, **changed: Value) -> str | None:
    skip = SCENARIO.strategies[name].skip
    assert skip is not None
    return call_with(skip, point(name, **changed))  # type: ignore[no-any-return]


def declared(name: str, **changed: Value) -> float:
    copies = SCENARIO.strategies[name].copies
    assert copies is not None
    return float(call_with(copies, point(name, **changed)) if callable(copies) else copies)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("shuffle", [False, True], ids=["in order", "shuffled"])
@pytest.mark.parametrize("shape", [RAGGED, ONE_BATCH, SMALL_SAMPLES], ids=str)
def test_every_loader_delivers_two_epochs(
    name: str, shuffle: bool, shape: dict[str, Value], bench: Bench
) -> None:
    changed = {**shape, "shuffle": shuffle}
    if reason := skipped(name, **changed):
        pytest.skip(reason)
    work, loader = bench.call(SCENARIO, name, **changed)
    verify(SCENARIO, work, loader)
    verify(SCENARIO, work, work.strategy.function(*work.args) if iter(loader) is loader else loader)


@pytest.mark.parametrize("name", IN_LOADERS)
@pytest.mark.parametrize("shuffle", [False, True], ids=["in order", "shuffled"])
def test_workers_deliver_what_one_process_does(name: str, shuffle: bool, bench: Bench) -> None:
    work, loader = bench.call(SCENARIO, name, **RAGGED, shuffle=shuffle, num_workers=2)
    for _ in range(2):
        verify(SCENARIO, work, loader)


@pytest.mark.parametrize("name", ["tensor_dataset", "numpy_getitem"])
def test_persistent_workers_deliver_epoch_after_epoch(name: str, bench: Bench) -> None:
    options = {"num_workers": 2, "persistent_workers": True, "prefetch_factor": 4, "shuffle": True}
    work, loader = bench.call(SCENARIO, name, **RAGGED, **options)
    for _ in range(3):
        verify(SCENARIO, work, loader)


def order(loader: Any) -> tuple[float, ...]:
    """The first value of every sample of an epoch, which no two samples share."""
    values: list[float] = []
    for batch in loader:
        samples = batch[0] if isinstance(batch, tuple | list) else batch
        values += samples[:, 0].tolist()
    return tuple(values)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("persistent", [False, True])
def test_an_iterable_dataset_shuffles_anew_for_every_epoch(
    workers: int, persistent: bool, bench: Bench
) -> None:
    # GIVEN the strategy's loader, with workers that may stay
    _, made = bench.call(SCENARIO, "iterable_dataset", **RAGGED, shuffle=True)
    options: dict[str, Any] = {}
    if workers:
        options = {"persistent_workers": persistent, "multiprocessing_context": "fork"}
    loader = DataLoader(made.dataset, batch_size=None, num_workers=workers, **options)
    # THEN every epoch has all samples, in an order of its own
    seen = [order(loader) for _ in range(3)]
    assert len({tuple(sorted(epoch)) for epoch in seen}) == 1
    assert len(set(seen)) == 3


def test_only_one_strategy_repeats_its_order(bench: Bench) -> None:
    repeating = set()
    for name in EVERY:
        if not skipped(name, shuffle=True):
            work, loader = bench.call(SCENARIO, name, **RAGGED, shuffle=True)
            again = work.strategy.function(*work.args) if iter(loader) is loader else loader
            if order(loader) == order(again):
                repeating.add(name)
    assert repeating == {"shuffle_once"}
    assert SCENARIO.strategies["shuffle_once"].group == "one order"


def test_only_the_group_that_says_so_shares_the_array(bench: Bench) -> None:
    for name in EVERY:
        work, loader = bench.call(SCENARIO, name, **RAGGED)
        batch = next(iter(loader))
        data = batch[0] if isinstance(batch, tuple | list) else batch
        shares = np.may_share_memory(data.numpy(), work.inputs[0])
        assert shares == (work.strategy.group == "share") == work.strategy.shares_memory, name


def test_the_cast_as_published_copies_and_the_corrected_one_does_not(bench: Bench) -> None:
    datasets = {}
    for name in ("custom_dataset", "custom_dataset_published"):
        work, loader = bench.call(SCENARIO, name, **RAGGED)
        datasets[name] = loader.dataset
        inputs = work.inputs
        for ours, theirs in zip((loader.dataset.data, loader.dataset.labels), inputs, strict=True):
            shared = np.may_share_memory(ours.numpy(), theirs)
            assert shared == (name == "custom_dataset")
    assert SCENARIO.strategies["custom_dataset_published"].published
    assert not SCENARIO.strategies["custom_dataset"].published


# Wrong loaders, made of the right inputs.


def batches_of(data: torch.Tensor) -> list[torch.Tensor]:
    return [data[start : start + 8] for start in range(0, len(data), 8)]


def dropped_row(data: torch.Tensor, labels: torch.Tensor) -> Any:
    keep = torch.arange(len(data)) != 20
    return batches_of(data[keep])


def repeated_row(data: torch.Tensor, labels: torch.Tensor) -> Any:
    order = torch.arange(len(data))
    order[21] = 20
    return batches_of(data[order])


def uninitialised_tail(data: torch.Tensor, labels: torch.Tensor) -> Any:
    whole = torch.full_like(data, torch.nan)
    whole[:-6] = data[:-6]
    return batches_of(whole)


def silent_downcast(data: torch.Tensor, labels: torch.Tensor) -> Any:
    return batches_of(data.half().float())


def one_buffer(data: torch.Tensor, labels: torch.Tensor) -> Iterator[torch.Tensor]:
    buffer = torch.empty(8, data.shape[1])
    for batch in batches_of(data):
        yield buffer[: len(batch)].copy_(batch)


def reversed_order(data: torch.Tensor, labels: torch.Tensor) -> Any:
    return batches_of(data.flip(0))


def dropped_last(data: torch.Tensor, labels: torch.Tensor) -> Any:
    return DataLoader(TensorDataset(data), 8, drop_last=True)


def unsharded(data: torch.Tensor, labels: torch.Tensor) -> Any:
    """What two workers of an IterableDataset deliver if both go through all of it."""
    return itertools.chain.from_iterable(zip(batches_of(data), batches_of(data), strict=True))


def swapped_labels(data: torch.Tensor, labels: torch.Tensor) -> Any:
    return DataLoader(TensorDataset(data, labels.roll(1)), 8)


def narrow_labels(data: torch.Tensor, labels: torch.Tensor) -> Any:
    return DataLoader(TensorDataset(data, labels.int()), 8)


def no_labels(data: torch.Tensor, labels: torch.Tensor) -> Any:
    return DataLoader(TensorDataset(data), 8)


WRONG: dict[Callable[..., Any], tuple[str, str]] = {
    dropped_row: ("slices", "sample 4 of batch 2 is row 21, expected row 20"),
    repeated_row: ("slices", "sample 5 of batch 2 is row 20, expected row 21"),
    uninitialised_tail: ("slices", r"sample 0 of batch 12 is not a row of the data.*nan"),
    silent_downcast: ("slices", "sample 1 of batch 0 is row 0, expected row 1|batch 0: value"),
    one_buffer: ("slices", "batch 0: value .* changed after a later batch was fetched"),
    reversed_order: ("slices", "sample 0 of batch 0 is row 101, expected row 0"),
    dropped_last: ("tensor_dataset", "96 samples came, expected 102: row 96 never came"),
    unsharded: ("iterable_dataset", "sample 0 of batch 1 is row 0, expected row 8"),
    swapped_labels: ("custom_dataset", r"labels of batch 0: value .* at \[0\], expected"),
    narrow_labels: ("custom_dataset", "labels of batch 0: dtype int32, expected int64"),
    no_labels: ("custom_dataset", "batch 0 has 1 parts, expected 2"),
}


def planted(wrong: Callable[..., Any], bench: Bench) -> tuple[BoundStrategy, Any]:
    work = bench.prepare(SCENARIO, WRONG[wrong][0], **RAGGED)
    data, labels = (torch.from_numpy(value) for value in work.inputs)
    return work, wrong(data, labels)


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.__name__)
def test_wrong_loaders_are_refused(wrong: Callable[..., Any], bench: Bench) -> None:
    work, loader = planted(wrong, bench)
    with pytest.raises(AssertionError, match=WRONG[wrong][1]):
        verify(SCENARIO, work, loader)


def test_only_a_reused_batch_may_be_overwritten(bench: Bench) -> None:
    work, loader = bench.call(SCENARIO, "index_select_out", **RAGGED)
    verify(SCENARIO, work, loader)
    # WHEN another group hands out the same batches
    other = bench.prepare(SCENARIO, "randperm_index_select", **RAGGED)
    with pytest.raises(AssertionError, match="changed after a later batch was fetched"):
        verify(SCENARIO, other, work.strategy.function(*work.args))


# The thread that prefetches.


def prefetched(batches: Iterator[Any], ahead: int = 2) -> Any:
    return SCENARIO.strategies["thread_prefetch"].function.__globals__["prefetched"](batches, ahead)


@pytest.fixture
def no_threads_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) == before


@pytest.mark.usefixtures("no_threads_left")
class TestThreadPrefetch:
    def test_ends_with_its_epoch(self, bench: Bench) -> None:
        work, loader = bench.call(SCENARIO, "thread_prefetch", **RAGGED)
        verify(SCENARIO, work, loader)

    @pytest.mark.parametrize("taken", [0, 1, 5])
    def test_ends_where_its_consumer_stops(self, taken: int, bench: Bench) -> None:
        _, loader = bench.call(SCENARIO, "thread_prefetch", **RAGGED)
        assert len(list(itertools.islice(loader, taken))) == taken
        loader.close()

    def test_ends_where_nobody_holds_it_any_more(self, bench: Bench) -> None:
        _, loader = bench.call(SCENARIO, "thread_prefetch", **RAGGED)
        next(loader)
        del loader

    def test_hands_on_an_error_and_ends(self) -> None:
        def broken() -> Iterator[int]:
            yield from range(3)
            raise OSError("the disk is gone")

        loader = prefetched(broken())
        assert list(itertools.islice(loader, 3)) == [0, 1, 2]
        with pytest.raises(OSError, match="the disk is gone"):
            next(loader)

    def test_stays_just_so_far_ahead(self) -> None:
        # GIVEN batches that count themselves
        made: list[int] = []

        def counted() -> Iterator[int]:
            for index in range(100):
                made.append(index)
                yield index

        # WHEN some of them are used, and the thread has had all the time it wants
        loader = prefetched(counted(), ahead=3)
        for _ in range(5):
            next(loader)
        loader.close()
        # THEN it has made no more than it was to keep ready
        assert made == list(range(5 + 3))

    def test_does_not_keep_batches_that_were_used(self) -> None:
        class Batch:
            alive = 0

            def __init__(self) -> None:
                Batch.alive += 1

            def __del__(self) -> None:
                Batch.alive -= 1

        seen = 0
        for batch in prefetched(Batch() for _ in range(20)):
            assert Batch.alive <= 4  # this one, two ahead, and the one being made
            seen += 1
            del batch
        assert seen == 20


# Points that make no sense.


@pytest.mark.parametrize(
    ("name", "changed", "reason"),
    [
        ("tensor_dataset", {"size": 64 * KIB, "sample_bytes": MIB}, "a sample of 1 MiB does not "),
        ("slices", {"size": 64 * KIB, "sample_bytes": MIB}, "does not fit into 64 KiB of data"),
        ("slices", {"size": 0}, "a sample of 1 KiB does not fit into 0 B of data"),
        ("getitems", {"sample_bytes": 18}, "a sample of 18 B is no row of float32"),
        ("randperm_index", {"sample_bytes": 0}, "a sample of 0 B is no row of float32"),
        ("tensor_dataset", {"sample_bytes": 0}, "a sample of 0 B is no row of float32"),
        ("batch_sampler", {"batch_size": 0}, "a batch cannot hold 0 samples"),
        ("split", {"batch_size": -1}, "a batch cannot hold -1 samples"),
        ("custom_dataset", {"num_workers": -1}, "there cannot be -1 workers"),
        ("tensor_dataset", {"num_workers": 2, "prefetch_factor": 0}, "cannot make 0 batches ahea"),
        ("tensor_dataset", {"persistent_workers": True}, "mean nothing without workers"),
        ("tensor_dataset", {"start_method": "spawn"}, "mean nothing without workers"),
        ("getitems", {"size": 256 * MIB, "sample_bytes": 16}, "16777216 samples take minutes"),
        ("slices", {"shuffle": True}, "slices come in the data's order"),
        ("shuffle_once", {"shuffle": False}, "nothing is to be shuffled"),
    ],
)
def test_a_point_that_makes_no_sense_says_why(
    name: str, changed: dict[str, Value], reason: str
) -> None:
    said = skipped(name, **{"size": 2 * MIB, **changed})
    assert said is not None
    assert reason in said


@pytest.mark.skipif(torch.accelerator.is_available(), reason="there is an accelerator")
@pytest.mark.parametrize("name", IN_LOADERS)
def test_pinning_without_an_accelerator_is_skipped(name: str) -> None:
    assert skipped(name, pin_memory=True) == why_none()
    assert why_none().startswith("no accelerator: ")


@pytest.mark.parametrize("name", EVERY)
def test_points_that_look_odd_but_work_are_not_skipped(name: str) -> None:
    for changed in ({"size": 2 * MIB, "sample_bytes": MIB}, {"batch_size": 10**6}):
        assert skipped(name, **changed) is None
    if name in IN_LOADERS:
        assert skipped(name, size=2 * MIB, num_workers=64) is None


def test_inputs_are_as_asked_for_and_compress_into_no_smaller_dtype(bench: Bench) -> None:
    data, labels = bench.prepare(SCENARIO, "slices", **RAGGED).inputs
    assert (data.shape, data.dtype) == ((102, 250), np.float32)
    assert (labels.shape, labels.dtype) == ((102,), np.int64)
    assert np.isfinite(data).all()
    assert (data.astype(np.float16).astype(np.float32) != data).mean() > 0.9
    # Where the data is smaller than a sample, as before a warm-up, there are still two.
    tiny, _ = bench.prepare(SCENARIO, "slices", size=4096, sample_bytes=MIB).inputs
    assert tiny.shape == (2, MIB // 4)


# Cost models, at points where they are known by counting.


@pytest.mark.parametrize("name", EVERY)
def test_a_large_array_is_copied_whole_by_those_that_say_so(name: str) -> None:
    whole = {"reorder_then_slice", "shuffle_once", "custom_dataset_published"}
    copies = declared(name, size=1024 * MIB, sample_bytes=16 * KIB)
    assert copies == pytest.approx(int(name in whole), abs=0.01)


@pytest.mark.parametrize("name", EVERY)
def test_one_batch_of_everything_is_a_copy_unless_it_is_a_view(name: str) -> None:
    shape: dict[str, Value] = {"size": 2 * MIB, "sample_bytes": 256 * KIB, "batch_size": 64}
    shares = SCENARIO.strategies[name].group == "share"
    kept = name == "custom_dataset_published"
    assert declared(name, **shape) == pytest.approx(kept + (not shares), abs=0.02)


def test_shuffling_small_samples_costs_more_than_the_samples() -> None:
    # For each row 40 bytes in a list and 8 in the tensor it is made of, beside 24 of the inputs
    order = declared("tensor_dataset", size=32 * MIB, sample_bytes=16, shuffle=True)
    assert order == pytest.approx(48 / 24, rel=0.01)
    assert declared("tensor_dataset", size=32 * MIB, sample_bytes=16) < 0.01
    assert declared("numpy_permutation", size=32 * MIB, sample_bytes=16) == pytest.approx(
        8 / 24, rel=0.01
    )


def test_workers_take_batches_out_of_the_process_and_spawning_puts_the_data_into_it() -> None:
    shape: dict[str, Value] = {"size": 32 * MIB, "sample_bytes": 16 * KIB, "num_workers": 2}
    assert declared("tensor_dataset", **shape) == 0
    assert declared("tensor_dataset", **shape, start_method="spawn") == pytest.approx(1, abs=0.01)
    assert declared("numpy_getitem", **shape, start_method="spawn") == pytest.approx(2, abs=0.01)
