"""A host as seen from outside: start it, hand it tasks, say what became of each.

The harness itself never imports torch or a scenario: hosts do, in their own interpreter and with
their own environment variables.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any, Self

import psutil

from harness.errors import UnableError, UsageError
from harness.host.closing import Closing
from harness.schema.messages import Message, TaskReport
from harness.schema.records import HostSpec, Outcome, TrialKind
from harness.schema.request import Observed, PreloadRequest, TaskRequest, VersionsRequest
from harness.schema.strict import FieldError, from_fields
from harness.trial.base.source_line import place_in_dump, without_dump

OBSERVED_FOR: dict[TrialKind, Observed] = {"memory": "peak", "tree": "tree", "limit": "limit"}
BOOTSTRAP = Path(__file__).resolve().parents[1] / "trial" / "bootstrap.py"
PRELOAD = ("numpy", "torch", "harness.trial.run", "harness.trial.ceilings.measure")
START_TIMEOUT_S = 120.0
GRACE_S = 30.0  # how much longer than a task's own limit its host may take to report
END_S = 5.0  # how long a host may take to end
_LIKELY = {
    "SIGKILL": ("killed", "killed from outside, most likely by the kernel because memory ran out"),
    "SIGABRT": ("abort", "aborted"),
    "SIGSEGV": ("segmentation fault", "segmentation fault"),
    "SIGBUS": ("bus error", "bus error: a mapped file or shared memory without backing"),
}
"""What a signal stands for: an Outcome's kind, and in words."""
DEADLOCKED = "it waits for a lock that no thread of its process can free"
KILLED_FOR_MEMORY = "killed for memory"


@dataclass(frozen=True)
class Report(TaskReport):
    """What became of one task, as its host sees it."""

    host_died: bool = False
    file: str = ""  # the scenario's, where the task was one of a scenario

    @classmethod
    def of(cls, line: bytes, wall_s: float, file: str) -> Report:
        """What a server's answer says.

        Raises:
            UnableError: the two sides do not mean the same by a request or a report.
        """
        try:
            said = from_fields(TaskReport, json.loads(line))
        except FieldError as error:
            raise UnableError(f"unexpected report from a host: {error}") from error
        if said.error_type == FieldError.__name__:
            raise UnableError(f"a host rejected a request: {said.error}")
        return cls(**{**vars(said), "wall_s": wall_s, "file": file})

    def failure(self, timeout_s: float) -> Outcome:
        """The outcome of a task that gave no answer."""
        where = place_in_dump(self.stderr, self.file) if self.file else ""
        if self.kills:
            return killed_for_memory(where)
        if self.deadlocked:
            return Outcome("timeout", DEADLOCKED, "hang", where)
        if self.timed_out:
            return Outcome("timeout", f"no answer within {timeout_s:g} s", "hang", where)
        if self.host_died:
            reason = "the host process was killed while this trial ran"
            return Outcome("crash", reason, "killed")
        if self.error:
            return Outcome("error", f"{self.error_type}: {self.error}")
        return _crash(self.exit_status or 0, self.stderr, where)


def killed_for_memory(where: str = "") -> Outcome:
    """The outcome of a trial of whose control group the kernel killed a process."""
    reason = "SIGKILL (killed by the kernel: its control group had no memory left)"
    return Outcome("oom", reason, KILLED_FOR_MEMORY, where)


def _crash(status: int, stderr: str, where: str) -> Outcome:
    line = _telling_line(without_dump(stderr))
    said = f": {line[:300]}" if line else ""
    if status >= 0:
        return Outcome(
            "crash", f"exited with status {status} before it answered{said}", where=where
        )
    name = signal.Signals(-status).name
    kind, likely = _LIKELY.get(name, ("", "killed by a signal"))
    return Outcome("crash", f"{name} ({likely}){said}", kind, where)


def line_of(
    request: TaskRequest, timeout_s: float, observe: Observed = "", *, grouped: bool = False
) -> bytes:
    """What a server is told to have something done."""
    assert is_dataclass(request)
    message = Message(request.task, asdict(request), timeout_s, observe, grouped)
    return json.dumps(asdict(message)).encode() + b"\n"


class Host(Closing):
    """A running host. Use it as a context manager; it leaves no process behind.

    Args:
        spec: which interpreter, and which environment variables beyond this process's own.
        scenario_files: imported in the host, so that trials find them ready.
        method: ``fork`` or ``spawn``; fork where the system has it.

    Raises:
        UnableError: the interpreter does not start, or has no NumPy or torch.
    """

    def __init__(
        self, spec: HostSpec, scenario_files: Sequence[Path] = (), method: str | None = None
    ) -> None:
        self.spec = spec
        self.method = method or ("fork" if hasattr(os, "fork") else "spawn")
        self.scenario_files = list(scenario_files)
        self.layout: Mapping[
            str, str
        ] = {}  # see harness.trial.timing.heap_layout; random where empty
        self._process: subprocess.Popen[bytes] | None = None
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 — closed with the host
        self._unread = b""
        self._launched = 0.0
        self.start_s = 0.0  # what it took until the process could measure
        self.many_trials = False  # are to come, as far as that is known
        self.draws_layouts = False  # for trials, which need no new host for that; False: not known

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    @property
    def python(self) -> str:
        return self.spec.python or sys.executable

    @property
    def watches_trees(self) -> bool:
        """Whether another process can add up the memory of a trial's tree: on Linux, with fork."""
        return sys.platform.startswith("linux") and self.method == "fork"

    def start(self) -> None:
        """Start the process and have it import torch."""
        self.launch()
        self.get_ready()

    def launch(self) -> None:
        """Start the process, which is not waited for yet.

        To be called in a thread that outlives the host: the kernel ends a host with its parent,
        and means the thread by that.
        """
        self._launched = time.perf_counter()
        self._launch()

    def _launch(self) -> None:
        try:
            self._process = subprocess.Popen(
                [self.python, str(BOOTSTRAP), "server", self.method],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                env={**os.environ, **self.layout, **self.spec.env},
                start_new_session=True,  # Ctrl-C reaches the runner alone
            )
        except OSError as error:
            raise UnableError(
                f"host {self.spec.name}: {self.python} does not start: {error.strerror}"
            ) from error

    def get_ready(self) -> None:
        """Wait until it has imported torch."""
        modules = PRELOAD if self.method == "fork" else ()
        self._preload(PreloadRequest(modules))
        if self.method == "spawn":
            self.versions()
        self.start_s = time.perf_counter() - self._launched

    def preload_scenarios(self) -> None:
        """Import the scenario files, which must have been described without error before."""
        began = time.perf_counter()
        if self.method == "fork":
            paths = tuple(map(str, self.scenario_files))
            self._preload(PreloadRequest(paths=paths, many_trials=self.many_trials))
        self.start_s += time.perf_counter() - began

    def _preload(self, request: PreloadRequest) -> None:
        report = self._exchange(request, START_TIMEOUT_S)
        if report.answer is None:
            reason = report.error or self._why_silent()
            raise UnableError(f"host {self.spec.name}: {self.python} cannot be used: {reason}")

    def _why_silent(self) -> str:
        """Why there was no answer to what the host does itself, not in a trial."""
        assert self._process is not None
        try:
            status = self._process.wait(timeout=END_S)  # its pipes close before it has ended
        except subprocess.TimeoutExpired:
            return f"it has not imported what it needs within {START_TIMEOUT_S:g} s"
        return _crash(status, self._stderr_text(), "").reason

    def ask(self, request: TaskRequest) -> dict[str, Any]:
        """Run a task that is not a measurement and must succeed.

        Raises:
            UsageError: a scenario cannot be loaded or declares something unusable.
            UnableError: anything else went wrong.
        """
        report = self.call(request, START_TIMEOUT_S)
        if report.answer is not None:
            return report.answer
        if report.error_type in ("ScenarioLoadError", "DeclarationError"):
            raise UsageError(report.error)
        raise UnableError(
            f"host {self.spec.name}: {request.task}: {report.failure(START_TIMEOUT_S).reason}"
        )

    def call(
        self,
        request: TaskRequest,
        timeout_s: float,
        *,
        observe: Observed = "",
        grouped: bool = False,
    ) -> Report:
        """Run one task in a fresh process; whatever happens there comes back as a Report.

        Args:
            request: the task, and what it is given.
            timeout_s: how long it may take.
            observe: what to read of it from outside.
            grouped: make a control group for it to enter.
        """
        report = self._exchange(request, timeout_s, observe=observe, grouped=grouped)
        if report.host_died:
            self.renew()
        return report

    def versions(self) -> dict[str, Any]:
        """What its interpreter is; also learns whether trials can have layouts of their own."""
        answer = self.ask(VersionsRequest())
        # A new interpreter, as each trial is where there is no fork, has its own by itself.
        self.draws_layouts = self.method == "spawn" or answer["layout_drawn"]
        return answer

    def renew(self) -> None:
        """Replace the process by a new one.

        Trials inherit the layout of their host's memory, and with it the luck of its heap: where
        an allocator finds room differs from host to host more than from trial to trial, unless
        each has its layout drawn.
        """
        self.begin_anew()
        self.finish_anew()

    def begin_anew(self) -> None:
        """End the process and :meth:`launch` a new one."""
        self.close()
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 — closed with the host
        self.launch()

    def finish_anew(self) -> None:
        """Wait until the new process is ready for trials."""
        self.get_ready()
        self.preload_scenarios()

    def _exchange(
        self,
        request: TaskRequest,
        timeout_s: float,
        *,
        observe: Observed = "",
        grouped: bool = False,
    ) -> Report:
        assert self._process is not None, "the host was not started"
        assert self._process.stdin is not None
        start = time.perf_counter()
        try:
            self._process.stdin.write(line_of(request, timeout_s, observe, grouped=grouped))
            self._process.stdin.flush()
            line = self._read_line(timeout_s + GRACE_S)
        except BrokenPipeError:
            line = b""
        wall_s = time.perf_counter() - start
        if not line:
            return Report(host_died=True, stderr=self._stderr_text(), wall_s=wall_s)
        return Report.of(line, wall_s, request.scenario_file())

    def _read_line(self, timeout_s: float) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        deadline = time.monotonic() + timeout_s
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    return b""
                piece = os.read(self._process.stdout.fileno(), 1 << 20)
                if not piece:
                    return b""
                self._unread += piece
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _stderr_text(self) -> str:
        self._stderr.seek(0)
        return self._stderr.read().decode(errors="replace")

    def close(self) -> None:
        """End the host and everything it started."""
        if self._process is None:
            self._stderr.close()
            return
        tree = []
        with contextlib.suppress(psutil.NoSuchProcess):
            tree = psutil.Process(self._process.pid).children(recursive=True)
        self._process.terminate()
        try:
            self._process.wait(timeout=END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for process in tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        for stream in (self._process.stdin, self._process.stdout, self._stderr):
            with contextlib.suppress(BrokenPipeError):
                stream.close() if stream is not None else None
        self._process = None
        self._unread = b""


def _telling_line(stderr: str) -> str:
    """The line that says what went wrong: C++ prints it above its backtrace, Python last."""
    for line in stderr.splitlines():
        if line.strip().startswith("what():"):
            return line.partition("what():")[2].strip()
    return _last_line(stderr)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
