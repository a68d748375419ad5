"""Whether a process is stuck for ever, as opposed to one that waits for something."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.trial.base.deadlock import CERTAIN_S, DeadlockWatch

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/syscall").exists(), reason="needs /proc/self/syscall"
)


def waits_for_ever() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def waits_for_a_while() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire(timeout=60)


def sleeps() -> None:
    time.sleep(60)


def reads() -> None:
    select.select([os.pipe()[0]], [], [])


def is_woken_by_a_thread() -> None:
    lock = threading.Lock()
    lock.acquire()
    threading.Timer(60, lock.release).start()
    lock.acquire()


def is_woken_by_an_alarm() -> None:
    signal.signal(signal.SIGALRM, lambda number, frame: os._exit(0))
    signal.alarm(60)
    waits_for_ever()


@contextmanager
def process_of(function: Callable[[], None]) -> Iterator[int]:
    ready, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(told, b"x")
        function()
        os._exit(0)
    try:
        os.read(ready, 1)
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(ready)
        os.close(told)


def state_of(pid: int) -> str:
    """One letter, as ps shows it: S for a process that waits."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_lock_that_nobody_can_free_is_seen_after_a_while() -> None:
    with process_of(waits_for_ever) as pid:
        deadline = time.monotonic() + 60
        while not DeadlockWatch(pid)._endless_wait() and time.monotonic() < deadline:
            time.sleep(0.01)
        watch = DeadlockWatch(pid, iter([0.0, 0.0, 1.0, CERTAIN_S, CERTAIN_S]).__next__)
        assert [watch.is_stuck() for _ in range(3)] == [False, False, True]
        assert watch.is_certain


@pytest.mark.parametrize(
    "function",
    [waits_for_a_while, sleeps, reads, is_woken_by_a_thread, is_woken_by_an_alarm],
)
def test_a_wait_that_may_end_is_none(function: Callable[[], None]) -> None:
    with process_of(function) as pid:
        deadline = time.monotonic() + 60
        while state_of(pid) != "S" and time.monotonic() < deadline:
            time.sleep(0.01)
        assert DeadlockWatch(pid)._endless_wait() == ""


def test_a_process_that_has_ended_is_not_stuck() -> None:
    assert DeadlockWatch(2**22 + 1).is_stuck() is False
