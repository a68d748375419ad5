"""A host forked from this process, which forks a fresh process for each trial.

It stands between this process and its trials, so that what they leave behind becomes its child
and not this process's, and so that one place kills it. This process gets a pipe and a child, and
has neither when the host is closed.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import json
import os
import select
import signal
import threading
import time
import warnings
from collections.abc import Mapping
from typing import Any

from harness.errors import UnableError
from harness.host.closing import Closing
from harness.host.host import GRACE_S, Observed, Report
from harness.trial.base import process
from harness.trial.base.children import forget_fork_server
from harness.trial.server import Server
from harness.trial.tasks import Task

_PATIENCE_S = 5.0
_ONE_AT_A_TIME = threading.Lock()
"""Measurements at once would disturb each other, and inherit each other's pipes."""


class ForkedHost(Closing):
    """The host as the process sees it that forked it. Use it as a context manager.

    Args:
        tasks: what it can be asked for; they find this process's memory as it is now.
    """

    def __init__(self, tasks: Mapping[str, Task]) -> None:
        self._tasks = tasks
        self._pid = 0
        self._unread = b""
        self._ask = self._answers = -1
        self._open = True
        _ONE_AT_A_TIME.acquire()
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        asked, self._ask = os.pipe()
        self._answers, answered = os.pipe()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Python and JAX warn where there are threads
                self._pid = os.fork()
            if self._pid == 0:
                _become_host(self._tasks, asked, answered, (self._ask, self._answers))
        except OSError as error:
            raise UnableError(f"this process cannot be forked: {error.strerror}") from error
        finally:
            os.close(asked)
            os.close(answered)

    def call(
        self,
        task: str,
        request: Mapping[str, Any],
        timeout_s: float,
        *,
        observe: Observed = "",
        file: str = "",
    ) -> Report:
        """Run one task in a fresh process; whatever happens there comes back as a Report.

        Args:
            task: by its name.
            request: what the task is given.
            timeout_s: how long it may take.
            observe: what to read of it from outside.
            file: where to look for the line that failed.
        """
        message = {"task": task, "request": request, "timeout_s": timeout_s, "observe": observe}
        start = time.perf_counter()
        try:
            os.write(self._ask, json.dumps(message).encode() + b"\n")
            line = self._read_line(timeout_s + GRACE_S)
        except BrokenPipeError:
            line = b""
        wall_s = time.perf_counter() - start
        if not line:
            return Report(None, host_died=True, wall_s=wall_s)
        return Report.of(json.loads(line), wall_s, file)

    def _read_line(self, timeout_s: float) -> bytes:
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._unread:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self._answers], [], [], left)[0]:
                return b""
            piece = os.read(self._answers, 1 << 20)
            if not piece:
                return b""
            self._unread += piece
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def close(self) -> None:
        """End the host and everything it started."""
        if not self._open:
            return
        self._open = False
        for end in (self._ask, self._answers):
            if end >= 0:
                os.close(end)
        if self._pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGTERM)
            _wait_for(self._pid)
        _ONE_AT_A_TIME.release()


def _wait_for(pid: int) -> None:
    """Collect a child; one that does not end is killed."""
    deadline = time.monotonic() + _PATIENCE_S
    with contextlib.suppress(ChildProcessError):  # where SIGCHLD is ignored, nothing is to collect
        while not os.waitpid(pid, os.WNOHANG)[0]:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.0005)


def _become_host(tasks: Mapping[str, Task], asked: int, answered: int, not_ours: Any) -> None:
    """In the forked process: serve until nobody asks any more. Never returns."""
    global _ONE_AT_A_TIME
    try:
        _ONE_AT_A_TIME = threading.Lock()
        gc.freeze()  # what was garbage in the other process is not this one's to finalise
        process.die_with_parent()
        os.setsid()  # Ctrl-C reaches the other process alone
        process.adopt_orphans()
        forget_fork_server()
        _forget_signals()
        for end in not_ours:
            os.close(end)
        asked, answered = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 3) for end in (asked, answered))
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nothing, stream)
        process.release_free_memory()
        _serve(Server("fork", tasks), asked, answered)
    finally:
        os._exit(0)  # whatever happened: this copy must not go on as if it were the other


def _serve(server: Server, asked: int, answered: int) -> None:
    with os.fdopen(asked) as requests, os.fdopen(answered, "w") as answers:
        for line in requests:
            try:
                said = server.handle(json.loads(line))
            except OSError as error:  # no more processes, or no room for what they write
                said = {"error": str(error), "type": type(error).__name__}
            print(json.dumps(said), file=answers, flush=True)
    process.kill_tree()


def _forget_signals() -> None:
    """Handlers, and where signals are announced, are the other process's."""
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)) or number == signal.SIGCHLD:
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)


def _stop(number: int, frame: object) -> None:
    process.kill_tree()
    os._exit(0)
