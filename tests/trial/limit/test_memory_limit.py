"""Limits are in force when they should be, count what they should, and are gone afterwards."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.host.host import Host
from harness.schema.records import HostSpec, Outcome
from harness.schema.request import LimitRequest, VersionsRequest
from harness.trial.limit import cgroups
from harness.trial.limit.cgroups import ControlGroup, make_group, why_no_group
from harness.trial.limit.memory_limit import LimitPage, why_not
from tests.lab import Lab

FILE = Path(__file__).parents[1] / "misbehaving_outcomes.py"
MIB = 1024**2
ROOM = 64 * MIB
no_group = pytest.mark.skipif(bool(why_no_group()), reason=why_no_group())


@pytest.fixture
def calls(host: Host, scratch: Path) -> Lab:
    return Lab(host, scratch, FILE, "outcomes")


@pytest.fixture
def calls_with_one_heap(scratch: Path) -> Iterator[Lab]:
    """Threads of torch may have left heaps, whose address space is taken and has room."""
    with Host(HostSpec("default", "", {"MALLOC_ARENA_MAX": "1"})) as host:
        yield Lab(host, scratch, FILE, "outcomes")


@pytest.fixture
def loaders(host: Host, scratch: Path) -> Lab:
    return Lab(host, scratch, FILE, "loaders")


def tried(lab: Lab, strategy: str, size: int, limit: str = "data") -> dict[str, object]:
    """The record of a trial that has 64 MiB beside what it had before any data."""
    free = LimitRequest(limit, 8 << 30, 4096)
    base = 0
    if limit != "cgroup":
        record = lab.record(strategy, kind="limit", observe="limit", size=4096, bound=free)
        base = record["limit"]["base_bytes"]
    bound = LimitRequest(limit, base + ROOM, size)
    report = lab.measure(strategy, kind="limit", observe="limit", size=size, bound=bound)
    if report.answer is None:
        outcome = report.failure(30)
        return {"outcome": {"name": outcome.name}, "limit": report.noted}
    return report.answer


def name(record: dict[str, object]) -> str:
    outcome = record["outcome"]
    assert isinstance(outcome, dict)
    return str(outcome["name"])


LIMITS = ["data", "address_space", pytest.param("cgroup", marks=no_group)]


@pytest.mark.parametrize("limit", LIMITS)
def test_half_of_the_room_is_enough_for_a_copy_and_no_more(
    calls_with_one_heap: Lab, limit: str
) -> None:
    """The inputs and their copy: 60 MiB have room in 64, 66 MiB have not."""
    fits, too_much = 30 * MIB, 33 * MIB
    record = tried(calls_with_one_heap, "survives", fits, limit)
    assert name(record) == "ok"
    assert record["payload_bytes"] == fits
    assert isinstance(record["limit"], dict)
    assert record["limit"]["held_bytes"] == pytest.approx(fits, abs=MIB // 2)
    assert record["limit"]["stage"] == ""
    assert name(tried(calls_with_one_heap, "survives", too_much, limit)) == "oom"


@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_is_lifted_before_the_result_is_checked(loaders: Lab, limit: str) -> None:
    """The check reads the whole file again, beside what the loader holds."""
    assert name(tried(loaders, "reads_all", 56 * MIB, limit)) == "ok"


def test_what_is_mapped_counts_as_address_space_alone(loaders: Lab) -> None:
    size = 4 * ROOM
    record = tried(loaders, "maps", size)
    assert name(record) == "ok"
    assert isinstance(record["limit"], dict)
    assert record["limit"]["held_bytes"] == pytest.approx(0, abs=2 * MIB), "the inputs are a file"
    assert name(tried(loaders, "maps", size, "address_space")) == "oom"


@no_group
def test_a_mapped_file_needs_no_memory_of_a_control_group(loaders: Lab) -> None:
    """Its pages can be taken back at any moment."""
    assert name(tried(loaders, "maps", 4 * ROOM, "cgroup")) == "ok"


def test_data_that_are_read_in_the_call_have_no_room_above_the_limit(loaders: Lab) -> None:
    record = tried(loaders, "reads_all", 66 * MIB)
    assert name(record) == "oom"
    assert isinstance(record["limit"], dict)
    assert record["limit"]["stage"] == "call"


def test_an_epoch_that_loses_data_has_not_survived(loaders: Lab) -> None:
    record = tried(loaders, "loses_one", MIB)
    assert name(record) == "wrong"
    assert isinstance(record["outcome"], dict)
    assert record["outcome"]["kind"] == "wrong data"


@pytest.mark.parametrize("limit", ["data", "address_space"])
def test_a_budget_below_what_python_needs_is_one_line(calls: Lab, limit: str) -> None:
    bound = LimitRequest(limit, 32 * MIB, 4096)
    outcome = calls.outcome("survives", kind="limit", observe="limit", size=4096, bound=bound)
    assert outcome.name == "skipped"
    assert outcome.reason.startswith("a budget of 32 MiB is less than the ")
    assert outcome.reason.endswith(" MiB that Python with NumPy and torch need before any data")


def test_a_trial_under_a_limit_leaves_the_host_without_one(calls: Lab) -> None:
    assert name(tried(calls, "needs_tensor_memory", 16 * MIB)) == "oom"
    assert calls.outcome("needs_tensor_memory", size=16 * MIB).ok


def orphaned() -> set[Path]:
    """Files of torch's in shared memory whose process is gone; others test at the same time."""
    files = Path("/dev/shm").glob("torch_*_*")
    return {file for file in files if not Path(f"/proc/{file.name.split('_')[1]}").exists()}


def test_shared_memory_that_could_not_be_mapped_is_not_left_behind(calls: Lab) -> None:
    """torch has made the file by then, and forgets it."""
    before = orphaned()
    size = 4 * MIB  # 32 MiB are had, but not twice
    record = tried(calls, "shares_eight_times", size, "address_space")
    assert isinstance(record["outcome"], dict)
    assert record["outcome"]["kind"] == "system memory"
    deadline = time.monotonic() + 5  # those of trials elsewhere go with them
    while orphaned() - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert orphaned() <= before


def test_the_page_tells_how_far_a_trial_came() -> None:
    page = LimitPage()
    page.clear()
    assert page.read() == {"stage": "", "base_bytes": 0, "held_bytes": None, "payload_bytes": 0}
    page.note("inputs", 7)
    page.note("call", 7)
    page.note_held(3, 4)
    assert page.read() == {"stage": "call", "base_bytes": 7, "held_bytes": 3, "payload_bytes": 4}
    page.clear()
    assert page.read()["held_bytes"] is None


# Control groups


@no_group
def test_the_group_of_a_trial_is_gone_when_it_has_ended(calls: Lab) -> None:
    parent = make_and_remove()
    bound = LimitRequest("cgroup", ROOM, 80 * MIB)
    report = calls.measure("survives", kind="limit", observe="limit", size=80 * MIB, bound=bound)
    assert report.kills > 0
    assert report.failure(30) == Outcome(
        "oom",
        "SIGKILL (killed by the kernel: its control group had no memory left)",
        "killed for memory",
    )
    assert report.noted["stage"] == "inputs"
    host = calls.host.ask(VersionsRequest())
    assert host["torch"], "the host itself was in no danger"
    assert not list(parent.glob(f"{cgroups.GROUP_PREFIX}*"))


def make_and_remove() -> Path:
    group = make_group()
    parent = group.folder.parent
    assert group.folder.exists()
    group.remove()
    assert not group.folder.exists()
    group.remove()  # of one that is gone already
    return parent


@no_group
def test_a_group_that_a_killed_run_left_is_removed_by_the_next() -> None:
    dead = os.fork()
    if dead == 0:
        os._exit(0)
    os.waitpid(dead, 0)
    left = make_and_remove() / f"{cgroups.GROUP_PREFIX}{dead}-0"
    left.mkdir()
    make_group().remove()
    assert not left.exists()


def fake_group(folder: Path, **files: str) -> ControlGroup:
    folder.mkdir(exist_ok=True)
    for file, text in files.items():
        (folder / file.replace("__", ".")).write_text(text)
    return ControlGroup(folder)


def test_both_versions_are_spoken(tmp_path: Path) -> None:
    first = fake_group(
        tmp_path / "v1",
        memory__usage_in_bytes="4096\n",
        memory__limit_in_bytes="",
        memory__memsw__limit_in_bytes="",
        memory__oom_control="oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
    )
    second = fake_group(
        tmp_path / "v2",
        memory__current="8192\n",
        memory__max="max\n",
        memory__swap__max="max\n",
        memory__events="low 0\noom 3\noom_kill 1\noom_group_kill 0\n",
    )
    assert (first.used_bytes(), second.used_bytes()) == (4096, 8192)
    assert (first.kills(), second.kills()) == (2, 1)
    for group in (first, second):
        group.enforce(1000)
    assert (tmp_path / "v1" / "memory.memsw.limit_in_bytes").read_text() == "1000"
    assert (tmp_path / "v2" / "memory.max").read_text() == "1000"
    assert (tmp_path / "v2" / "memory.swap.max").read_text() == "0", "swap is no memory"
    for group in (first, second):
        group.lift()
    assert (tmp_path / "v1" / "memory.limit_in_bytes").read_text() == "-1"
    assert (tmp_path / "v2" / "memory.max").read_text() == "max"


def test_a_kernel_without_swap_accounting_will_do(tmp_path: Path) -> None:
    group = fake_group(tmp_path / "g", memory__limit_in_bytes="", memory__usage_in_bytes="0")
    group.enforce(5)
    assert (tmp_path / "g" / "memory.limit_in_bytes").read_text() == "5"
    assert not (tmp_path / "g" / "memory.memsw.limit_in_bytes").exists()


PROC_CGROUP = """\
12:pids:/user.slice
4:memory:/jobs/one
0::/user.slice/app.scope
"""
PROC_MOUNTS = """\
30 29 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
33 30 0:29 / {v1} rw,relatime shared:9 - cgroup cgroup rw,memory
34 30 0:30 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
42 30 0:31 /user.slice {v2} rw,relatime - cgroup2 cgroup2 rw
"""


def test_places_for_groups_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below one's own group; in version 2 only where memory is handed down, or else beside it."""
    v1, v2, proc = (tmp_path / part for part in ("v1", "v2", "proc"))
    (v2 / "app.scope").mkdir(parents=True)
    proc.mkdir()
    (v2 / "cgroup.subtree_control").write_text("cpu memory pids\n")
    (v2 / "app.scope" / "cgroup.subtree_control").write_text("\n")
    (proc / "cgroup").write_text(PROC_CGROUP)
    (proc / "mountinfo").write_text(PROC_MOUNTS.format(v1=v1, v2=v2))
    monkeypatch.setattr(cgroups, "_PROC", proc)
    assert list(cgroups._parents()) == [v1 / "jobs/one", v2]
    (v2 / "app.scope" / "cgroup.subtree_control").write_text("memory\n")
    assert list(cgroups._parents()) == [v1 / "jobs/one", v2 / "app.scope", v2]


def test_where_no_group_can_be_made_the_reason_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        make_group([tmp_path / "missing"])
    with pytest.raises(OSError, match="no control group of this process has a memory controller"):
        make_group([])


def test_limits_have_names() -> None:
    assert why_not("data") == why_not("address_space") == ""
