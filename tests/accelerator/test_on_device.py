"""On a device: what is measured agrees with what is known another way. Run by test-accelerator.

Written where there was none. Each trial runs in a process of its own, as in a run, so that the
process of the tests never begins to use the device.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.host.host import Host
from harness.scenario.discover import built_in_files
from harness.schema.records import (
    DEVICE_CEILINGS,
    DeviceMemory,
    DeviceTiming,
    Effort,
    HostSpec,
    Timing,
    TrialKind,
    Value,
    Work,
)
from harness.schema.request import (
    CaseQuestion,
    CeilingsRequest,
    EvaluateRequest,
    InputsRequest,
    TrialRequest,
    VersionsRequest,
)
from harness.trial.device.kernels import BUSY_S, MOST_KERNELS
from tests.scenarios.bench import built_in
from tests.some import some

MIB = 1024**2
BLOCK = 512
"""torch's allocator rounds every tensor up to so many bytes."""
FILES = {file.stem: str(file) for file in built_in_files()}
KNOWN = Path(__file__).with_name("known_on_device.py")
SENDING = [("host_to_device", name) for name in built_in()["host_to_device"].strategies]
BRINGING = [("device_to_host", name) for name in built_in()["device_to_host"].strategies]
WRONG = ("device_to_host", "not_waited")


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Host(HostSpec(), [*built_in_files(), KNOWN]) as opened:
        about = opened.ask(VersionsRequest())["accelerator"]
        if "missing" in about:
            pytest.skip(about["missing"])
        yield opened


class Trials:
    """Asks a host for trials."""

    def __init__(self, host: Host, folder: Path) -> None:
        self.host = host
        self.folder = folder

    def __call__(
        self, scenario: str, strategy: str, kind: TrialKind = "time", **changed: Value
    ) -> Any:
        """What a trial found out; it must have answered. Skips what a run would skip."""
        path = FILES.get(scenario, str(KNOWN))
        parameters = self.point(scenario, strategy) | changed
        case = CaseQuestion(path, scenario, parameters, strategy)
        (fact,) = self.host.ask(EvaluateRequest((case,)))["facts"]
        if fact["skip"]:
            pytest.skip(fact["skip"])
        files = []
        for number, size in enumerate((parameters["size"], 4096)):
            made = self.folder / f"{scenario}-{strategy}-{kind}-{number}.bin"
            made.unlink(missing_ok=True)
            inputs = {"size": size, "dtype": parameters["dtype"]}
            wanted = inputs if scenario != "device_training" else {"size": size}
            self.host.ask(InputsRequest(path, scenario, wanted, 1, str(made)))
            files.append(str(made))
        request = TrialRequest(
            path=path,
            scenario=scenario,
            parameters=parameters,
            strategy=strategy,
            kind=kind,
            effort=Effort(trials=1, steady_s=0.05),
            threads=1,
            fixture=files[0],
            tiny_fixture=files[1],
            folder=str(self.folder / f"scratch-{scenario}-{strategy}-{kind}"),
        )
        report = self.host.call(request, 120.0)
        assert report.answer is not None, report
        if report.answer["outcome"]["name"] == "skipped":
            pytest.skip(report.answer["outcome"]["reason"])
        return report.answer

    @staticmethod
    def point(scenario: str, strategy: str) -> dict[str, Value]:
        if scenario not in FILES:
            return {"size": MIB, "dtype": "uint8", "times": 1}
        made = built_in()[scenario]
        defaults = {name: parameter.default for name, parameter in made.parameters.items()}
        return {"dtype": "float32", **defaults, "size": 8 * MIB, **made.strategies[strategy].at}


@pytest.fixture
def trials(host: Host, tmp_path: Path) -> Trials:
    return Trials(host, tmp_path)


def timing_of(answer: dict[str, Any]) -> DeviceTiming:
    return msgspec.convert(answer["device_timing"], DeviceTiming)


def memory_of(answer: dict[str, Any]) -> DeviceMemory:
    return msgspec.convert(answer["device_memory"], DeviceMemory)


@pytest.mark.parametrize(("scenario", "name"), [*SENDING, *BRINGING])
def test_data_is_equal_after_every_path_but_the_one_nobody_waits_for(
    scenario: str, name: str, trials: Trials
) -> None:
    answer = trials(scenario, name)
    expected = "wrong" if (scenario, name) == WRONG else "ok"
    assert answer["outcome"]["name"] == expected, answer["outcome"]


@pytest.mark.parametrize("name", list(built_in()["device_training"].strategies))
def test_an_epoch_is_right_and_learns(name: str, trials: Trials) -> None:
    answer = trials("device_training", name)
    assert answer["outcome"]["name"] == "ok", answer["outcome"]


@pytest.mark.parametrize("size", [MIB, 8 * MIB + 4096])
def test_a_tensor_takes_its_bytes(size: int, trials: Trials) -> None:
    memory = memory_of(trials("host_to_device", "pageable_to", "memory", size=size))
    if memory.peak_allocated_bytes is None or memory.peak_reserved_bytes is None:
        pytest.skip(f"memory of torch's allocator is {memory.source}")
    expected = -(-size // BLOCK) * BLOCK
    assert memory.peak_allocated_bytes == memory.retained_allocated_bytes == expected
    assert memory.left_allocated_bytes == 0
    assert memory.peak_reserved_bytes >= expected
    assert memory.emptied_reserved_bytes == 0
    if memory.retained_used_bytes is not None:  # device-wide, where others may come and go
        assert memory.retained_used_bytes >= expected


def test_a_cast_takes_what_it_makes_too(trials: Trials) -> None:
    memory = memory_of(trials("host_to_device", "cast_on_device", "memory"))
    if memory.peak_allocated_bytes is None:
        pytest.skip(f"memory of torch's allocator is {memory.source}")
    assert memory.retained_allocated_bytes == 4 * 8 * MIB
    assert memory.peak_allocated_bytes == 5 * 8 * MIB


def test_the_context_shows_device_wide_alone(trials: Trials) -> None:
    memory = memory_of(trials("host_to_device", "pageable_to", "memory"))
    if memory.context_bytes is None:
        pytest.skip("needs nvidia-ml-py, and a device of NVIDIA")
    assert memory.context_bytes > 100 * MIB
    assert memory.setup_allocated_bytes == 0
    assert memory.lies_in_host_memory is False


PLAIN = """
import time
import torch

kind = torch.accelerator.current_accelerator()
began = time.perf_counter()
torch.ones(1, device=kind)
torch.accelerator.synchronize()
print(time.perf_counter() - began)
"""


def test_the_context_takes_as_long_as_in_a_plain_process(trials: Trials) -> None:
    command = [sys.executable, "-c", PLAIN]
    plain_s = min(
        float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        for _ in range(2)  # a driver that was asleep takes longer to start
    )
    context_s = timing_of(trials("host_to_device", "pageable_to", size=MIB)).context_s
    # What was started before it was timed would be missing: starting the driver is most of it.
    assert context_s > plain_s / 3


@pytest.mark.parametrize("size", [8 * MIB, 5 * MIB])
def test_pinned_memory_is_asked_for_and_taken(size: int, trials: Trials) -> None:
    memory = memory_of(trials("host_to_device", "pinned_to", "memory", size=size))
    assert memory.pinned_asked_bytes == size
    if memory.pinned_taken_bytes is None:
        pytest.skip("this backend does not tell")
    assert memory.pinned_taken_bytes >= size  # rounded up, by as much as torch's version does


@pytest.fixture
def times(trials: Trials) -> int:
    """How many products take about 50 ms here; one on a device where that takes longer."""
    one = msgspec.convert(trials("known_on_device", "long_kernel")["timing"], Timing)
    return max(1, min(MOST_KERNELS, round(BUSY_S / min(one.samples_s))))


def test_events_agree_with_a_long_kernel_timed_by_the_host(trials: Trials, times: int) -> None:
    answer = trials("known_on_device", "long_kernel", times=times)
    timing, clock = timing_of(answer), msgspec.convert(answer["timing"], Timing)
    if not timing.events_s:
        pytest.skip(timing.note)
    for event_s, done_s in some(zip(timing.events_s, clock.samples_s, strict=True)):
        assert event_s == pytest.approx(done_s, rel=0.05, abs=1e-3)


def test_twice_the_kernel_takes_twice_the_time_by_events(trials: Trials, times: int) -> None:
    once = timing_of(trials("known_on_device", "long_kernel", times=times))
    twice = timing_of(trials("known_on_device", "long_kernel_twice", times=times))
    if not once.events_s:
        pytest.skip(once.note)
    assert min(twice.events_s) / min(once.events_s) == pytest.approx(2.0, rel=0.1)


def test_queueing_a_long_kernel_does_not_block_the_host(trials: Trials, times: int) -> None:
    answer = trials("known_on_device", "long_kernel", times=times)
    clock = msgspec.convert(answer["timing"], Timing)
    assert min(timing_of(answer).blocked_s) < 0.5 * min(clock.samples_s)


def test_a_blocking_transfer_blocks_the_host_until_it_is_done(trials: Trials) -> None:
    answer = trials("device_to_host", "to_cpu", size=64 * MIB)
    clock = msgspec.convert(answer["timing"], Timing)
    assert min(timing_of(answer).blocked_s) > 0.5 * min(clock.samples_s)


def test_what_hides_on_a_stream_of_its_own_does_not_on_the_kernels(trials: Trials) -> None:
    hidden = timing_of(trials("host_to_device", "side_stream", size=256 * MIB)).overlaps
    in_turn = timing_of(trials("host_to_device", "pinned_non_blocking", size=256 * MIB)).overlaps
    assert max(one.fraction for one in hidden) > max(one.fraction for one in in_turn)


def test_every_ceiling_is_measured(host: Host) -> None:
    works = tuple(Work(name, 64 * MIB) for name in DEVICE_CEILINGS)
    answer = host.ask(CeilingsRequest(works))
    rates = {one["name"]: one["bytes_per_s"] for one in answer["ceilings"]}
    assert rates.keys() == {"device_to", "device_from", "device_both", "device_copy"}
    assert all(rate > 0 for rate in rates.values())
    # Both ways at once carry no more than the two ways by themselves, added up.
    assert rates["device_both"] <= 1.1 * (rates["device_to"] + rates["device_from"])


def test_trials_leave_the_host_able_to_fork(trials: Trials) -> None:
    for _ in range(2):
        assert trials("host_to_device", "pageable_to", size=MIB)["outcome"]["name"] == "ok"


QUEUED = """
import statistics
import sys
import time

import torch

import harness

torch.set_num_threads(1)
ROWS, TIMES = 4096, 40


def queue():
    device = torch.accelerator.current_accelerator()
    left = torch.ones(ROWS, ROWS, device=device)
    for _ in range(TIMES):
        left @ left


def plain():
    queue()
    taken = []
    for _ in range(20):
        torch.accelerator.synchronize()
        began = time.perf_counter()
        queue()
        torch.accelerator.synchronize()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


if sys.argv[1] == "plain":
    print(plain())
else:
    found = harness.measure(queue, trials=1)
    assert found.ok, found
    assert any("nothing was left to do there" in text for text in found.remarks), found
    print(found.steady.median)
"""


def test_a_call_of_this_process_is_timed_until_the_device_is_done(host: Host) -> None:
    plain_s, measured_s = (
        float(
            subprocess.run(
                [sys.executable, "-c", QUEUED, how], capture_output=True, text=True, check=True
            ).stdout
        )
        for how in ("plain", "measured")
    )
    assert measured_s == pytest.approx(plain_s, rel=0.25)


IN_FLIGHT = """
import time

import torch

from harness.trial.device.kernels import Busy
from harness.trial.loader.drive import Course

making_s, step_s = 0.005, 0.02
busy = Busy(torch.accelerator.current_accelerator(), step_s)


def batches():
    for _ in range(60):
        time.sleep(making_s)
        yield 1


def done():
    began = time.perf_counter()
    busy.queue()
    torch.accelerator.synchronize()
    return time.perf_counter() - began


step_s = min(done() for _ in range(5))
(one,) = Course(batches(), lambda batch: busy.queue(), 60, 10, 1e6).passes()
print(step_s, one.steady_s / one.steady_batches)
"""


def test_making_a_batch_hides_behind_a_step_of_the_device(host: Host) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_FLIGHT], capture_output=True, text=True, check=True
    )
    step_s, batch_s = map(float, done.stdout.split())
    if step_s < 0.01:
        pytest.skip("no work that long can be queued here")
    # Neither what queueing takes, nor the sum of both.
    assert batch_s == pytest.approx(step_s, rel=0.15)
