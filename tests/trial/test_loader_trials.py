"""Real trials of loaders: the memory of their trees, what they pickle, how they fail."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from harness.host.host import Host
from harness.schema.records import HostSpec, Value
from harness.trial.planted.process_tree import Holding
from tests.lab import Lab
from tests.trial.loaders import NAP_S

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="process trees are watched on Linux only"
)
MIB = 1024**2
SIZE = 128 * MIB
FILE = Path(__file__).with_name("loaders.py")
CLOSE = 0.03


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Host(HostSpec(), [FILE]) as host:
        host.preload_scenarios()
        yield Lab(host, tmp_path_factory.mktemp("inputs"), FILE, "loaders")


def point(**changed: Value) -> dict[str, Any]:
    usual: dict[str, Any] = {"size": MIB, "num_workers": 2, "start_method": "fork"}
    return {**usual, "open_files": 1024, "passes": 1, **changed}


def tree(lab: Lab, strategy: str, **changed: Value) -> dict[str, Any]:
    record = lab.record(strategy, kind="tree", observe="tree", **point(**changed))
    assert record["outcome"]["name"] == "ok", record["outcome"]
    found: dict[str, Any] = record["tree"]
    return found


def idle_bytes(found: dict[str, Any]) -> int:
    """Growth of sum PSS after the last batch, while every worker is alive.

    Without file pages: libraries are shared with whatever else runs on the machine.
    """
    return own_bytes(found["idle"])


def own_bytes(sample: dict[str, Any]) -> int:
    pss: dict[str, int] = sample["pss"]
    return pss["anon_bytes"] + pss["shmem_bytes"]


def test_a_page_of_the_host_is_not_taken_for_growth(lab: Lab) -> None:
    # Each worker inherits what the host has imported, some 100 MiB; none of it is new.
    one, four = (idle_bytes(tree(lab, "plain", num_workers=count)) for count in (1, 4))
    assert (four - one) / 3 < 60 * MIB


def test_sum_rss_counts_shared_pages_once_for_each_process(lab: Lab) -> None:
    found = tree(lab, "shared_array", size=SIZE, num_workers=3)
    assert found["idle"]["processes"] == 4
    assert found["idle"]["rss_bytes"] > 4 * SIZE
    assert idle_bytes(found) < 2.5 * SIZE


def test_the_course_shows_when_what_began(lab: Lab) -> None:
    found = tree(lab, "private_arrays", size=SIZE, passes=2)
    marks = dict(found["marks"])
    assert list(marks) == ["build", "pass 1", "pass 2", "dropped"]
    assert list(marks.values()) == sorted(marks.values())
    times = [sample["at_s"] for sample in found["course"]]
    assert times == sorted(times)
    assert times[0] == 0.0
    assert times[-1] >= marks["dropped"]
    assert max(map(own_bytes, found["course"])) == own_bytes(found["peak"])
    # Workers are gone, and what they had copied with them.
    assert found["left"]["processes"] == 1
    assert own_bytes(found["left"]) < SIZE / 4


@pytest.mark.parametrize("start_method", ["spawn", "forkserver"])
def test_workers_in_new_interpreters_find_the_dataset_and_are_sent_it_whole(
    start_method: str, lab: Lab
) -> None:
    found = tree(lab, "shared_array", size=4 * MIB, num_workers=1, start_method=start_method)
    held = len(pickle.dumps(Holding(np.ones(MIB, np.float32))))
    assert found["started_bytes"] == pytest.approx(held, rel=CLOSE)
    assert idle_bytes(found) > 2 * 4 * MIB


def test_forked_workers_are_sent_nothing_to_start(lab: Lab) -> None:
    assert tree(lab, "shared_array", size=4 * MIB)["started_bytes"] == 0


def test_arrays_come_back_through_the_pipe_and_tensors_as_handles(lab: Lab) -> None:
    arrays = tree(lab, "sends_arrays", size=4 * MIB)
    assert arrays["received_bytes"] == pytest.approx(4 * MIB, rel=CLOSE)
    twice = tree(lab, "sends_arrays", size=4 * MIB, passes=2)
    assert twice["received_bytes"] == pytest.approx(4 * MIB, rel=CLOSE)
    assert tree(lab, "plain", size=4 * MIB)["received_bytes"] < 64 * 1024


# Failures


@pytest.mark.parametrize("kind", ["time", "tree"])
def test_a_dataset_that_raises_in_one_worker_is_an_error_with_its_reason(
    kind: str, lab: Lab
) -> None:
    observe: Any = "tree" if kind == "tree" else ""
    outcome = lab.outcome("raises_in_one_worker", kind=kind, observe=observe, **point())
    assert outcome.name == "error"
    assert outcome.reason.startswith("ValueError: Caught ValueError in DataLoader worker process")
    assert outcome.reason.endswith("ValueError: sample 7 is broken")


def test_a_dataset_that_never_returns_is_a_timeout_and_leaves_no_process(lab: Lab) -> None:
    outcome = lab.outcome("never_returns", kind="time", timeout_s=2.0, **point())
    assert outcome.name == "timeout"
    assert lab.host._process is not None
    assert not psutil.Process(lab.host._process.pid).children(recursive=True)


def test_a_worker_that_dies_is_an_error_that_says_so(lab: Lab) -> None:
    outcome = lab.outcome("worker_dies", kind="time", **point())
    assert outcome.name == "error"
    assert "DataLoader worker" in outcome.reason


def test_torch_refuses_batches_of_nothing(lab: Lab) -> None:
    outcome = lab.outcome("no_batch_size", kind="time", **point())
    assert outcome.name == "error"
    assert "batch_size" in outcome.reason


def test_a_loader_that_gives_less_the_second_time_is_wrong(lab: Lab) -> None:
    outcome = lab.outcome("shorter_each_time", kind="time", **point(num_workers=0))
    assert outcome.name == "wrong"
    assert "batches" in outcome.reason


@pytest.mark.parametrize("passes", [1, 3])
def test_a_wrong_pass_is_not_forgotten_over_the_right_ones_that_follow(
    lab: Lab, passes: int
) -> None:
    outcome = lab.outcome(
        "wrong_the_first_time", kind="tree", observe="tree", **point(passes=passes)
    )
    assert outcome.name == "wrong"
    assert "tensor([-1.])" in outcome.reason


def test_a_limit_of_open_files_is_in_force(lab: Lab) -> None:
    outcome = lab.outcome("plain", kind="time", **point(open_files=12, num_workers=4))
    assert outcome.name == "error"
    assert "Too many open files" in outcome.reason or "Errno 24" in outcome.reason


def test_a_limit_above_what_the_system_allows_is_skipped(lab: Lab) -> None:
    outcome = lab.outcome("plain", kind="time", **point(open_files=2**40))
    assert outcome.name == "skipped"
    assert outcome.reason.startswith("open_files=1099511627776 is above this system's limit")


# Phases


def test_phases_of_a_loader_with_workers_are_told_apart(lab: Lab) -> None:
    record = lab.record("plain", kind="time", **point())
    loading = record["loading"]
    assert (loading["batches"], loading["samples"], loading["data_bytes"]) == (8, 8, 32)
    assert len(loading["steady"]) == len(record["timing"]["samples_s"]) >= 2
    for epoch, total in zip(loading["steady"], record["timing"]["samples_s"], strict=True):
        assert sum(epoch.values()) == pytest.approx(total)
        # Starting processes and joining them takes longer than fetching single numbers.
        assert epoch["iter_s"] + epoch["first_batch_s"] > epoch["batches_s"] / 7


def test_waiting_is_time_although_no_processor_is_used(lab: Lab) -> None:
    loading = lab.record("waits_for_something", kind="time", **point())["loading"]
    for epoch in (loading["first"], *loading["steady"]):
        assert epoch["first_batch_s"] >= NAP_S
        assert epoch["batches_s"] >= (loading["batches"] - 1) * NAP_S
