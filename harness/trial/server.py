"""The host process: one request a line on stdin, one answer a line on stdout, each task in a
process of its own.

With fork, a task starts from this process, in which torch is already imported and nothing else
has happened: no parallel region, no accelerator. Without it, each task is a new interpreter.
Whatever a task leaves running is killed before its answer is given.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from harness.schema.messages import Message, TaskReport
from harness.schema.records import MISSED
from harness.schema.request import PreloadRequest
from harness.schema.strict import from_fields, set_fields
from harness.trial.base import process, source_line
from harness.trial.base.deadlock import DeadlockWatch
from harness.trial.base.short_tables import shorten_tables
from harness.trial.limit.cgroups import make_group
from harness.trial.limit.memory_limit import LimitPage
from harness.trial.meters.peak_watch import WatchPage
from harness.trial.meters.process_tree import TreePage
from harness.trial.profiling.lines_page import LinesPage
from harness.trial.tasks import TASKS, Page, Provided, Task

STDERR_TAIL_BYTES = 16_384  # a C++ backtrace is long, and what went wrong stands above it
OBSERVED_TRIES = 10
"""Fresh processes for one observed task, of which the first whose peak was seen counts."""
RETRY_PAUSE_S = 0.03  # what kept the observer from its processor may pass
TURN_S = 2.0
"""For another observer of this machine to end; after that, one watches as well as it can."""
ASK_PATIENCE_S = 0.5  # for the stacks of a task that hangs
PIECE_BYTES = 1 << 16
"""To read at once. A larger block, when it is freed, raises the size from which glibc's malloc maps
blocks by themselves, here and in every trial: what those drop would seem to be kept."""


def _report_of(task: Task, fields: Mapping[str, Any], provided: Provided) -> TaskReport:
    try:
        return TaskReport(task.answer(fields, provided))
    except Exception as error:  # noqa: BLE001 — told to the runner, in one line
        return _failed(error)


def _failed(error: Exception) -> TaskReport:
    return TaskReport(error=" ".join(str(error).split()), error_type=type(error).__name__)


def _line(report: TaskReport) -> bytes:
    return json.dumps(set_fields(report)).encode() + b"\n"


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def _run_child(
    task: Task, fields: Mapping[str, Any], provided: Provided, out: int, err: int
) -> None:
    """In the forked child: never returns."""
    try:
        process.die_with_parent()
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the runner decides when to stop
        os.dup2(err, 1)
        os.dup2(err, 2)
        _prepare_for_death()
        report = _report_of(task, fields, provided)
        sys.stdout.flush()
        sys.stderr.flush()
        _write_all(out, _line(report))
    finally:
        os._exit(0)  # whatever happened: this copy of the server must not go on serving


def _prepare_for_death() -> None:
    """Say where, and leave no image of what may be gigabytes."""
    source_line.say_where_on_death(2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _never() -> bool:
    return False


class _Pipe:
    """Collects what a task writes until it has ended or its time is over."""

    def __init__(self, read_end: int) -> None:
        self.fd = read_end
        self.data = b""

    def collect(
        self,
        ended: Callable[[], bool],
        deadline: float,
        stuck: Callable[[], bool] = _never,
    ) -> bool:
        """Read until a whole line has come or ``ended()``; False when the deadline passes, or it
        is ``stuck()``.

        A task may answer and end between a look at its pipe and the question whether it has ended:
        once it has, :meth:`drain` finds the rest.
        """
        while not self.data.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            ready, _, _ = select.select([self.fd], [], [], min(left, 0.05))
            if ready:
                piece = os.read(self.fd, PIECE_BYTES)
                if not piece:
                    return True
                self.data += piece
            elif ended():
                return True
            elif stuck():
                return False
        return True

    def drain(self) -> None:
        """Read what is left of a task that has ended: all that it wrote is there by now."""
        while select.select([self.fd], [], [], 0)[0] and (piece := os.read(self.fd, PIECE_BYTES)):
            self.data += piece


class Server:
    """Does each task that it is asked for in a process of its own.

    Args:
        method: fork or spawn.
        tasks: what it can be asked for, by name; with spawn, those of the harness alone.
        pipes: in which it is asked, and answers. They are no task's to read, write or hold open.
        sees_deadlocks: do not wait for a task that waits for a lock which a fork left locked.
    """

    def __init__(
        self,
        method: str,
        tasks: Mapping[str, Task] = TASKS,
        pipes: Sequence[int] = (),
        *,
        sees_deadlocks: bool = False,
    ) -> None:
        self.method = method
        self.sees_deadlocks = sees_deadlocks
        self.tasks = tasks
        self.pipes = pipes
        watches = sys.platform.startswith("linux") and method == "fork"
        self.pages: dict[str, Page] = {}
        if watches:
            self.pages = {
                "peak": WatchPage(),
                "tree": TreePage(),
                "limit": LimitPage(),
                "lines": LinesPage(),
            }

    def handle(self, line: str) -> bytes:
        """Do what a line asks for, and report what became of it in another."""
        message = from_fields(Message, json.loads(line))
        try:
            report = self._do(message)
        except OSError as error:  # no more processes, or no room for what they write
            report = _failed(error)
        return _line(report)

    def _do(self, message: Message) -> TaskReport:
        """Do one thing in a fresh process; where it can be missed, as often as it takes."""
        if message.task == PreloadRequest.task:
            return self._preload(from_fields(PreloadRequest, message.request))
        with tempfile.TemporaryFile() as stderr:
            start = time.perf_counter()
            deadline = start + message.timeout_s
            for attempt in range(OBSERVED_TRIES):
                time.sleep(RETRY_PAUSE_S if attempt else 0)
                began = time.perf_counter()
                report = self._run_grouped(message, stderr.fileno())
                ended = time.perf_counter()
                if not _missed_peak(report) or ended + 2 * (ended - began) > deadline:
                    break
            wall_s = time.perf_counter() - start
            return replace(report, wall_s=wall_s, stderr=_tail(stderr.fileno()))

    def _preload(self, request: PreloadRequest) -> TaskReport:
        """Import what every trial needs here, once, so that forked trials find it ready."""
        try:
            for name in request.modules:
                importlib.import_module(name)
            if request.paths:
                work = importlib.import_module("harness.trial.base.request")
                for path in request.paths:
                    work.scenarios_in(path)
        except Exception as error:  # noqa: BLE001 — told to the runner, in one line
            return _failed(error)
        # Objects alive now are left out of every collection, which would copy their pages.
        gc.collect()
        gc.freeze()
        process.release_free_memory()
        if request.many_trials:
            shorten_tables()
        return TaskReport({"pid": os.getpid(), "method": self.method})

    def _run_grouped(self, message: Message, stderr: int) -> TaskReport:
        """Run a task, in a control group of its own where it is to have one."""
        if not message.grouped:
            return self._run(message, stderr)
        try:
            group = make_group()
        except OSError as error:
            return replace(_failed(error), error=f"no control group: {error}")
        try:
            report = self._run(replace(message, group=str(group.folder)), stderr)
            return replace(report, kills=group.kills())
        finally:
            group.remove()

    def _run(self, message: Message, stderr: int) -> TaskReport:
        page = self.pages.get(message.observe)
        if page is not None:
            page.clear()
        read_end, write_end = os.pipe()
        started_s = time.time()
        start = self._fork if self.method == "fork" else _spawn
        helpers = {pid := start(message, page, read_end, write_end, stderr)}
        os.close(write_end)
        if isinstance(page, WatchPage | TreePage | LinesPage):
            helpers.add(self._observer(page, pid))
        status: list[int] = []

        def ended() -> bool:
            if not status:
                found, value = os.waitpid(pid, os.WNOHANG)
                if found:
                    status.append(value)
            return bool(status)

        deadline = time.monotonic() + message.timeout_s
        pipe = _Pipe(read_end)
        watch = DeadlockWatch(pid)
        in_time = pipe.collect(ended, deadline, watch.is_stuck if self.sees_deadlocks else _never)
        while in_time and not ended() and time.monotonic() < deadline:
            time.sleep(0.0002)
        finished = ended()
        if finished:
            pipe.drain()
        os.close(read_end)
        if not finished:
            _ask_where(pid, stderr)
        process.settle(helpers)
        left_behind = process.kill_tree(pid) - helpers
        process.remove_shared_memory(pid, started_s)
        report = _verdict(pipe.data, os.waitstatus_to_exitcode(status[0]) if finished else None)
        noted = page.read() if isinstance(page, LimitPage | LinesPage) else {}
        return replace(report, reaped=len(left_behind), noted=noted, deadlocked=watch.is_certain)

    def _fork(
        self,
        message: Message,
        page: Page | None,
        read_end: int,
        write_end: int,
        stderr: int,
    ) -> int:
        task, provided = self.tasks[message.task], Provided(page, message.group)
        pid = os.fork()
        if pid == 0:
            os.close(read_end)
            self._forget_pipes()
            _run_child(task, message.request, provided, write_end, stderr)
        return pid

    def _observer(self, page: WatchPage | TreePage | LinesPage, pid: int) -> int:
        observer = os.fork()
        if observer == 0:
            try:
                process.die_with_parent()
                self._forget_pipes()
                if isinstance(page, WatchPage | LinesPage):
                    page.observe(pid, lambda: process.run_before_others(TURN_S))
                else:
                    page.observe(pid)
            finally:
                os._exit(0)  # whatever happened: this copy of the server must not go on serving
        return observer

    def _forget_pipes(self) -> None:
        """In a forked process: put nothing in their place, so that no other file takes it."""
        nothing = os.open(os.devnull, os.O_RDWR)
        for end in self.pipes:
            os.dup2(nothing, end, inheritable=False)
        os.close(nothing)


def _spawn(message: Message, page: Page | None, read_end: int, write_end: int, stderr: int) -> int:
    bootstrap = Path(__file__).with_name("bootstrap.py")
    with tempfile.TemporaryFile() as request:
        request.write(json.dumps(asdict(message)).encode())
        request.seek(0)
        child = subprocess.Popen(
            [sys.executable, str(bootstrap), "once", str(write_end)],
            stdin=request,
            stdout=stderr,
            stderr=stderr,
            pass_fds=(write_end,),
            start_new_session=True,
        )
    child.returncode = 0  # waited for by its number, like a forked child
    return child.pid


def _ask_where(pid: int, stderr: int) -> None:
    """Have a task that hangs print its stacks, if it still can."""
    if source_line.ASK is None:
        return
    before = os.lseek(stderr, 0, os.SEEK_END)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, source_line.ASK)
    deadline = time.monotonic() + ASK_PATIENCE_S
    size = before
    while time.monotonic() < deadline:
        time.sleep(0.02)
        size, last = os.lseek(stderr, 0, os.SEEK_END), size
        if size == last > before:
            return


def _verdict(data: bytes, status: int | None) -> TaskReport:
    if status is None:
        return TaskReport(timed_out=True)
    if data.endswith(b"\n"):
        return from_fields(TaskReport, json.loads(data.splitlines()[-1]))
    return TaskReport(exit_status=status)


def _missed_peak(report: TaskReport) -> bool:
    """Whether the task's observer was not given a processor when it mattered."""
    if report.answer is None:
        return False
    ledger = report.answer.get("ledger")
    lines_missed = bool(report.noted.get("missed"))
    return lines_missed or (ledger is not None and ledger["split_source"] == MISSED)


def _tail(fd: int) -> str:
    size = os.lseek(fd, 0, os.SEEK_END)
    return os.pread(fd, STDERR_TAIL_BYTES, max(0, size - STDERR_TAIL_BYTES)).decode(
        errors="replace"
    )


def _serve(method: str) -> None:
    process.die_with_parent()
    process.adopt_orphans()
    # What scenario code prints must not land among the answers.
    answers = os.fdopen(os.dup(1), "wb")
    requests = os.fdopen(os.dup(0))
    os.dup2(2, 1)
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)

    def stop(number: int, frame: object) -> None:
        process.kill_tree()
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    serve(Server(method, pipes=(requests.fileno(), answers.fileno())), requests, answers)


def serve(server: Server, requests: TextIO, answers: BinaryIO) -> None:
    """Answer line by line, until nobody asks any more."""
    for line in requests:
        answers.write(server.handle(line))
        answers.flush()
    process.kill_tree()


def _once(write_end: int) -> None:
    """One task in this very interpreter: how trials run where there is no fork."""
    process.die_with_parent()
    _prepare_for_death()
    message = from_fields(Message, json.loads(sys.stdin.read()))
    provided = Provided(group=message.group)
    _write_all(write_end, _line(_report_of(TASKS[message.task], message.request, provided)))


def main(arguments: list[str]) -> None:
    """Entry point of ``bootstrap.py``: ``server fork``, ``server spawn`` or ``once FD``."""
    if arguments[0] == "once":
        _once(int(arguments[1]))
    else:
        _serve(arguments[1])
