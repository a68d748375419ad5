"""One trial end to end: what it finds out, in which order, and what it calls right."""

from __future__ import annotations

import errno
import os
from types import SimpleNamespace

import pytest

from harness.scenario.declaration import TINY_BYTES
from harness.schema.records import Effort, Outcome
from harness.trial.base.outcomes import failure
from tests.lab import Lab

SIZE = 8 * 1024**2
WORKER = "Caught MemoryError in DataLoader worker process 0.\nOriginal Traceback (most …):\n  "
DIED = "DataLoader worker (pid 7) is killed by signal:"


@pytest.mark.parametrize(
    ("strategy", "name", "reason"),
    [
        ("right", "ok", ""),
        ("shares", "ok", ""),
        ("other_values", "wrong", "other values"),
        ("no_array", "wrong", "AttributeError: 'NoneType' object has no attribute 'shape'"),
        ("shares_in_secret", "wrong", "the result shares the inputs' memory, but is declared not"),
        ("wants_setup", "ok", ""),
    ],
)
def test_results_are_judged(judged: Lab, strategy: str, name: str, reason: str) -> None:
    outcome = judged.outcome(strategy, kind="time", size=SIZE)
    assert outcome.name == name
    assert (outcome.kind == "wrong data") == (strategy in ("other_values", "no_array"))
    assert outcome.reason.startswith(reason)


def test_a_wrong_result_has_no_steady_state(judged: Lab) -> None:
    """A fast wrong answer is no time; what the first call did is still told."""
    record = judged.record("other_values", kind="time", size=SIZE)
    assert record["timing"]["samples_s"] == []
    assert "faults_steady" not in record
    assert record["timing"]["first_call_s"] > 0


def test_a_copy_is_known_by_its_memory_and_its_pointers(judged: Lab) -> None:
    record = judged.record("right", kind="memory", observe="peak", size=SIZE)
    ledger = record["ledger"]
    assert record["payload_bytes"] == record["result_bytes"] == SIZE
    assert record["shares_memory"] is False
    assert ledger["peak"]["anon_bytes"] == pytest.approx(SIZE, abs=SIZE // 100)
    assert ledger["retained"]["anon_bytes"] == pytest.approx(SIZE, abs=SIZE // 100)
    assert abs(ledger["left"]["anon_bytes"]) < SIZE // 100
    assert record["faults_first"]["minor"] > 0
    assert record["result"] == f"array float64 ({SIZE // 8},)"


def test_sharing_is_known_by_its_memory_and_its_pointers(judged: Lab) -> None:
    record = judged.record("shares", kind="memory", observe="peak", size=SIZE)
    assert record["shares_memory"] is True
    assert record["ledger"]["peak_extra_bytes"] < SIZE // 100
    assert record["ledger"]["retained"]["anon_bytes"] < SIZE // 100


def test_heap_that_was_free_before_still_counts_when_it_is_used(judged: Lab) -> None:
    """glibc keeps what is freed; a call that fills it again would seem to need no memory."""
    record = judged.record("fills_the_heap", observe="peak", size=4096)
    assert record["ledger"]["peak_extra_bytes"] > 7 * 1024**2


def test_inputs_that_a_strategy_changes_are_restored_before_each_call(judged: Lab) -> None:
    record = judged.record("spoils_its_input", kind="time", size=65536)
    assert record["outcome"]["name"] == "ok"
    assert len(record["timing"]["samples_s"]) > 1
    assert record["timing"]["calls_timed_apart"]


def test_a_result_is_checked_against_the_input_as_it_was(judged: Lab) -> None:
    """The strategy leaves its input full of -1, and its result is still right."""
    assert judged.outcome("spoils_its_input", size=65536).ok


def test_warnings_are_noted_once_and_in_one_line(judged: Lab) -> None:
    assert judged.record("warns", kind="time", size=65536)["warnings"] == ["mind the gap"]


def test_a_probe_is_called_once(judged: Lab) -> None:
    record = judged.record("warmed_with", kind="probe", size=SIZE)
    assert record["warnings"] == [f"[{SIZE}] {SIZE}"]


def test_the_warm_up_sees_tiny_inputs_and_is_told_so(judged: Lab) -> None:
    """A strategy that allocates by its ``size`` would otherwise do all its work beforehand."""
    record = judged.record("warmed_with", kind="memory", size=SIZE)
    assert record["warnings"] == [
        f"[{TINY_BYTES}] {TINY_BYTES}",
        f"[{TINY_BYTES}, {SIZE}] {SIZE}",
    ]


def test_the_effort_is_kept_to(judged: Lab) -> None:
    record = judged.record(
        "right", kind="time", effort=Effort(trials=1, steady_s=0.05, max_samples=7), size=65536
    )
    assert 2 <= len(record["timing"]["samples_s"]) <= 7
    assert record["threads"] == 1


NO_SPACE = "No space left on device (28)"


@pytest.mark.parametrize(
    ("error", "name", "kind"),
    [
        (MemoryError("no"), "oom", "Python memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "oom", "system memory"),
        (RuntimeError("Allocator: can't allocate memory: you tried"), "oom", "tensor memory"),
        (RuntimeError("Allocator: not enough memory: you tried"), "oom", "tensor memory"),
        (RuntimeError("can't allocate: Cannot allocate memory (12)"), "oom", "system memory"),
        (RuntimeError(f"{WORKER}MemoryError: Unable to allocate 8 B"), "oom", "array memory"),
        (RuntimeError(f"{WORKER}MemoryError"), "oom", "Python memory"),
        (OSError(errno.EMFILE, "Too many open files"), "error", "open files"),
        (RuntimeError("received 0 items of ancdata"), "error", "open files"),
        (OSError(errno.ENOSPC, "No space left on device"), "error", "disk full"),
        (OSError(errno.ENOSPC, "No space left", "/data/torch_a.pt"), "error", "disk full"),
        (OSError(errno.ENOSPC, "No space left", "/dev/shm/psm_a"), "error", "shared memory full"),
        (RuntimeError(f"write to file </torch_1_2>: {NO_SPACE}"), "error", "shared memory full"),
        (RuntimeError(f"shared memory (shm) for file: {NO_SPACE}"), "error", "shared memory full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "error", "disk full"),
        (OSError(errno.EFBIG, "File too large"), "error", "disk full"),
        (OSError(errno.EROFS, "Read-only file system"), "error", "read-only"),
        (PermissionError(errno.EACCES, "Permission denied"), "error", "read-only"),
        (RuntimeError(f"{DIED} Bus error. It is possible"), "error", "bus error"),
        (RuntimeError(f"{DIED} Killed."), "error", "killed"),
        (OSError(errno.ENOENT, "No such file"), "error", ""),
        (ValueError("a\n b"), "error", ""),
        (KeyboardInterrupt(), "error", ""),
    ],
)
def test_exceptions_have_outcomes(error: BaseException, name: str, kind: str) -> None:
    found = failure(error)
    assert (found.name, found.kind) == (name, kind)
    assert type(error).__name__ in found.reason or isinstance(error, OSError)
    assert "\n" not in found.reason


@pytest.mark.parametrize(("free", "kind"), [(0, "shared memory full"), (100, "disk full")])
def test_where_no_file_is_named_what_has_no_room_is_meant(
    monkeypatch: pytest.MonkeyPatch, free: int, kind: str
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_blocks=100, f_bavail=free))
    found = failure(OSError(errno.ENOSPC, "No space left on device"))
    assert found.kind == kind
    assert found.reason.startswith("/dev/shm is full" if not free else "the disk is full")
    assert failure(OSError(errno.EFBIG, "File too large")).kind == "disk full"


def test_a_worker_that_is_gone_is_told_by_what_killed_it() -> None:
    error = RuntimeError("DataLoader worker (pid(s) 7) exited unexpectedly")
    assert failure(error).kind == ""
    error.__cause__ = RuntimeError(f"{DIED} Aborted. ")
    assert failure(error).kind == "abort"
    assert "is killed by signal: Aborted" in failure(error).reason


def test_a_message_without_words_is_its_type() -> None:
    assert failure(MemoryError()).reason == "MemoryError"


def test_a_long_message_is_cut() -> None:
    found = failure(ValueError("x" * 10_000))
    assert found == Outcome("error", "ValueError: " + "x" * 287 + "…")
