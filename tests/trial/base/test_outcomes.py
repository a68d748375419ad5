"""Every bad end that really happens, provoked for real: its name, its kind, and its line."""

from __future__ import annotations

import linecache
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.torch_version import TorchVersion

from harness.host.host import Host
from harness.schema.records import Outcome
from harness.schema.request import LimitRequest
from harness.trial.limit.cgroups import why_no_group
from tests.lab import Lab

FILE = Path(__file__).parents[1] / "misbehaving_outcomes.py"
MIB = 1024**2
MAY_NOT_MOUNT = "may not mount"


@pytest.fixture
def lab(host: Host, scratch: Path) -> Lab:
    return Lab(host, scratch, FILE, "outcomes")


def source_of(where: str) -> str:
    """The line that an outcome names, read from the file by itself."""
    name, line, text = where.split(":", 2)
    assert name == FILE.name
    assert linecache.getline(str(FILE), int(line)).strip() == text.strip()
    return text.strip()


REFUSED = ("error", "") if torch.__version__ >= TorchVersion("2.14") else ("crash", "abort")
"""What becomes of a negative stride: torch throws, and does not catch it before 2.14."""


def ends(lab: Lab, strategy: str, *, timeout_s: float = 30.0) -> Outcome:
    outcome = lab.outcome(strategy, timeout_s=timeout_s, size=4096)
    if MAY_NOT_MOUNT in outcome.reason:
        pytest.skip("needs a disk of its own, which this user may not mount")
    assert "\n" not in outcome.reason
    return outcome


@pytest.mark.parametrize(
    ("strategy", "name", "kind", "line"),
    [
        ("negative_stride_through_dlpack", *REFUSED, "torch.utils.dlpack.from_dlpack("),
        ("writes_to_a_read_only_file", "crash", "segmentation fault", "tensor[0] = 2"),
        ("reads_where_a_file_was_cut_off", "crash", "bus error", "return int(mapped[2"),
        (
            "writes_to_a_full_shared_memory",
            "crash",
            "bus error",
            "np.ndarray(8 * MIB, np.uint8, shared.buf)",
        ),
        ("kills_itself", "crash", "killed", ""),
        ("worker_reads_where_a_file_was_cut_off", "error", "bus error", "return list(DataLoader("),
        ("shares_more_than_there_is", "error", "shared memory full", "return torch.ones(8 * MIB"),
        ("fills_the_disk", "error", "disk full", "file.write(bytes(8 * MIB))"),
    ],
)
def test_an_end_has_a_name_a_kind_and_a_line(
    lab: Lab, strategy: str, name: str, kind: str, line: str
) -> None:
    outcome = ends(lab, strategy)
    assert (outcome.name, outcome.kind) == (name, kind), outcome
    if line:
        assert source_of(outcome.where).startswith(line) or line in source_of(outcome.where)
    else:
        assert outcome.where == "", "who is killed has no time to say where"


@pytest.mark.parametrize("strategy", ["waits_for_one_batch_too_many", "producer_ends_early"])
def test_a_hang_is_told_with_the_line_that_waits(lab: Lab, strategy: str) -> None:
    outcome = ends(lab, strategy, timeout_s=2.0)
    assert (outcome.name, outcome.kind) == ("timeout", "hang")
    assert "batches.get()" in source_of(outcome.where)


def test_a_full_disk_and_too_many_files_say_so_in_words(lab: Lab) -> None:
    assert ends(lab, "fills_the_disk").reason.startswith("the disk is full: OSError: [Errno 28]")
    outcome = lab.outcome("opens_too_many", open_files=100, size=4096)
    assert outcome.reason.startswith("too many open files, 100 allowed: OSError: [Errno 24]")
    assert (outcome.name, outcome.kind) == ("error", "open files")
    assert source_of(outcome.where).startswith("return [Path(os.devnull).open()")


def test_batches_of_workers_that_are_kept_exhaust_descriptors(lab: Lab) -> None:
    outcome = lab.outcome("keeps_what_workers_send", size=200, num_workers=1, open_files=64)
    assert (outcome.name, outcome.kind) == ("error", "open files")
    assert outcome.reason.startswith("too many open files, 64 allowed: ")
    assert source_of(outcome.where) == "return list(loader)"


def test_a_folder_where_nobody_may_write_is_read_only(lab: Lab) -> None:
    outcome = ends(lab, "writes_where_nobody_may")
    if outcome.ok:
        pytest.skip("this user may write everywhere, and mount nothing")
    assert (outcome.name, outcome.kind) == ("error", "read-only")
    assert source_of(outcome.where).endswith('.write_bytes(b"1")')


# Under a limit on memory, which leaves some 64 MiB for the data

# glibc reserves 64 MiB of addresses for each arena, and whether a thread gets one of its own is
# chance: from trial to trial the address space before any data differs by one or two of them.
ROOM = {"data": 64 * MIB, "address_space": 3 * 64 * MIB}


def bound(lab: Lab, strategy: str, size: int, limit: str = "data") -> LimitRequest:
    """A budget of :data:`ROOM` beyond what a trial of a strategy has before any data."""
    first = lab.record(strategy, kind="limit", size=4096, bound=LimitRequest(limit, 4 << 30, 4096))
    return LimitRequest(limit, first["limit"]["base_bytes"] + ROOM[limit], size)


@pytest.mark.parametrize(
    ("strategy", "kind", "line"),
    [
        ("needs_array_memory", "array memory", "return np.ones(size, np.uint8)"),
        ("needs_tensor_memory", "tensor memory", "return torch.ones(size, dtype=torch.uint8)"),
        ("needs_python_memory", "Python memory", "return [bytes(1000) for _ in range("),
        ("needs_system_memory", "system memory", "mapped = mmap.mmap(-1, size"),
        ("needs_memory_in_setup", "array memory", "return np.ones(size, np.uint8)"),
        ("worker_needs_memory", "array memory", "return torch.from_numpy(np.ones(self.size"),
    ],
)
@pytest.mark.parametrize("limit", ["data", "address_space"])
def test_what_gives_way_under_a_limit_is_named(
    lab: Lab, strategy: str, kind: str, line: str, limit: str
) -> None:
    size = ROOM[limit] // 4  # eight times as much is asked for
    large = bound(lab, strategy, size, limit)
    report = lab.record(strategy, kind="limit", observe="limit", size=size, bound=large)
    outcome = Outcome(**report["outcome"])
    assert (outcome.name, outcome.kind) == ("oom", kind), outcome
    assert source_of(outcome.where).startswith(line)
    assert report["limit"]["stage"] == "call"
    small = replace(large, size_bytes=MIB)
    assert lab.outcome(strategy, kind="limit", observe="limit", size=MIB, bound=small).ok


def test_inputs_that_do_not_fit_fail_before_the_call(lab: Lab) -> None:
    size = 65 * MIB
    limit = bound(lab, "survives", size)
    record = lab.record("survives", kind="limit", observe="limit", size=size, bound=limit)
    assert record["outcome"]["kind"] == "array memory"
    assert record["outcome"]["where"] == "", "no line of the scenario"
    assert record["limit"]["stage"] == "inputs"
    assert record["limit"]["held_bytes"] is None


def test_with_nothing_left_at_all_the_record_is_still_made(lab: Lab) -> None:
    limit = bound(lab, "survives", 4096)
    record = lab.record(
        "leaves_nothing_at_all", kind="limit", observe="limit", size=4096, bound=limit
    )
    assert record["outcome"]["name"] == "oom"
    assert record["outcome"]["kind"] == "Python memory"
    assert record["limit"]["budget_bytes"] == limit.budget_bytes


def test_a_strategy_that_falls_back_survives(lab: Lab) -> None:
    limit = bound(lab, "survives", 16 * MIB)
    outcome = lab.outcome(
        "swallows_its_memory_error", kind="limit", observe="limit", size=16 * MIB, bound=limit
    )
    assert outcome.ok


@pytest.mark.skipif(bool(why_no_group()), reason=why_no_group())
@pytest.mark.parametrize(
    ("strategy", "stage"),
    [("needs_tensor_memory", "call"), ("worker_needs_memory", "call"), ("survives", "inputs")],
)
def test_a_control_group_that_is_full_kills_and_says_so(
    lab: Lab, strategy: str, stage: str
) -> None:
    size = 16 * MIB if stage == "call" else 80 * MIB
    limit = LimitRequest("cgroup", 64 * MIB, size)
    report = lab.measure(strategy, kind="limit", observe="limit", size=size, bound=limit)
    assert report.kills > 0
    if report.answer is None:
        outcome = report.failure(30)
        assert (outcome.name, outcome.kind) == ("oom", "killed for memory")
        assert report.noted["stage"] == stage
    else:  # a worker was killed, and the trial lived to tell
        assert strategy == "worker_needs_memory"
        assert report.answer["outcome"]["name"] in ("oom", "error")
