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
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.schema.records import MISSED
from harness.trial.base import process, source_line
from harness.trial.limit.cgroups import make_group
from harness.trial.limit.memory_limit import LimitPage
from harness.trial.meters.peak_watch import WatchPage
from harness.trial.meters.process_tree import TreePage
from harness.trial.tasks import TASKS, Page, Task

STDERR_TAIL_BYTES = 16_384  # a C++ backtrace is long, and what went wrong stands above it
OBSERVED_TRIES = 10
"""Fresh processes for one observed task, of which the first whose peak was seen counts."""
RETRY_PAUSE_S = 0.03  # what kept the observer from its processor may pass
ASK_PATIENCE_S = 0.5  # for the stacks of a task that hangs


def _answer_of(task: Task, request: dict[str, Any], page: Page | None) -> dict[str, Any]:
    try:
        return {"answer": task(request, page)}
    except Exception as error:  # noqa: BLE001 — told to the runner, in one line
        return {"error": " ".join(str(error).split()), "type": type(error).__name__}


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def _run_child(task: Task, request: dict[str, Any], page: Page | None, out: int, err: int) -> None:
    """In the forked child: never returns."""
    try:
        process.die_with_parent()
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the runner decides when to stop
        os.dup2(err, 1)
        os.dup2(err, 2)
        _prepare_for_death()
        answer = _answer_of(task, request, page)
        sys.stdout.flush()
        sys.stderr.flush()
        _write_all(out, json.dumps(answer).encode() + b"\n")
    finally:
        os._exit(0)  # whatever happened: this copy of the server must not go on serving


def _prepare_for_death() -> None:
    """Say where, and leave no image of what may be gigabytes."""
    source_line.say_where_on_death(2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


class _Pipe:
    """Collects what a task writes until it has ended or its time is over."""

    def __init__(self, read_end: int) -> None:
        self.fd = read_end
        self.data = b""

    def collect(self, ended: Callable[[], bool], deadline: float) -> bool:
        """Read until a whole line has come or ``ended()``; False when the deadline passes.

        A task may answer and end between a look at its pipe and the question whether it has ended:
        once it has, :meth:`drain` finds the rest.
        """
        while not self.data.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            ready, _, _ = select.select([self.fd], [], [], min(left, 0.05))
            if ready:
                piece = os.read(self.fd, 1 << 20)
                if not piece:
                    return True
                self.data += piece
            elif ended():
                return True
        return True

    def drain(self) -> None:
        """Read what is left of a task that has ended: all that it wrote is there by now."""
        while select.select([self.fd], [], [], 0)[0] and (piece := os.read(self.fd, 1 << 20)):
            self.data += piece


class Server:
    """Does each task that it is asked for in a process of its own.

    Args:
        method: fork or spawn.
        tasks: what it can be asked for, by name; with spawn, these alone.
    """

    def __init__(self, method: str, tasks: Mapping[str, Task] = TASKS) -> None:
        self.method = method
        self.tasks = tasks
        watches = sys.platform.startswith("linux") and method == "fork"
        self.pages: dict[str, Page] = {}
        if watches:
            self.pages = {"peak": WatchPage(), "tree": TreePage(), "limit": LimitPage()}

    def handle(self, message: dict[str, Any]) -> dict[str, Any]:
        """Do one thing in a fresh process and report what became of it.

        Returns a dict with ``answer`` or ``error`` from the task itself, or else ``exit`` (its
        status: negative for a signal), ``timeout``; always ``stderr``, ``reaped``, ``wall_s``.
        Where it was to have a control group, also ``kills`` in it; and ``noted``, on its page.
        """
        if message["task"] == "preload":
            return self._preload(message["request"])
        with tempfile.TemporaryFile() as stderr:
            start = time.perf_counter()
            deadline = start + message["timeout_s"]
            for attempt in range(OBSERVED_TRIES):
                time.sleep(RETRY_PAUSE_S if attempt else 0)
                began = time.perf_counter()
                report = self._run_grouped(message, stderr.fileno())
                ended = time.perf_counter()
                if not _missed_peak(report) or ended + 2 * (ended - began) > deadline:
                    break
            report["wall_s"] = time.perf_counter() - start
            report["stderr"] = _tail(stderr.fileno())
        return report

    def _preload(self, request: dict[str, Any]) -> dict[str, Any]:
        """Import what every trial needs here, once, so that forked trials find it ready."""
        try:
            for name in request.get("modules", []):
                importlib.import_module(name)
            if request.get("paths"):
                work = importlib.import_module("harness.trial.base.request")
                for path in request["paths"]:
                    work.scenarios_in(path)
        except Exception as error:  # noqa: BLE001 — told to the runner, in one line
            return {"error": " ".join(str(error).split()), "type": type(error).__name__}
        # Objects alive now are left out of every collection, which would copy their pages.
        gc.collect()
        gc.freeze()
        process.release_free_memory()
        return {"answer": {"pid": os.getpid(), "method": self.method}}

    def _run_grouped(self, message: dict[str, Any], stderr: int) -> dict[str, Any]:
        """Run a task, in a control group of its own where it is to have one."""
        if not message.get("grouped"):
            return self._run(message, stderr)
        try:
            group = make_group()
        except OSError as error:
            return {"error": f"no control group: {error}", "type": type(error).__name__}
        try:
            message["request"]["bound"]["group"] = str(group.folder)
            report = self._run(message, stderr)
            return report | {"kills": group.kills()}
        finally:
            group.remove()

    def _run(self, message: dict[str, Any], stderr: int) -> dict[str, Any]:
        page = self.pages.get(message.get("observe", ""))
        if page is not None:
            page.clear()
        read_end, write_end = os.pipe()
        started_s = time.time()
        start = self._fork if self.method == "fork" else _spawn
        helpers = {pid := start(message, page, read_end, write_end, stderr)}
        os.close(write_end)
        if isinstance(page, WatchPage | TreePage):
            helpers.add(_observer(page, pid))
        status: list[int] = []

        def ended() -> bool:
            if not status:
                found, value = os.waitpid(pid, os.WNOHANG)
                if found:
                    status.append(value)
            return bool(status)

        deadline = time.monotonic() + message["timeout_s"]
        pipe = _Pipe(read_end)
        in_time = pipe.collect(ended, deadline)
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
        if isinstance(page, LimitPage):
            report["noted"] = page.read()
        return report | {"reaped": len(left_behind)}

    def _fork(
        self,
        message: dict[str, Any],
        page: Page | None,
        read_end: int,
        write_end: int,
        stderr: int,
    ) -> int:
        pid = os.fork()
        if pid == 0:
            os.close(read_end)
            _run_child(self.tasks[message["task"]], message["request"], page, write_end, stderr)
        return pid


def _spawn(
    message: dict[str, Any], page: Page | None, read_end: int, write_end: int, stderr: int
) -> int:
    bootstrap = Path(__file__).with_name("bootstrap.py")
    with tempfile.TemporaryFile() as request:
        request.write(json.dumps(message).encode())
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


def _observer(page: WatchPage | TreePage, pid: int) -> int:
    observer = os.fork()
    if observer == 0:
        try:
            process.die_with_parent()
            if isinstance(page, WatchPage):
                process.run_before_others()
            page.observe(pid)
        finally:
            os._exit(0)  # whatever happened: this copy of the server must not go on serving
    return observer


def _verdict(data: bytes, status: int | None) -> dict[str, Any]:
    if status is None:
        return {"timeout": True}
    if data.endswith(b"\n"):
        report: dict[str, Any] = json.loads(data.splitlines()[-1])
        return report
    return {"exit": status}


def _missed_peak(report: dict[str, Any]) -> bool:
    """Whether the task's observer was not given a processor when it mattered."""
    ledger = (report.get("answer") or {}).get("ledger")
    return ledger is not None and ledger["split_source"] == MISSED


def _tail(fd: int) -> str:
    size = os.lseek(fd, 0, os.SEEK_END)
    return os.pread(fd, STDERR_TAIL_BYTES, max(0, size - STDERR_TAIL_BYTES)).decode(
        errors="replace"
    )


def _serve(method: str) -> None:
    process.die_with_parent()
    process.adopt_orphans()
    # What scenario code prints must not land among the answers.
    answers = os.fdopen(os.dup(1), "w")
    requests = os.fdopen(os.dup(0))
    os.dup2(2, 1)
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)

    def stop(number: int, frame: object) -> None:
        process.kill_tree()
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    server = Server(method)
    for line in requests:
        print(json.dumps(server.handle(json.loads(line))), file=answers, flush=True)
    process.kill_tree()


def _once(write_end: int) -> None:
    """One task in this very interpreter: how trials run where there is no fork."""
    process.die_with_parent()
    _prepare_for_death()
    message = json.loads(sys.stdin.read())
    answer = _answer_of(TASKS[message["task"]], message["request"], None)
    _write_all(write_end, json.dumps(answer).encode() + b"\n")


def main(arguments: list[str]) -> None:
    """Entry point of ``bootstrap.py``: ``server fork``, ``server spawn`` or ``once FD``."""
    if arguments[0] == "once":
        _once(int(arguments[1]))
    else:
        _serve(arguments[1])
