"""Every way to train from a file delivers its samples, learns, and lets go of the file."""

from __future__ import annotations

import gc
import itertools
import math
import multiprocessing
import os
import pickle
import queue
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from harness.host.host import Host
from harness.planning.plan import Request, expand
from harness.scenario import KIB, MIB
from harness.scenario.declaration import call_with
from harness.scenario.discover import built_in_files
from harness.scenario.npy import read_raw
from harness.scenario.sample_files import as_given
from harness.schema.description import ScenarioInfo
from harness.schema.records import Effort, Value
from harness.schema.request import TrialRequest
from harness.trial.base.request import BoundStrategy
from harness.trial.describe import describe
from harness.trial.meters.page_cache import evict, read_through, resident
from harness.trial.timing.training import summarised, verdict
from tests.scenarios.bench import Bench, built_in, own_point, verify
from tests.some import some

SCENARIO = built_in()["memmap_training"]
FILE = next(file for file in built_in_files() if file.stem == SCENARIO.name)
RIGHT = [name for name, made in SCENARIO.strategies.items() if not made.published]
BY_ROW = [name for name in RIGHT if "access" in SCENARIO.strategies[name].names]
SMALL: dict[str, Value] = {"size": 100_000, "sample_bytes": 1000, "batch_size": 8}
"""100 samples: 12 batches and a part of one."""
ONE_BATCH: dict[str, Value] = {"size": 20 * KIB, "sample_bytes": KIB, "batch_size": 64}
CHUNKS: dict[str, Value] = {"size": 5 * MIB + 300_000, "sample_bytes": 64 * KIB, "batch_size": 7}
"""84 samples: five chunks and a part of one, which no batch divides."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As in trials."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("inputs"))


def prepare(bench: Bench, name: str, **changed: Value) -> BoundStrategy:
    for package in SCENARIO.strategies[name].requires:
        pytest.importorskip(package)
    return bench.prepare(SCENARIO, name, **changed)


def point(name: str, **changed: Value) -> dict[str, Value]:
    return {**own_point(SCENARIO, SCENARIO.strategies[name]), **changed}


def skipped(name: str, **changed: Value) -> str | None:
    skip = SCENARIO.strategies[name].skip
    assert skip is not None
    return call_with(skip, point(name, **changed))  # type: ignore[no-any-return]


def declared(name: str, **changed: Value) -> float:
    copies = SCENARIO.strategies[name].copies
    assert callable(copies)
    return float(call_with(copies, point(name, **changed)))


def loaders(work: BoundStrategy, epochs: int) -> Iterator[Any]:
    """The strategy's loader for each epoch, made anew where it can be used only once."""
    made = work.strategy.function(*work.args)
    for _ in range(epochs):
        yield made
        if iter(made) is made:
            made = work.strategy.function(*work.args)


def check_epochs(work: BoundStrategy, epochs: int = 2) -> None:
    for loader in loaders(work, epochs):
        verify(SCENARIO, work, loader)


# Right samples.


@pytest.mark.parametrize("shape", [SMALL, ONE_BATCH, CHUNKS], ids=["small", "one batch", "chunks"])
@pytest.mark.parametrize("name", RIGHT)
def test_every_strategy_delivers_two_epochs(
    name: str, shape: dict[str, Value], bench: Bench
) -> None:
    check_epochs(prepare(bench, name, **shape))


@pytest.mark.parametrize("access", ["sequential", "chunks"])
@pytest.mark.parametrize("name", BY_ROW)
def test_other_orders_are_delivered_or_refused(name: str, access: str, bench: Bench) -> None:
    if access == "chunks" and name not in ("load_into_memory", "chunk_sampler"):
        assert "chunk" in (skipped(name, access=access) or "")
        return
    assert skipped(name, access=access) is None
    check_epochs(prepare(bench, name, **{**SMALL, "access": access}))


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float64"])
@pytest.mark.parametrize("name", RIGHT)
def test_every_strategy_delivers_float32_of_any_dtype(name: str, dtype: str, bench: Bench) -> None:
    check_epochs(prepare(bench, name, **{**SMALL, "dtype": dtype}), epochs=1)


@pytest.mark.parametrize("name", ["load_into_memory", "memmap_dataset", "memmap_opened_late"])
@pytest.mark.parametrize("access", ["sequential", "shuffled"])
def test_workers_deliver_what_one_process_does(name: str, access: str, bench: Bench) -> None:
    check_epochs(prepare(bench, name, **{**SMALL, "num_workers": 2, "access": access}))


def test_samples_may_begin_where_a_page_does(bench: Bench) -> None:
    for name in ("memmap_index", "preadv", "torch_from_file", "fromfile", "map_populate"):
        work = prepare(bench, name, **{**SMALL, "data_offset": 4096})
        assert np.load(work.inputs[0], mmap_mode="r").offset == 4096
        check_epochs(work, epochs=1)


def order(loader: Any) -> tuple[float, ...]:
    """The second value of every sample of an epoch, in the order in which they come."""
    return tuple(v for batch in loader for v in batch[0].reshape(len(batch[0]), -1)[:, 1].tolist())


@pytest.mark.parametrize("name", [n for n in RIGHT if not n.startswith("augment")])
def test_every_epoch_has_an_order_of_its_own_unless_it_is_the_files(
    name: str, bench: Bench
) -> None:
    work = prepare(bench, name, **SMALL)
    seen = [order(loader) for loader in loaders(work, 3)]
    assert len({tuple(sorted(epoch)) for epoch in seen}) == 1
    assert len(set(seen)) == (1 if work.parameters["access"] == "sequential" else 3)


def test_groups_promise_orders() -> None:
    orders = {
        made.group: {
            point(name)["access"]
            for name, made in SCENARIO.strategies.items()
            if made.group == group.group
        }
        for group in SCENARIO.strategies.values()
        for made in [group]
    }
    assert orders == {
        "shuffled": {"shuffled"},
        "in order": {"sequential"},
        "nearly shuffled": {"chunks"},
        "reused batch": {"shuffled"},
        "augmented": {"shuffled"},
    }
    groups = [SCENARIO.strategies[name].group for name in RIGHT]
    assert all(groups.count(group) > 1 for group in orders)


def rows_as_they_come(bench: Bench, name: str) -> Any:
    """The row numbers of an epoch over 16 chunks of 1 MiB, 64 samples in each."""
    work = prepare(bench, name, size=16 * MIB, sample_bytes=16 * KIB, batch_size=32)
    values = np.load(work.inputs[0], mmap_mode="r")[:, 1].tolist()
    places = {value: row for row, value in enumerate(values)}
    return np.array([places[value] for value in order(work.strategy.function(*work.args))])


@pytest.mark.parametrize("name", ["chunk_sampler", "chunk_shuffle", "zarr_chunks"])
def test_samples_that_come_together_are_of_a_few_chunks(name: str, bench: Bench) -> None:
    rows = rows_as_they_come(bench, name)
    together = 1 if name == "chunk_sampler" else 4
    for start in range(0, len(rows), 64 * together):
        some = rows[start : start + 64 * together]
        assert len(set(some // 64)) == together
        assert (np.diff(some) < 0).any()
    # The chunks themselves come in an order of their own.
    assert (np.diff(rows[::64] // 64) < 0).any()


def test_a_window_goes_through_the_file_in_order(bench: Bench) -> None:
    rows = rows_as_they_come(bench, "window_shuffle")
    for start in range(0, len(rows), 32):
        some = rows[start : start + 32]
        assert some.max() < start + 32 + 256
        assert (np.diff(some) < 0).any()
    # Samples stay in the window for a while, some of them for long.
    assert np.abs(rows - np.arange(len(rows))).max() > 256


# A user's own file.

MINE: dict[str, Callable[[Any], Any]] = {
    "float32": lambda rng: rng.standard_normal((70, 3, 6, 5), np.float32),
    "float64": lambda rng: rng.random((70, 40)) * 1e3,
    "float16": lambda rng: rng.random((70, 40)).astype(np.float16),
    "uint8": lambda rng: rng.integers(0, 256, (70, 8, 8), np.uint8),
    "uint16": lambda rng: rng.integers(0, 50257, (70, 64), np.uint16),  # tokens
    "int64": lambda rng: rng.integers(-(2**62), 2**62, (70, 4, 8)),
}
IDS = ("uint16", "int64")


def own_file(folder: Path, dtype: str) -> dict[str, Value]:
    """A file, and the parameters that the command line would make of it."""
    data = MINE[dtype](np.random.default_rng(4))
    data[50] = data[20]  # as in real data, two samples are equal
    path = folder / f"{dtype}.npy"
    np.save(path, data)
    return {
        "npy": str(path),
        "dtype": dtype,
        "size": data.nbytes,
        "sample_bytes": data[0].nbytes,
        "batch_size": 8,
    }


@pytest.mark.parametrize("dtype", MINE)
@pytest.mark.parametrize("name", RIGHT)
def test_a_users_file_is_trained_from_where_it_lies(
    name: str, dtype: str, bench: Bench, tmp_path: Path
) -> None:
    mine = own_file(tmp_path, dtype)
    if dtype in IDS and SCENARIO.strategies[name].group == "augmented":
        assert "are ids, and no image" in (skipped(name, **mine) or "")
        return
    assert skipped(name, **mine) is None
    work = prepare(bench, name, **mine)
    path, labels = work.inputs
    assert path.is_symlink()
    assert path.resolve() == Path(str(mine["npy"]))
    assert len(labels) == 70
    assert 0 <= declared(name, **mine) < 100
    check_epochs(work, epochs=1)


@pytest.mark.parametrize("name", ["memmap_index", "torch_from_file", "take_reused"])
def test_a_file_without_a_header_is_copied_behind_one(
    name: str, bench: Bench, tmp_path: Path
) -> None:
    tokens = np.random.default_rng(4).integers(0, 50257, (70, 64), np.uint16)
    (tmp_path / "tokens.bin").write_bytes(b"head" + tokens.tobytes() + b"tail")
    before = (tmp_path / "tokens.bin").read_bytes()
    own = read_raw(tmp_path / "tokens.bin", "uint16", "-1,64", "4").values()
    mine = {key: int(text) if text.isdigit() else text for key, (text,) in own.items()}
    work = prepare(bench, name, **mine, batch_size=8)
    assert np.array_equal(np.load(work.inputs[0]), tokens)
    check_epochs(work, epochs=1)
    tiny = prepare(bench, name, **{**mine, "size": 4096}, batch_size=8)
    assert np.array_equal(np.load(tiny.inputs[0]), tokens[:32])
    assert (tmp_path / "tokens.bin").read_bytes() == before


def test_ids_are_looked_up_and_never_made_or_convolved(tmp_path: Path) -> None:
    mine = own_file(tmp_path, "uint16")
    assert "nothing to convolve" in (skipped("memmap_index", **mine, step="conv") or "")
    assert "--npy or --raw takes yours" in (skipped("memmap_index", dtype="int32") or "")
    assert "begins where it does" in (skipped("memmap_index", **mine, data_offset=4096) or "")


def test_of_a_larger_file_the_first_samples_are_taken(bench: Bench, tmp_path: Path) -> None:
    mine = {**own_file(tmp_path, "float32"), "size": 10_000}
    path, labels = prepare(bench, "memmap_index", **mine).inputs
    assert not path.is_symlink()
    assert np.array_equal(np.load(path), np.load(str(mine["npy"]))[:27])
    assert len(labels) == 27


def test_a_file_that_cannot_be_trained_from_is_one_line(tmp_path: Path) -> None:
    np.save(tmp_path / "bad.npy", np.zeros((3, 4), np.complex64))
    with pytest.raises(Exception, match="its dtype is complex64") as raised:
        prepare(Bench(tmp_path), "memmap_index", npy=str(tmp_path / "bad.npy"))
    assert "\n" not in str(raised.value)


# Learning.


@pytest.mark.parametrize("name", RIGHT)
def test_training_on_the_batches_lowers_the_loss(name: str, bench: Bench) -> None:
    # GIVEN the step of a quick sweep, and a quarter of its data
    work = prepare(bench, name, size=2 * MIB)
    assert SCENARIO.make_step is not None
    torch.manual_seed(0)
    step = call_with(SCENARIO.make_step, point(name))
    # WHEN two epochs are trained on
    losses = [step(batch) for loader in loaders(work, 2) for batch in loader]
    # THEN a trial finds that it learns, and clearly so
    training = summarised(losses, len(losses) // 2)
    assert training is not None
    assert verdict(training).ok
    assert training.last_loss < 0.85 * training.first_loss  # augmentation draws anew each time


def test_the_step_fits_a_users_samples(bench: Bench, tmp_path: Path) -> None:
    for dtype in MINE:
        mine = own_file(tmp_path, dtype)
        work = prepare(bench, "memmap_index", **mine)
        for kind in ("linear",) if dtype in IDS else ("linear", "conv"):
            assert SCENARIO.make_step is not None
            step = call_with(SCENARIO.make_step, point("memmap_index", **mine, step=kind))
            losses = [step(batch) for loader in loaders(work, 6) for batch in loader]
            assert np.mean(losses[-9:]) < np.mean(losses[:9])


# What is left behind, and what is held.


def mapped(folder: Path) -> list[str]:
    """Mappings of files in a folder."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return [line for line in lines if str(folder) in line]


def opened() -> dict[str, str]:
    found = {}
    for fd in os.listdir("/proc/self/fd"):  # noqa: PTH208
        try:
            found[fd] = os.readlink(f"/proc/self/fd/{fd}")  # noqa: PTH115
        except FileNotFoundError:
            continue
    return found


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@linux
@pytest.mark.parametrize("batches", [None, 2], ids=["a whole epoch", "two batches"])
@pytest.mark.parametrize("name", RIGHT)
def test_nothing_of_the_file_is_left_open(name: str, batches: int | None, bench: Bench) -> None:
    # GIVEN a loader whose batches are used, all or some
    work = prepare(bench, name, **SMALL)
    folder = work.inputs[0].parent
    files = {*folder.iterdir()}
    gc.collect()
    threads = {*threading.enumerate()} if name != "zarr_chunks" else None
    before = opened()
    loader = work.strategy.function(*work.args)
    iterator = iter(loader)
    for batch in itertools.islice(iterator, batches):
        batch[0].sum()
    # WHEN it is dropped
    del loader, iterator, batch
    gc.collect()
    # THEN no mapping, descriptor, process, thread or file is left, and its pages can be evicted
    assert mapped(folder) == []
    assert not [name for fd, name in opened().items() if str(folder) in name]
    if name not in ("zarr_chunks", "queue_loader"):
        assert {*opened()} - {*before} == set()
    assert multiprocessing.active_children() == []
    if threads is not None:
        assert {*threading.enumerate()} <= threads
    assert {*folder.iterdir()} == files
    assert evict(work.inputs[0]) == 0


def file_pages() -> int:
    """Bytes of files that this process has mapped in."""
    text = Path("/proc/self/status").read_text()
    return int(text.split("RssFile:")[1].split()[0]) * 1024


@linux
def test_some_loaders_let_go_of_pages_as_they_go(bench: Bench) -> None:
    # GIVEN 16 MiB, and batches of few samples: a fault maps the 15 pages around it too
    shape: dict[str, Value] = {"size": 16 * MIB, "batch_size": 8}
    most = {}
    for name in ("memmap_index", "tensor_index", "memmap_reopened", "madvise_dontneed", "preadv"):
        work = prepare(bench, name, **shape)
        read_through(work.inputs[0])
        before = file_pages()
        most[name] = max(file_pages() - before for _ in work.strategy.function(*work.args))
    # THEN a mapping's pages add up to the file, unless they are let go of or there is no mapping
    assert most["memmap_index"] > 15 * MIB
    assert most["tensor_index"] > 15 * MIB
    assert most["memmap_reopened"] < 4 * MIB
    assert most["madvise_dontneed"] < 4 * MIB
    assert most["preadv"] < MIB


@linux
def test_populating_maps_the_file_before_the_first_batch(bench: Bench) -> None:
    work = prepare(bench, "map_populate", size=16 * MIB)
    before = file_pages()
    loader = work.strategy.function(*work.args)
    assert file_pages() - before > 15 * MIB
    loader.close()


@linux
def test_advice_decides_what_is_read(bench: Bench) -> None:
    # GIVEN a file that is not in memory
    def cold(name: str) -> BoundStrategy:
        work = prepare(bench, name, size=16 * MIB, batch_size=8)
        assert evict(work.inputs[0]) == 0
        return work

    def after(name: str, batches: int | None = 1, least: int = 0) -> int:
        work = cold(name)
        loader = work.strategy.function(*work.args)
        for _ in itertools.islice(loader, batches):
            pass
        end = time.monotonic() + 10
        while (found := resident(work.inputs[0])) < least and time.monotonic() < end:
            time.sleep(0.01)  # what was only asked for comes by and by
        loader.close()
        return found

    # GIVEN what reading the header brings in: 16 KiB, and 512 KiB with the buffers of Python 3.14
    file = cold("madvise_random").inputs[0]
    np.load(file, mmap_mode="r")
    opened = resident(file)
    assert opened < MIB

    # THEN without read-ahead, 8 samples are as many pages, or two each where they begin within one
    assert 8 * 4 * KIB <= after("madvise_random") <= opened + 16 * 4 * KIB
    assert 8 * 4 * KIB <= after("fadvise_random") <= opened + 16 * 4 * KIB
    # THEN a mapping reads more than it was asked for, unless it was advised
    assert after("memmap_index") > opened + 4 * 16 * 4 * KIB
    # THEN samples that were asked for ahead are there, with those in use
    ahead = opened + 17 * 4 * KIB
    assert after("fadvise_willneed", least=ahead) >= ahead
    # THEN what was read may stay, or not
    assert after("slices_copied", None) > 15 * MIB
    assert after("fadvise_dontneed", None) < MIB


def test_a_memmap_is_sent_whole_unless_it_is_opened_later(bench: Bench) -> None:
    sent = {}
    for name in ("load_into_memory", "memmap_dataset", "memmap_opened_late"):
        work = prepare(bench, name, size=MIB)
        sent[name] = len(pickle.dumps(work.strategy.function(*work.args).dataset))
    assert sent["memmap_dataset"] > MIB
    assert sent["load_into_memory"] > MIB
    assert sent["memmap_opened_late"] < 16 * KIB


def test_a_lazy_batch_is_the_file_and_a_copied_one_is_not(bench: Bench) -> None:
    for name, lazy in {
        "slices_lazy": True,
        "slices_copied": False,
        "load_then_slice": False,
    }.items():
        work = prepare(bench, name, **SMALL)
        loader = work.strategy.function(*work.args)
        address = next(loader)[0].data_ptr()
        found = [
            path
            for line in mapped(work.inputs[0].parent)
            for area, *_, path in [line.split()]
            if int(area.split("-")[0], 16) <= address < int(area.split("-")[1], 16)
        ]
        assert found == ([str(work.inputs[0])] if lazy else [])
        loader.close()


def test_a_lazy_batch_may_be_written_and_the_file_stays(bench: Bench) -> None:
    work = prepare(bench, "slices_lazy", **SMALL)
    before = work.inputs[0].read_bytes()
    loader = work.strategy.function(*work.args)
    next(loader)[0].zero_()
    loader.close()
    assert work.inputs[0].read_bytes() == before


# As published.


class WaitingError(Exception):
    """Nothing is in the queue, and nobody is left who would put something."""


class AtOnce:
    """A context of multiprocessing in which a process has run when it was started."""

    def __init__(self) -> None:
        self.put = 0

    def Queue(self) -> Any:  # noqa: N802 — as multiprocessing names it
        made: queue.Queue[Any] = queue.Queue()

        def get() -> Any:
            try:
                return made.get_nowait()
            except queue.Empty:
                raise WaitingError from None

        def put(batch: Any) -> None:
            self.put += 1
            made.put(batch)

        return SimpleNamespace(get=get, put=put)

    def Process(self, target: Callable[..., None], args: Any) -> Any:  # noqa: N802 — the same
        return SimpleNamespace(start=lambda: target(*args), join=lambda: None)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> AtOnce:
    made = AtOnce()
    monkeypatch.setattr(multiprocessing, "get_context", lambda method: made)
    return made


@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
def test_the_published_queue_is_waited_for_in_vain(bench: Bench, at_once: AtOnce) -> None:
    # GIVEN 40 batches of 8, where two processes take as many steps as a batch has samples
    work = prepare(bench, "queue_loader_published", size=320_000, sample_bytes=1000, batch_size=8)
    loader = work.strategy.function(*work.args)
    # THEN the 17th batch never comes
    assert len(list(itertools.islice(loader, 16))) == 16
    assert at_once.put == 16
    with pytest.raises(WaitingError):
        next(loader)


@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
def test_where_the_published_queue_ends_its_batches_overlap(bench: Bench, at_once: AtOnce) -> None:
    work = prepare(bench, "queue_loader_published", **SMALL)
    with pytest.raises(AssertionError, match="sample 0 of batch 1 is row 1, expected row 8"):
        verify(SCENARIO, work, work.strategy.function(*work.args))


def test_a_trial_of_the_published_queue_fails(host: Host, bench: Bench) -> None:
    strategy = SCENARIO.strategies["queue_loader_published"]
    parameters = {**own_point(SCENARIO, strategy), "size": 320_000, "sample_bytes": 1000}
    parameters["batch_size"] = 8
    request = TrialRequest(
        path=str(FILE),
        scenario=SCENARIO.name,
        parameters=parameters,
        strategy=strategy.name,
        kind="memory",
        effort=Effort(trials=1, steady_s=0.0),
        threads=1,
        fixture=str(bench.inputs(SCENARIO, parameters)),
        tiny_fixture=str(bench.inputs(SCENARIO, {**parameters, "size": 4096})),
        folder=str(bench.folder / "scratch"),
    )
    report = host.call(request, 3.0)
    # THEN it waits for ever, unless a process has taken its shared memory with it when it ended
    if report.answer is None:
        assert report.failure(3.0).name == "timeout"
    else:
        assert report.answer["outcome"]["name"] in ("error", "wrong"), report.answer
    assert "queue_loader_published" not in {name for name, _ in quick_cases()}


def test_the_published_dataset_is_warned_of(bench: Bench) -> None:
    work = prepare(bench, "memmap_dataset_published", **SMALL)
    dataset = work.strategy.function(*work.args).dataset
    torch.set_warn_always(True)  # not only the first time in a process
    try:
        with pytest.warns(UserWarning, match="not writable"):
            dataset[0]
    finally:
        torch.set_warn_always(False)


@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
def test_the_published_dataset_delivers_nevertheless(bench: Bench) -> None:
    check_epochs(prepare(bench, "memmap_dataset_published", **SMALL))
    # But for what is not float32 in the file.
    work = prepare(bench, "memmap_dataset_published", **{**SMALL, "dtype": "uint8"})
    with pytest.raises(AssertionError, match="dtype uint8, expected float32"):
        check_epochs(work)


@pytest.fixture
def like_torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    """What torchvision documents of the transforms in use, with quarter turns for small angles.

    https://pytorch.org/vision/stable/transforms.html
    """

    def flip(p: float) -> Any:
        return lambda image: image.flip(-1) if torch.rand(()) < p else image

    def rotate(degrees: float) -> Any:
        assert degrees == 15
        return lambda image: image.rot90(2, (-2, -1)) if torch.rand(()) < 0.5 else image

    def compose(steps: Any) -> Any:
        def all_of_them(image: torch.Tensor) -> torch.Tensor:
            assert image.ndim == 3
            for step in steps:
                image = step(image)
            return image

        return all_of_them

    package = ModuleType("torchvision")
    package.transforms = SimpleNamespace(  # type: ignore[attr-defined]
        RandomHorizontalFlip=flip, RandomRotation=rotate, Compose=compose
    )
    monkeypatch.setitem(sys.modules, "torchvision", package)


@pytest.mark.usefixtures("like_torchvision")
@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
def test_the_published_augmentation_delivers_images(bench: Bench) -> None:
    work = bench.prepare(SCENARIO, "augment_published", **SMALL)
    loader = work.strategy.function(*work.args)
    verify(SCENARIO, work, loader)
    x = torch.cat([batch[0] for batch in loader])
    plain = torch.from_numpy(np.load(work.inputs[0])).view(-1, 1, 10, 25)
    assert x.shape == plain.shape
    assert 10 < int((x != plain).flatten(1).any(1).sum()) < 100
    # THEN labels of other samples would have been seen
    wrong = [(batch, y.roll(1)) for batch, y in loader]
    with pytest.raises(AssertionError, match="batch 0 has labels of other rows"):
        verify(SCENARIO, work, wrong)


# The corrected queues.


def test_a_queue_that_is_not_emptied_leaves_no_process(bench: Bench) -> None:
    work = prepare(bench, "queue_loader", **SMALL)
    for taken in (0, 1, 3):
        loader = work.strategy.function(*work.args)
        assert len(list(itertools.islice(loader, taken))) == taken
        loader.close()
        assert multiprocessing.active_children() == []


def test_batches_outlive_the_processes_that_made_them(bench: Bench) -> None:
    work = prepare(bench, "queue_loader", **SMALL)
    batches = list(work.strategy.function(*work.args))
    assert multiprocessing.active_children() == []
    verify(SCENARIO, work, batches)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_any_number_of_processes_share_the_batches(workers: int, bench: Bench) -> None:
    for access in ("sequential", "shuffled"):
        changed = {**SMALL, "num_workers": workers, "access": access}
        check_epochs(prepare(bench, "queue_loader", **changed), epochs=1)


# Augmentation.


def rotated(image: Any, degrees: float) -> Any:
    """An image rotated about its middle, pixel by pixel: a second opinion."""
    height, width = image.shape
    turned = np.zeros_like(image)
    angle = math.radians(degrees)
    for row, column in itertools.product(range(height), range(width)):
        y, x = row - (height - 1) / 2, column - (width - 1) / 2
        from_x = x * math.cos(angle) - y * math.sin(angle) + (width - 1) / 2
        from_y = x * math.sin(angle) + y * math.cos(angle) + (height - 1) / 2
        left, top = math.floor(from_x), math.floor(from_y)
        for i, j in itertools.product((top, top + 1), (left, left + 1)):
            if 0 <= i < height and 0 <= j < width:
                weight = (1 - abs(from_y - i)) * (1 - abs(from_x - j))
                turned[row, column] += weight * image[i, j]
    return turned


@pytest.mark.parametrize("name", ["augment_per_sample", "augment_per_batch"])
def test_images_are_flipped_and_rotated(name: str, bench: Bench) -> None:
    # GIVEN images of 10 by 25, with a seed that says what becomes of each
    work = prepare(bench, name, **SMALL)
    random = np.random.default_rng(0)
    angles, flips = random.uniform(-15, 15, 100), random.random(100) < 0.5
    images = as_given(np.load(work.inputs[0])).astype(float).reshape(-1, 10, 25)
    assert 20 < flips.sum() < 80
    # WHEN an epoch comes, THEN each sample is what it says it is
    for x, y, rows in some(work.strategy.function(*work.args)):
        for sample, label, row in some(zip(x.numpy(), y.tolist(), rows.tolist(), strict=True)):
            image = images[row][:, ::-1] if flips[row] else images[row]
            assert np.allclose(sample[0], rotated(image, angles[row]), atol=1e-4)
            assert label == work.inputs[1][row]


Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
AUGMENTED_FAULTS: dict[str, tuple[Callable[[Batch], Any], str]] = {
    "not flipped": (lambda b: (b[0].flip(-1), *b[1:]), r"value .* at \[\d, 0, \d+, \d+\]"),
    "not rotated": (lambda b: (b[0].roll(1, -1), *b[1:]), r"value .* at \[0, 0, \d+, \d+\]"),
    "one pixel": (lambda b: (b[0] + 0.01 * (b[0] == b[0].max()), *b[1:]), "value"),
    "of other rows": (lambda b: (*b[:2], b[2].roll(1)), "value"),
    "labels of other rows": (lambda b: (b[0], (b[1] + 1) % 10, b[2]), "batch 0 has labels of"),
    "a row twice": (
        lambda b: tuple(part[[0, 0, *range(2, 8)]] for part in b),
        r"row \d+ came [02]",
    ),
    "float64": (lambda b: (b[0].double(), *b[1:]), "dtype float64, expected float32"),
    "no rows": (lambda b: b[:2], "batch 0 has 2 parts, expected 3"),
}


@pytest.mark.parametrize("fault", AUGMENTED_FAULTS)
def test_faults_in_augmented_batches(fault: str, bench: Bench) -> None:
    plant, match = AUGMENTED_FAULTS[fault]
    work = prepare(bench, "augment_per_batch", **SMALL)
    batches = list(work.strategy.function(*work.args))
    verify(SCENARIO, work, batches)
    with pytest.raises(AssertionError, match=match):
        verify(SCENARIO, work, [plant(batches[0]), *batches[1:]])


def test_a_missing_augmented_batch_is_seen(bench: Bench) -> None:
    work = prepare(bench, "augment_per_batch", **SMALL)
    batches = list(work.strategy.function(*work.args))
    with pytest.raises(AssertionError, match="came 0 times"):
        verify(SCENARIO, work, batches[:-1])


# Other formats.

IN_FORMAT = {
    "safetensors_index": ".safetensors",
    "hdf5_sorted_index": ".h5",
    "arrow_index": ".arrow",
    "zarr_chunks": ".zarr",
}


def read_safetensors(path: Path) -> Any:
    from safetensors.numpy import load_file

    return load_file(path)["samples"]


def read_hdf5(path: Path) -> Any:
    import h5py

    with h5py.File(path) as file:
        return file["samples"][:]


def read_arrow(path: Path) -> Any:
    import pyarrow as pa

    with pa.OSFile(str(path)) as source:
        column = pa.ipc.open_file(source).read_all().column("samples")
        return column.combine_chunks().to_numpy_ndarray()


def read_zarr(path: Path) -> Any:
    import zarr

    return zarr.open_array(path, mode="r")[:]


READ = dict(zip(IN_FORMAT, (read_safetensors, read_hdf5, read_arrow, read_zarr), strict=True))


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "float64"])
@pytest.mark.parametrize("name", IN_FORMAT)
def test_a_format_is_what_its_own_library_reads(name: str, dtype: str, bench: Bench) -> None:
    work = prepare(bench, name, **{**CHUNKS, "dtype": dtype})
    path, _, converted = work.args[:3]
    assert converted == path.with_suffix(IN_FORMAT[name])
    found = READ[name](converted)
    assert found.dtype == dtype
    assert np.array_equal(found, np.load(path))


@pytest.mark.parametrize("name", IN_FORMAT)
def test_a_format_is_written_once_and_whole_or_not_at_all(
    name: str, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a file that was converted
    shape = {**SMALL, "size": 90_000 + len(name)}
    work = prepare(bench, name, **shape)
    converted = work.args[2]
    stamp = converted.stat().st_mtime_ns
    prepare(bench, name, **shape)
    assert converted.stat().st_mtime_ns == stamp
    # WHEN a conversion breaks in the middle
    setup = SCENARIO.strategies[name].setup
    assert setup is not None
    write = next(n for n in setup.__code__.co_names if n.startswith("write_"))
    plain = setup.__globals__[write]

    def broken(data: Any, file: Path) -> None:
        plain(data, file)
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(setup.__globals__, write, broken)
    converted.rename(converted.with_name("aside"))
    with pytest.raises(OSError, match="No space left"):
        prepare(bench, name, **shape)
    # THEN nothing is left of it
    assert sorted(path.name for path in converted.parent.iterdir()) == ["aside", "samples.npy"]


@pytest.mark.parametrize("name", IN_FORMAT)
def test_a_format_is_written_in_pieces(name: str, bench: Bench) -> None:
    prepare(bench, name, **SMALL)  # which imports what it needs
    shape: dict[str, Value] = {"size": 48 * MIB, "sample_bytes": 64 * KIB}
    bench.inputs(SCENARIO, point("memmap_index", **shape))
    tracemalloc.start()
    try:
        prepare(bench, name, **shape)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 24 * MIB


# Points, and what a quick sweep takes.


@pytest.mark.parametrize(
    ("name", "changed", "reason"),
    [
        ("memmap_index", {"sample_bytes": 60}, "a sample of 60 B is no row of 16 or more float32"),
        ("memmap_index", {"sample_bytes": 1002}, "a sample of 1002 B is no row"),
        ("slices_lazy", {"size": 64 * KIB, "sample_bytes": MIB}, "1 MiB does not fit into 64 KiB"),
        ("preadv", {"batch_size": 0}, "a batch cannot hold 0 samples"),
        ("preadv", {"step": "compute", "compute_ms": -1.0}, "a step cannot take -1 ms"),
        ("preadv", {"compute_ms": 2.0}, "compute_ms means nothing but for step=compute"),
        ("load_into_memory", {"num_workers": -1}, "there cannot be -1 workers"),
        ("memmap_dataset", {"start_method": "spawn"}, "start_method means nothing without workers"),
        ("memmap_dataset", {"access": "chunks"}, "chunk_sampler does it in chunks"),
        ("torch_from_file", {"access": "chunks"}, "rows are taken one by one"),
    ],
)
def test_a_point_that_makes_no_sense_says_why(
    name: str, changed: dict[str, Value], reason: str
) -> None:
    said = skipped(name, **{"size": 8 * MIB, **changed})
    assert said is not None
    assert reason in said


def info() -> ScenarioInfo:

    return describe(SCENARIO, "memmap_training.py")


def quick_cases() -> list[tuple[str, dict[str, Value]]]:
    planned = expand([info()], Request(level="quick"))
    return [(case.case.strategy, dict(case.case.parameters)) for case in planned]


def test_a_quick_sweep_varies_what_matters_for_a_few() -> None:
    cases = quick_cases()
    assert len(cases) < 80
    tried: dict[str, set[Value]] = {}
    for _, parameters in cases:
        for name, value in parameters.items():
            tried.setdefault(name, set()).add(value)
    several = {name for name, values in tried.items() if len(values) > 1}
    assert several == {
        *("size", "sample_bytes", "dtype", "access", "page_cache"),
        *("num_workers", "step", "compute_ms"),
    }
    cold = {name for name, parameters in cases if parameters["page_cache"] == "cold"}
    assert {"memmap_dataset", "memmap_index", "slices_copied", "fadvise_willneed"} <= cold
    computing = {
        (name, parameters["num_workers"])
        for name, parameters in cases
        if parameters["step"] == "compute" and parameters["compute_ms"] == 3.0
    }
    assert computing == {
        *(("load_into_memory", 0), ("load_into_memory", 2)),
        *(("thread_prefetch", 0), ("getitems_workers", 2)),
    }


# Cost models, where they are known by counting.


@pytest.mark.parametrize("name", RIGHT)
def test_a_large_file_is_held_by_those_that_load_it(name: str) -> None:
    copies = declared(name, size=4096 * MIB, sample_bytes=16 * KIB)
    loads = name.startswith("load_")
    assert copies == pytest.approx(int(loads), abs=0.03)


def test_bytes_take_four_times_their_size_as_floats() -> None:
    # Two batches of 64 samples, four in gaps, and one as it is in the file; and an index
    rows = 8 * MIB // KIB
    needed = 64 * (6 * 4096 + 1024) + 8 * rows
    copies = declared("memmap_index", size=8 * MIB, sample_bytes=4096, dtype="uint8")
    assert copies == pytest.approx(needed / (rows * (1024 + 8)))


def test_one_batch_of_everything_is_copied_once() -> None:
    shape: dict[str, Value] = {"size": 16 * 4096, "sample_bytes": 4096, "batch_size": 64}
    assert declared("memmap_index", **shape) == pytest.approx(1, abs=0.01)
    assert declared("slices_lazy", **shape) == 0
    assert declared("load_then_index", **shape) == pytest.approx(2, abs=0.01)
