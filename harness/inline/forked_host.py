"""A host forked from this process, which forks a fresh process for each trial.

It stands between this process and its trials, so that what they leave behind becomes its child
and not this process's, and so that one place kills it. This process gets a pipe and a child, and
has neither when the host is closed.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
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
from harness.host.host import GRACE_S, Report, line_of
from harness.schema.request import Observed, TaskRequest
from harness.trial.base import process
from harness.trial.base.children import forget_fork_server
from harness.trial.server import Server, serve
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
        request: TaskRequest,
        timeout_s: float,
        *,
        observe: Observed = "",
        file: str = "",
    ) -> Report:
        """Run one task in a fresh process; whatever happens there comes back as a Report.

        A host that gives no answer is replaced by a new one: what it may still say would be taken
        for the answer to the next question.

        Args:
            request: the task, and what it is given.
            timeout_s: how long it may take.
            observe: what to read of it from outside.
            file: where to look for the line that failed.
        """
        start = time.perf_counter()
        try:
            os.write(self._ask, line_of(request, timeout_s, observe))
            line = self._read_line(timeout_s + GRACE_S)
        except BrokenPipeError:
            line = b""
        wall_s = time.perf_counter() - start
        if not line:
            self._end()
            self._start()
            return Report(host_died=True, wall_s=wall_s)
        return Report.of(line, wall_s, file)

    def _read_line(self, timeout_s: float) -> bytes:
        """The one line that answers; nothing where it has not come whole by then."""
        deadline = time.monotonic() + timeout_s
        data = b""
        while not data.endswith(b"\n"):
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self._answers], [], [], left)[0]:
                return b""
            piece = os.read(self._answers, 1 << 20)
            if not piece:
                return b""
            data += piece
        return data

    def close(self) -> None:
        """End the host and everything it started."""
        if not self._open:
            return
        self._open = False
        try:
            self._end()
        finally:
            _ONE_AT_A_TIME.release()

    def _end(self) -> None:
        for end in (self._ask, self._answers):
            if end >= 0:
                os.close(end)
        self._ask = self._answers = -1
        if self._pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGTERM)
            _wait_for(self._pid)
        self._pid = 0


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
        with os.fdopen(asked) as requests, os.fdopen(answered, "wb") as answers:
            server = Server("fork", tasks, (asked, answered), sees_deadlocks=True)
            serve(server, requests, answers)
    finally:
        os._exit(0)  # whatever happened: this copy must not go on as if it were the other


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
