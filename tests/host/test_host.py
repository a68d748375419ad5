"""What becomes of trials that end badly: each is named, survived, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import psutil
import pytest
import torch
from torch.torch_version import TorchVersion

from harness.errors import UnableError, UsageError
from harness.host.host import GRACE_S, Host
from harness.schema.records import HostSpec
from harness.schema.request import DescribeRequest, VersionsRequest
from tests.lab import MISBEHAVING, Lab

pytestmark = pytest.mark.new_hosts


def wait_for(file: Path, timeout_s: float = 10.0) -> list[int]:
    """The process ids a strategy noted."""
    deadline = time.monotonic() + timeout_s
    while not file.exists():
        assert time.monotonic() < deadline, f"{file} was never written"
        time.sleep(0.01)
    return [int(word) for word in file.read_text().split()]


def is_gone(pid: int, timeout_s: float = 5.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while psutil.pid_exists(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


# Outcomes


@pytest.mark.parametrize(
    ("strategy", "name", "kind", "reason"),
    [
        ("aborts", "crash", "abort", "SIGABRT (aborted)"),
        ("reads_address_zero", "crash", "segmentation fault", "SIGSEGV (segmentation fault)"),
        ("reads_beyond_the_file", "crash", "bus error", "SIGBUS (bus error: a mapped file or"),
        ("leaves_at_once", "crash", "", "exited with status 3 before it answered: so long"),
        ("leaves_politely", "error", "", "SystemExit: had enough"),
        ("is_interrupted", "error", "", "KeyboardInterrupt"),
        ("raises", "error", "", "ValueError: two lines"),
        ("numpy_out_of_memory", "oom", "array memory", "Unable to allocate 64.0 GiB"),
        ("torch_out_of_memory", "oom", "tensor memory", "can't allocate memory"),
        ("mmap_out_of_memory", "oom", "system memory", "Cannot allocate memory"),
        ("behaves", "ok", "", ""),
    ],
)
def test_every_end_has_its_outcome(
    misbehaving: Lab, strategy: str, name: str, kind: str, reason: str
) -> None:
    outcome = misbehaving.outcome(strategy)
    assert (outcome.name, outcome.kind) == (name, kind)
    assert reason in outcome.reason
    # Every one of them ended in a line of its own but the one that left without a word.
    assert bool(outcome.where) == (strategy not in ("behaves", "leaves_at_once"))
    assert "\n" not in outcome.reason
    assert bool(outcome.reason) == (name != "ok")


@pytest.mark.skipif(
    torch.__version__ >= TorchVersion("2.14"), reason="this torch raises where others abort"
)
def test_the_abort_of_torch_is_told_with_torchs_own_words(misbehaving: Lab) -> None:
    outcome = misbehaving.outcome("aborts_in_torch")
    assert outcome.name == "crash"
    assert outcome.reason.startswith("SIGABRT (aborted): ")
    assert "strides=[-1]" in outcome.reason
    assert outcome.where.endswith(": return torch.utils.dlpack.from_dlpack(array[::-1])")


def test_a_trial_killed_from_outside_is_a_crash(misbehaving: Lab, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    killer = threading.Thread(target=lambda: os.kill(wait_for(note)[0], signal.SIGKILL))
    killer.start()
    outcome = misbehaving.outcome("waits_to_be_killed", note=str(note))
    killer.join()
    assert outcome.name == "crash"
    assert outcome.reason.startswith("SIGKILL (killed from outside")
    assert outcome.kind == "killed"


def test_a_hang_times_out_and_its_whole_family_is_gone(misbehaving: Lab, tmp_path: Path) -> None:
    note = tmp_path / "pids"
    limit_s = 5.0  # time enough to start them
    report = misbehaving.measure("hangs_with_family", note=str(note), timeout_s=limit_s)
    assert report.timed_out
    failure = report.failure(limit_s)
    assert (failure.name, failure.kind) == ("timeout", "hang")
    assert failure.where.endswith(": time.sleep(600)")
    assert failure.reason == "no answer within 5 s"
    assert report.wall_s < limit_s + GRACE_S
    trial, child, orphan = wait_for(note)
    assert is_gone(trial)
    assert is_gone(child)
    assert is_gone(orphan)
    assert report.reaped == 2, "the child and the orphan; the trial itself is not left behind"


def test_what_a_trial_leaves_behind_is_killed_and_counted(misbehaving: Lab, tmp_path: Path) -> None:
    note = tmp_path / "pids"
    report = misbehaving.measure("leaves_family", note=str(note))
    assert report.answer is not None
    assert report.answer["outcome"]["name"] == "ok"
    assert report.reaped == 2
    assert all(is_gone(pid) for pid in wait_for(note))
    assert misbehaving.measure("behaves").reaped == 0


@pytest.mark.parametrize("strategy", ["leaves_shared_memory", "hangs_with_shared_memory"])
def test_shared_memory_that_a_trial_forgot_is_removed(
    misbehaving: Lab, tmp_path: Path, strategy: str
) -> None:
    """By multiprocessing's own resource tracker, which is given the time to."""
    note = tmp_path / "name"
    limit_s = 3 if strategy == "hangs_with_shared_memory" else 60
    report = misbehaving.measure(strategy, note=str(note), timeout_s=limit_s)
    assert report.timed_out == (strategy == "hangs_with_shared_memory")
    with pytest.raises(FileNotFoundError):
        SharedMemory(note.read_text())
    assert report.reaped == 0, "the tracker has ended by itself"


def test_what_a_strategy_prints_does_not_reach_the_answers(misbehaving: Lab) -> None:
    report = misbehaving.measure("prints")
    assert report.answer is not None
    assert report.answer["outcome"]["name"] == "ok"
    assert report.stderr.count("answer") == 2
    assert misbehaving.outcome("behaves").ok, "the next answer belongs to the next task"


def test_an_observed_trial_that_dies_does_not_hang(misbehaving: Lab) -> None:
    report = misbehaving.measure("aborts", observe="peak", timeout_s=60)
    assert not report.timed_out
    assert report.failure(60).reason.startswith("SIGABRT")
    assert report.reaped == 0, "the observer is ours, not something left behind"


# The host itself


@pytest.fixture(scope="module")
def marked() -> Iterator[Host]:
    """A host with an environment variable of its own, which tests may kill."""
    with Host(HostSpec("marked", env={"FERRYBENCH_TEST": "reached"}), [MISBEHAVING]) as started:
        started.preload_scenarios()
        yield started


@pytest.fixture
def marked_lab(marked: Host, scratch: Path) -> Lab:
    return Lab(marked, scratch, MISBEHAVING, "misbehaving")


def test_environment_variables_reach_their_host_and_no_other(
    marked_lab: Lab, misbehaving: Lab
) -> None:
    assert marked_lab.outcome("shows_environment").reason == "RuntimeError: reached"
    assert misbehaving.outcome("shows_environment").reason == "RuntimeError: not set"


def test_a_host_that_is_killed_starts_again_as_it_was(marked_lab: Lab, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    outcome = marked_lab.outcome("kills_its_host", note=str(note))
    assert outcome.name == "crash"
    assert outcome.reason == "the host process was killed while this trial ran"
    assert is_gone(wait_for(note)[0]), "the trial ends with its host"
    assert marked_lab.outcome("behaves").ok
    assert marked_lab.outcome("shows_environment").reason == "RuntimeError: reached"


def test_a_host_that_was_killed_between_trials_starts_again(marked_lab: Lab) -> None:
    assert marked_lab.host._process is not None
    os.kill(marked_lab.host._process.pid, signal.SIGKILL)
    assert marked_lab.outcome("behaves").name == "crash"
    assert marked_lab.outcome("behaves").ok


def test_closing_a_host_leaves_no_process(scratch: Path) -> None:
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    with Host(HostSpec()) as host:
        inside = {process.pid for process in psutil.Process().children(recursive=True)} - before
        assert len(inside) == 1
        assert host.ask(VersionsRequest())["torch"]
    assert all(is_gone(pid) for pid in inside)


def test_an_interpreter_that_does_not_exist_is_one_line() -> None:
    with pytest.raises(UnableError) as caught, Host(HostSpec("other", python="/no/such/python")):
        pass
    assert str(caught.value) == (
        "host other: /no/such/python does not start: No such file or directory"
    )


def test_an_interpreter_without_torch_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\")")
    spec = HostSpec("bare", env={"PYTHONPATH": str(tmp_path)})
    expected = r"cannot be used: No module named .torch.$"
    with pytest.raises(UnableError, match=expected) as caught, Host(spec):
        pass
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("torch", "expected"),
    [
        ("import os; os._exit(3)", "exited with status 3 before it answered$"),
        ("import sys; sys.exit('no such driver')", "status 1 before it answered: no such driver$"),
        ("import os; os.kill(os.getpid(), 4)", r"SIGILL \("),  # a build for other processors
        ("import os; os.kill(os.getpid(), 9)", r"SIGKILL \("),
        ("import time; time.sleep(60)", "has not imported what it needs within 0.5 s$"),
    ],
)
def test_an_interpreter_that_says_nothing_has_a_reason_all_the_same(
    torch: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.py").write_text(torch)
    if "sleep" in torch:
        for name in ("START_TIMEOUT_S", "GRACE_S", "END_S"):
            monkeypatch.setattr(f"harness.host.host.{name}", 0.5)
    spec = HostSpec("mute", env={"PYTHONPATH": str(tmp_path)})
    with pytest.raises(UnableError, match=f"cannot be used: .*{expected}") as caught, Host(spec):
        pass
    assert "\n" not in str(caught.value)


def test_an_unusable_scenario_is_the_users_error(host: Host, tmp_path: Path) -> None:
    (tmp_path / "empty.py").write_text("x = 1\n")
    with pytest.raises(UsageError, match=r"empty.py: declares no Scenario$"):
        host.ask(DescribeRequest((str(tmp_path / "empty.py"),)))


def test_a_task_that_dies_is_told_in_one_line(host: Host, tmp_path: Path) -> None:
    (tmp_path / "deadly.py").write_text("import os\nos.abort()\n")
    with pytest.raises(UnableError, match="describe: SIGABRT"):
        host.ask(DescribeRequest((str(tmp_path / "deadly.py"),)))


def test_without_fork_records_are_the_same(judged: Lab, scratch: Path) -> None:
    forked = judged.record("right", kind="time", size=65536)
    with Host(HostSpec(), method="spawn") as host:
        spawning = Lab(host, scratch, MISBEHAVING, "judged")
        spawned = spawning.record("right", kind="time", size=65536)
        assert Lab(host, scratch, MISBEHAVING, "misbehaving").outcome("aborts").reason == (
            "SIGABRT (aborted)"
        )
    assert spawned.keys() == forked.keys()
    for part in ("timing", "ledger", "faults_first", "faults_steady"):
        assert spawned[part].keys() == forked[part].keys()
    same = ("outcome", "payload_bytes", "result_bytes", "result", "shares_memory", "threads")
    assert {name: spawned[name] for name in same} == {name: forked[name] for name in same}
