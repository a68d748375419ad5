"""A sample costs what it is said to cost, and every way of spending it delivers the same epoch."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from harness.scenario import KIB, MIB
from harness.scenario.declaration import call_with
from harness.schema.records import Value
from tests.scenarios.bench import Bench, built_in, own_point, verify

SCENARIO = built_in()["worker_break_even"]
EVERY = sorted(SCENARIO.strategies)
WORKS = SCENARIO.parameters["work"].choices
CHEAP: dict[str, Value] = {"size": 40 * KIB, "sample_cost_us": 20}  # 40 samples: 2 batches and 8
# torch advises against more workers than processors, which is what one strategy is about.
torch_may_warn = pytest.mark.filterwarnings("ignore:This DataLoader will create")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("inputs"))


@torch_may_warn
@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("work", WORKS)
@pytest.mark.parametrize("size", [4 * KIB, 40 * KIB])
def test_every_strategy_delivers_two_epochs(name: str, work: str, size: int, bench: Bench) -> None:
    called, loader = bench.call(SCENARIO, name, **{**CHEAP, "work": work, "size": size})
    verify(SCENARIO, called, loader)
    verify(
        SCENARIO,
        called,
        called.strategy.function(*called.args) if iter(loader) is loader else loader,
    )


def dataset(bench: Bench, **changed: Value) -> Any:
    _, loader = bench.call(SCENARIO, "in_process", **{**CHEAP, **changed})
    return loader.dataset


@pytest.mark.parametrize("work", WORKS)
@pytest.mark.parametrize("cost_us", [10, 200, 3000])
def test_a_sample_costs_processor_time(work: str, cost_us: int, bench: Bench) -> None:
    samples = dataset(bench, work=work, sample_cost_us=cost_us)
    for index in range(5):
        began = time.thread_time_ns()
        sample = samples[index]
        assert time.thread_time_ns() - began >= 1000 * cost_us
        assert sample.tolist() == samples.data[index].tolist()


def test_waiting_is_not_taken_for_work(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a processor clock that stands still for a while, as it does for whoever waits
    samples = dataset(bench, sample_cost_us=5)
    readings = iter([0, *[1000] * 50, 6000])
    monkeypatch.setattr(time, "thread_time_ns", lambda: next(readings))
    # THEN the sample is not done before that clock has moved on
    samples[0]
    assert next(readings, None) is None


@pytest.fixture
def uninterrupted() -> Iterator[None]:
    """Threads keep the GIL until they give it away themselves."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("uninterrupted")
@pytest.mark.parametrize("work", WORKS)
def test_other_threads_run_meanwhile_only_where_the_gil_is_released(
    work: str, bench: Bench
) -> None:
    # GIVEN samples that are all work, and a thread that would like to run every now and then
    samples = dataset(bench, work=work, sample_cost_us=3000)
    samples.data = [None]  # where torch lets other threads run
    stop, turns = threading.Event(), [0]

    def run() -> None:
        while not stop.is_set():
            turns[0] += 1
            time.sleep(0.0001)

    other = threading.Thread(target=run)
    other.start()

    # WHEN samples are made; a busy machine may keep that thread from taking its chance
    def ran_meanwhile() -> bool:
        before = turns[0]
        samples[0]
        return turns[0] > before

    ran = any(ran_meanwhile() for _ in range(100 if work == "releases the GIL" else 5))
    stop.set()
    other.join()
    # THEN it ran if it could
    assert ran == (work == "releases the GIL")


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_threads_end_where_their_consumer_stops(taken: int, bench: Bench) -> None:
    before = set(threading.enumerate())
    _, loader = bench.call(SCENARIO, "threads_2", **{**CHEAP, "size": 256 * KIB})
    for _ in range(taken):
        next(loader)
    loader.close()
    assert set(threading.enumerate()) == before


def test_threads_hand_on_an_error_and_end(bench: Bench) -> None:
    # GIVEN a dataset that fails in its third batch
    class Broken:
        def __len__(self) -> int:
            return 64

        def __getitem__(self, index: int) -> torch.Tensor:
            if index == 40:
                raise OSError("the disk is gone")
            return torch.tensor(index)

    before = set(threading.enumerate())
    in_threads = SCENARIO.strategies["threads_2"].function.__globals__["in_threads"]
    loader = in_threads(Broken(), 16, 2)
    assert next(loader).tolist() == list(range(16))
    assert next(loader).tolist() == list(range(16, 32))
    with pytest.raises(OSError, match="the disk is gone"):
        next(loader)
    assert set(threading.enumerate()) == before


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"sample_cost_us": -5}, "a sample cannot cost -5 µs"),
        ({"sample_cost_us": 3, "work": "releases the GIL"}, "3 µs are too short"),
        ({"sample_bytes": 6}, "a sample of 6 B is no row of float32"),
        ({"sample_bytes": MIB}, "a sample of 1048576 B does not fit into 262144 B of data"),
        ({"batch_size": 0}, "a batch cannot hold 0 samples"),
    ],
)
def test_a_point_that_makes_no_sense_says_why(changed: dict[str, Value], reason: str) -> None:
    for strategy in SCENARIO.strategies.values():
        point = {**own_point(SCENARIO, strategy), "size": 256 * KIB, **changed}
        assert strategy.skip is not None
        assert reason in str(call_with(strategy.skip, point))


def test_nothing_but_free_processors_is_asked_for() -> None:
    free = {"sample_cost_us": 0, "size": 256 * KIB}
    for strategy in SCENARIO.strategies.values():
        assert strategy.skip is not None
        assert call_with(strategy.skip, {**own_point(SCENARIO, strategy), **free}) is None
