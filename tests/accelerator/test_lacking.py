"""Whole trials on a backend that lacks one thing after another: what needs it is skipped for it."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import msgspec
import pytest
import torch

from harness.scenario import Scenario
from harness.scenario.declaration import call_with
from harness.scenario.discover import built_in_files
from harness.schema.records import (
    DEVICE_BOTH,
    DEVICE_CEILINGS,
    DEVICE_FROM,
    DEVICE_TO,
    Ceiling,
    DeviceMemory,
    DeviceTiming,
    Effort,
    TrialKind,
    Work,
)
from harness.schema.request import SCENARIO_FILE, CeilingsRequest, TrialRequest
from harness.trial.ceilings.measure import measure_ceilings
from harness.trial.device.accelerator import DRIVER, NOT_TOLD, STATS
from harness.trial.device.calls import NO_EVENTS
from harness.trial.run import run_trial
from tests.accelerator import lacking
from tests.scenarios.bench import Bench, built_in, own_point
from tests.some import some

FILES = {file.stem: str(file) for file in built_in_files()}
SENDING, BRINGING, TRAINING = (
    built_in()[name] for name in ("host_to_device", "device_to_host", "device_training")
)
EFFORT = Effort(trials=1, steady_s=0.01, min_samples=2, max_samples=3)
UNWAITED = "not_waited"  # is there to be wrong
NOT_PINNED_HERE = "non_blocking_waited"  # of what it brings, the backend decides
NEEDS = {
    lacking.STREAMS: {"side_stream", "prefetched", NOT_PINNED_HERE},
    lacking.RECORD_STREAM: {"side_stream", "prefetched"},
    lacking.EVENTS: {"pinned_ring", "into_pinned", "waited"},
    lacking.CONVOLUTION: set(TRAINING.strategies),
    lacking.PINNED: {"pinned", "prefetched"}
    | {
        name
        for scenario in (SENDING, BRINGING)
        for name, strategy in scenario.strategies.items()
        if strategy.pins and name != NOT_PINNED_HERE
    },
}
NO_CEILING = {
    lacking.STREAMS: {DEVICE_BOTH},
    lacking.PINNED: {DEVICE_TO, DEVICE_FROM, DEVICE_BOTH},
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(params=list(lacking.LACKS))
def missing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A backend without it is in the place of torch's accelerator."""
    monkeypatch.setenv(SCENARIO_FILE, "")
    lacking.install(monkeypatch)
    lacking.LACKS[request.param](monkeypatch)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield request.param
    torch.set_num_threads(threads)
    gc.enable()  # a trial ends with its process


def trial(bench: Bench, scenario: Scenario, name: str, kind: TrialKind = "time") -> dict[str, Any]:
    training = scenario is TRAINING
    size = {"size": 1024**2} if training else {"size": 64 * 1024}
    point = {**own_point(scenario, scenario.strategies[name]), **size}
    fixture = str(bench.inputs(scenario, point))
    request = TrialRequest(
        path=FILES[scenario.name],
        scenario=scenario.name,
        parameters={**point, **({"batch_size": 16} if training else {})},
        strategy=name,
        kind=kind,
        effort=EFFORT,
        threads=0,
        fixture=fixture,
        tiny_fixture=fixture,
        folder=tempfile.mkdtemp(dir=bench.folder),
    )
    return run_trial(request, None)


@pytest.mark.filterwarnings("ignore:.*pin_memory.*")
@pytest.mark.parametrize("scenario", [SENDING, BRINGING, TRAINING], ids=lambda one: one.name)
def test_what_needs_it_is_skipped_for_it_and_nothing_else_is(
    missing: str, scenario: Scenario, bench: Bench
) -> None:
    seen = 0
    for name, strategy in some(scenario.strategies.items()):
        point = own_point(scenario, strategy)
        if strategy.skip is not None and call_with(strategy.skip, point):
            continue
        seen += 1
        outcome = trial(bench, scenario, name)["outcome"]
        found = outcome["name"], outcome["reason"]
        if name in NEEDS.get(missing, ()):
            assert found == ("skipped", f"this backend has no {missing}"), name
        else:
            assert outcome["name"] == ("wrong" if name == UNWAITED else "ok"), (name, found)
    assert seen


def test_what_it_does_not_tell_is_empty(missing: str, bench: Bench) -> None:
    found = trial(bench, SENDING, "pageable_to", "memory")
    memory = msgspec.convert(found["device_memory"], DeviceMemory)
    told = missing != lacking.STATISTICS
    of_torch = {
        name: value
        for name, value in asdict(memory).items()
        if name.endswith(("allocated_bytes", "reserved_bytes"))
    }
    assert len(of_torch) == 8
    assert set(of_torch.values()) == ({0} if told else {None})
    assert memory.source == (STATS if told else NOT_TOLD)
    driver = missing != lacking.MEMORY_INFO
    assert memory.retained_used_bytes == (0 if driver else None)
    assert memory.used_source == (DRIVER if driver else NOT_TOLD)


def test_its_events_are_those_that_it_has(missing: str, bench: Bench) -> None:
    found = trial(bench, SENDING, "pageable_to")
    timing = msgspec.convert(found["device_timing"], DeviceTiming)
    without = missing in (lacking.EVENTS, lacking.TIMES)
    assert (timing.first_event_s is None) == (timing.events_s == ()) == without
    assert (NO_EVENTS in timing.note) == without
    assert timing.blocked_s


def test_its_ceilings_are_measured_but_those_that_need_it(missing: str) -> None:
    works = tuple(Work(name, 4096) for name in DEVICE_CEILINGS)
    answer = measure_ceilings(CeilingsRequest(works))
    found = msgspec.convert(answer["ceilings"], list[Ceiling])
    assert {one.name for one in found} == set(DEVICE_CEILINGS)
    without = NO_CEILING.get(missing, set())
    assert {one.name for one in found if not one.bytes_per_s} == without
    notes = {one.note for one in found if one.name in without}
    assert notes == ({f"not measured: this backend has no {missing}"} if without else set())
