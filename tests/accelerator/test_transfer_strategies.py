"""Every strategy of the transfers brings all of the data, if copies come as late as they may.

What they are on a device, only a machine that has one can tell: see test_on_device.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from harness.scenario import Scenario
from harness.scenario.declaration import call_with
from harness.scenario.training_step import make_step
from harness.schema.records import Value
from harness.trial.base.pointers import data_bytes
from harness.trial.base.request import BoundStrategy
from harness.trial.device.memory import pinned_bytes
from harness.trial.timing.arrived import Arrived
from harness.trial.timing.epochs import Loader
from harness.trial.timing.training import Trainer
from tests.accelerator.deferred import CPU, Deferred
from tests.scenarios.bench import Bench, built_in, verify

TO, FROM = built_in()["host_to_device"], built_in()["device_to_host"]
TRAINING = built_in()["device_training"]
DTYPES = ("float32", "float16", "uint8")
UNWAITED = "not_waited"
SIZES = (4096, 100_000)
SIDE = 64


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("inputs"))


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Deferred:
    deferred = Deferred()
    deferred.install(monkeypatch)
    return deferred


def cases() -> Iterator[Any]:
    for scenario in (TO, FROM):
        for name, strategy in scenario.strategies.items():
            for dtype in DTYPES if name != UNWAITED else ():  # that one has a test of its own
                point = {"size": 4096, "dtype": dtype}
                if strategy.skip is None or not call_with(strategy.skip, point):
                    yield pytest.param(scenario, name, dtype, id=f"{name}-{dtype}")


def called(
    scenario: Scenario, name: str, bench: Bench, device: Deferred, **changed: Value
) -> tuple[BoundStrategy, Any]:
    """Call it twice, as a trial does, and wait as a trial does: after the call alone."""
    work = bench.prepare(scenario, name, **changed)
    device.flush()
    work.strategy.function(*work.args)
    device.flush()
    result = work.strategy.function(*work.args)
    device.flush()
    return work, result


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("scenario", "name", "dtype"), list(cases()))
def test_all_of_the_data_arrives(
    scenario: Scenario, name: str, dtype: str, size: int, bench: Bench, device: Deferred
) -> None:
    work, result = called(scenario, name, bench, device, size=size, dtype=dtype)
    verify(scenario, work, result)


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_nobody_waited_for_is_wrong(dtype: str, bench: Bench, device: Deferred) -> None:
    work = bench.prepare(FROM, UNWAITED, dtype=dtype)
    device.flush()
    result = work.strategy.function(*work.args)
    device.flush()  # too late: what was read was read
    with pytest.raises(AssertionError, match="expected"):
        verify(FROM, work, result)


@pytest.mark.parametrize(
    ("scenario", "name"),
    [(TO, "pinned_ring"), (FROM, "pinned_ring"), (FROM, "waited"), (FROM, "non_blocking_waited")],
    ids=lambda one: getattr(one, "name", one),
)
def test_a_strategy_that_forgets_to_wait_would_be_caught(
    scenario: Scenario, name: str, bench: Bench, device: Deferred, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = SimpleNamespace(synchronize=lambda: None)
    event = SimpleNamespace(synchronize=lambda: None, record=lambda: None)
    monkeypatch.setattr(torch.accelerator, "current_stream", lambda: stream)
    monkeypatch.setattr(torch, "Event", lambda device: event)
    work = bench.prepare(scenario, name, size=100_000)
    device.flush()
    result = work.strategy.function(*work.args)
    if name == "non_blocking_waited":  # what it hands out is looked at by its caller
        result = result.clone()
    device.flush()
    with pytest.raises(AssertionError, match="expected"):
        verify(scenario, work, result)


@pytest.mark.parametrize("damage", ["a value", "the end", "the dtype"])
@pytest.mark.parametrize(("scenario", "name"), [(TO, "pageable_to"), (FROM, "to_cpu")])
def test_the_check_sees_what_is_wrong(
    scenario: Scenario, name: str, damage: str, bench: Bench, device: Deferred
) -> None:
    work, result = called(scenario, name, bench, device)
    if damage == "a value":
        result[len(result) // 2] += 1
    elif damage == "the end":
        result = result[:-1]
    else:
        result = result.double()
    with pytest.raises(AssertionError):
        verify(scenario, work, result)


def test_the_check_sees_data_that_never_left(
    bench: Bench, device: Deferred, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, result = called(TO, "pageable_to", bench, device)
    elsewhere = torch.device("meta")
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: elsewhere)
    with pytest.raises(AssertionError, match="on cpu, expected meta"):
        verify(TO, work, result)


@pytest.mark.parametrize("scenario", [TO, FROM], ids=lambda scenario: scenario.name)
def test_every_strategy_needs_a_device_and_says_what_it_pins(
    scenario: Scenario, bench: Bench, device: Deferred
) -> None:
    assert scenario.strategies
    for name, strategy in scenario.strategies.items():
        assert strategy.on_device, name
        work = bench.prepare(scenario, name, size=4096)
        payload = data_bytes(work.inputs)
        asked = pinned_bytes(strategy, work, payload)
        assert asked is not None, name
        assert asked in (0, payload // 8, payload), name


def test_registering_is_cudas_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    skip = TO.strategies["registered"].skip
    assert skip is not None
    for kind, reason in (("cuda", None), ("xpu", "xpu has no cudaHostRegister")):
        found = torch.device(kind)
        monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda found=found: found)
        assert skip() == reason


# Training: batches that are sent as they are needed, or before.


@pytest.mark.filterwarnings("ignore:.*pin_memory.*")
@pytest.mark.parametrize("batch_size", [3, 64])
@pytest.mark.parametrize("name", list(TRAINING.strategies))
def test_an_epoch_brings_every_sample_in_order(
    name: str, batch_size: int, bench: Bench, device: Deferred
) -> None:
    work = bench.prepare(TRAINING, name, size=1024**2, batch_size=batch_size)
    loader = Loader(lambda: work.strategy.function(*work.args))
    for _ in range(2):
        verify(TRAINING, work, Arrived(loader, device.flush))
    assert loader.expected_batches() == -(-64 // batch_size)


@pytest.mark.filterwarnings("ignore:.*pin_memory.*")
@pytest.mark.parametrize("name", ["pinned", "prefetched"])
def test_a_batch_is_on_its_way_when_it_is_given(name: str, bench: Bench, device: Deferred) -> None:
    work = bench.prepare(TRAINING, name, size=1024**2, batch_size=8)
    expected = torch.from_numpy(work.inputs[0])[:8]
    batch, _ = next(iter(work.strategy.function(*work.args)))
    assert not torch.equal(batch, expected)
    # That is what waiting before the step is for.
    device.flush()
    assert torch.equal(batch, expected)


def test_the_step_learns_from_the_scenarios_own_data(bench: Bench) -> None:
    work = bench.prepare(TRAINING, "unpinned", size=1024**2)
    scenario = Scenario("on_the_host", question="?", baseline="-", epochs=True)
    scenario.step(lambda: make_step("conv", SIDE * SIDE, 0.0, CPU))
    trainer = Trainer(scenario, {})
    data, labels = (torch.from_numpy(value) for value in work.inputs)
    for _ in range(20):
        for start in range(0, len(data), 64):
            trainer((data[start : start + 64], labels[start : start + 64]))
    assert trainer.losses[-1] < trainer.losses[0]
