"""Every kind of work is really done, timed as it should be, and found by its name alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch

from harness.scenario import Scenario
from harness.scenario.declaration import DeclarationError
from harness.schema.records import Ceiling, Work
from harness.schema.request import TOO_LATE, CeilingsRequest
from harness.trial.ceilings import kind, memory_cast, memory_copy, memory_gather, memory_read
from harness.trial.ceilings.kind import Place, Timed, ceiling, fastest, kinds
from harness.trial.ceilings.measure import measure_ceilings
from harness.trial.describe import describe

KIB = 1024


@pytest.fixture
def place(tmp_path: Path) -> Place:
    found = Place(tmp_path)
    rng = np.random.default_rng(0)
    found.source(256 * KIB)[:] = rng.integers(0, 100, 256 * KIB, dtype=np.uint8)
    found.target(1024 * KIB)[:] = 255
    return found


@pytest.fixture
def each_way(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], object]]:
    """What a kind would have timed, without timing it."""
    ways: list[Callable[[], object]] = []

    def collect(given: Any) -> tuple[float, ...]:
        ways.extend(given)
        return (1.0,)

    for module in (memory_cast, memory_copy, memory_gather, memory_read):
        monkeypatch.setattr(module, "fastest", collect)
    return ways


def measured(*works: Work, **more: Any) -> list[Ceiling]:
    return [Ceiling(**one) for one in measure_ceilings(CeilingsRequest(works, **more))["ceilings"]]


@pytest.mark.parametrize("size", [4 * KIB, 64 * KIB, 100_000])
def test_each_way_to_copy_copies_all(size: int, place: Place, each_way: list[Any]) -> None:
    done = memory_copy.copy(Work("copy", size, size), place)
    assert done.moved_bytes == size
    area = place.target(size + memory_copy.ALIASING_BYTES)
    for number, way in enumerate(each_way):
        area[:] = 255
        way()
        shift = memory_copy.ALIASING_BYTES if number else 0
        assert (area[shift:][:size] == place.source(size)).all()
    assert len(each_way) == 4


def test_copying_block_by_block_reads_all_and_writes_one_place(
    place: Place, each_way: list[Any]
) -> None:
    work = Work("copy", 64 * KIB, 64 * KIB, block_bytes=16 * KIB, threads=2)
    assert memory_copy.copy(work, place).moved_bytes == 64 * KIB
    area = place.target(16 * KIB + memory_copy.ALIASING_BYTES)
    for number, way in enumerate(each_way):
        area[:] = 255
        way()
        shift = memory_copy.ALIASING_BYTES if number else 0
        assert (area[shift:][: 16 * KIB] == place.source(64 * KIB)[48 * KIB :]).all()
        assert (area[shift + 16 * KIB :] == 255).all()
    assert len(each_way) == 4


@pytest.mark.parametrize(
    ("dtypes", "ways"),
    [
        (("uint8", "float32"), 2),
        (("float64", "float32"), 2),
        (("int64", "uint8"), 2),
        ((">f4", "float32"), 1),  # torch knows no other byte order
        (("datetime64[ns]", "int64"), 1),
        (("bfloat16", "float32"), 1),  # and NumPy not this one
    ],
)
def test_each_way_to_cast_casts_all(
    dtypes: tuple[str, str], ways: int, place: Place, each_way: list[Any]
) -> None:
    sizes = tuple(memory_cast._item_bytes(one) for one in dtypes)
    count = 1000
    work = Work("cast", count * sizes[0], count * sizes[1], dtypes=dtypes)
    done = memory_cast.cast(work, place)
    assert done.moved_bytes == count * sum(sizes) / 2  # read and written apart
    read, written = place.source(count * sizes[0]), place.target(count * sizes[1])
    values = np.arange(count) % 100
    if dtypes[0] == "bfloat16":
        read.view(np.int16)[:] = torch.from_numpy(values).bfloat16().view(torch.int16).numpy()
    else:
        read.view(dtypes[0])[:] = values.astype(dtypes[0])
    expected = values.astype(dtypes[1])
    for way in each_way:
        written[:] = 255
        way()
        assert written.tobytes() == expected.tobytes()
    assert len(each_way) == ways


def test_each_way_to_gather_takes_every_row_once(
    place: Place, each_way: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = place.source(64 * KIB).view(np.int64).reshape(64, 128)
    rows[:] = np.arange(64)[:, None]
    taken: list[int] = []
    work = Work("gather", 64 * KIB, 64 * KIB, block_bytes=64 * KIB, piece_bytes=KIB)
    assert memory_gather.gather(work, place).moved_bytes == 64 * KIB
    target = place.target(64 * KIB).view(np.int64).reshape(64, 128)
    for way in each_way:
        target[:] = -1
        way()
        assert (target == target[:, :1]).all()  # whole rows
        taken = target[:, 0].tolist()
        assert sorted(taken) == list(range(64))
        assert taken != sorted(taken)
    assert len(each_way) == 3


@pytest.mark.parametrize("size", [8, 64 * KIB])
def test_each_way_to_read_adds_up_or_compares_all(
    size: int, place: Place, each_way: list[Any]
) -> None:
    memory_read.read(Work("read", size), place)
    assert len(each_way) > 4
    for way in each_way:
        place.source(size)[:] = 0
        assert float(way()) == 0
        place.source(size)[-8:].view(np.float32)[:] = 1.0
        assert float(way()) > 0  # the last bytes were read, too


@pytest.mark.parametrize("workers", [1, 2])
def test_processes_hand_over_every_block(workers: int, tmp_path: Path) -> None:
    before = set(psutil.Process().children())
    work = Work("handover", 64 * KIB, 64 * KIB, block_bytes=10 * KIB, workers=workers)
    (found,) = measured(work, folder=str(tmp_path))
    assert found.bytes_per_s * min(found.samples_s) == pytest.approx(60 * KIB)  # six whole blocks
    assert f"by {workers} process" in found.text
    assert set(psutil.Process().children()) <= before


def test_a_sample_is_of_the_fastest_way(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0]
    monkeypatch.setattr("harness.trial.ceilings.kind.time.perf_counter_ns", lambda: now[0])

    def taking(*times_ns: int) -> Callable[[], None]:
        left = list(times_ns)

        def way() -> None:
            now[0] += left.pop(0) if len(left) > 1 else left[0]

        return way

    # The first call of each is a warm-up, however fast.
    long, disturbed = taking(5_000_000), taking(1, 9_000_000, 9_000_000, 4_000_000, 9_000_000)
    assert min(fastest([long, disturbed])) == pytest.approx(4e-3)
    short = taking(2_000)
    assert fastest([short, long])[0] == pytest.approx(2e-6)


def test_what_is_smaller_goes_into_the_same_memory_which_is_there_already(tmp_path: Path) -> None:
    place = Place(tmp_path)
    large = place.source(4 * KIB * KIB)
    assert place.source(KIB).ctypes.data == large.ctypes.data
    assert place.target(KIB).ctypes.data != large.ctypes.data
    assert (large.view(np.float32) == 1.0).all()


def planted(name: str, do: Callable[[Work, Place], Timed], monkeypatch: pytest.MonkeyPatch) -> Work:
    known = dict(kinds())
    monkeypatch.setattr(kind, "_KINDS", known)
    monkeypatch.setattr("harness.trial.ceilings.measure.kinds", lambda: known)
    monkeypatch.setattr("harness.trial.describe.kinds", lambda: known)
    ceiling(name)(do)
    return Work(name, KIB)


def test_threads_are_those_of_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def do(work: Work, place: Place) -> Timed:
        seen.append(torch.get_num_threads())
        return Timed("counting", (1.0,))

    work = planted("counted", do, monkeypatch)
    before = torch.get_num_threads()
    try:
        measured(work, replace(work, threads=2), passes=1)
    finally:
        torch.set_num_threads(before)
    assert seen == [1, 2]


def test_the_best_pass_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([3.0, 2.0, 4.0])
    work = planted("timed", lambda work, place: Timed("", (next(times),)), monkeypatch)
    (found,) = measured(work, passes=3)
    assert found.bytes_per_s == KIB / 2.0


def test_what_cannot_be_measured_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(work: Work, place: Place) -> Timed:
        raise MemoryError("no room")

    bad = planted("failing", fails, monkeypatch)
    failed, done = measured(bad, Work("copy", KIB))
    assert (failed.bytes_per_s, "no room" in failed.note) == (0.0, True)
    assert done.bytes_per_s > 0
    late = measured(bad, Work("copy", KIB), allowed_s=-1.0)
    assert {one.note for one in late} == {f"not measured: {TOO_LATE}"}


def declared(word: str) -> Scenario:
    scenario = Scenario("mine", question="?", baseline="way", work=word)
    scenario.inputs(lambda size: np.ones(size, np.uint8))
    scenario.check(lambda data, result: None)

    @scenario.strategy()
    def way(data: Any) -> Any:
        return data

    return scenario


def test_a_kind_is_one_function(monkeypatch: pytest.MonkeyPatch) -> None:
    planted("sorted", lambda work, place: Timed("sorting", (1.0,)), monkeypatch)
    assert describe(declared("sorted"), "mine.py").strategies[0].work == "sorted"


@pytest.mark.parametrize("word", ["copying", "memcpy", "Copy"])
def test_a_word_that_is_no_kind_names_those_that_are(word: str) -> None:
    with pytest.raises(
        DeclarationError, match=rf"mine/way: work='{word}' .*copy, .*gather, .*read"
    ):
        describe(declared(word), "mine.py")
