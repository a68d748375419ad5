"""Interpreters that have NumPy and torch already: importing them takes a processor two seconds.

A process that is forked from one that did nothing but import them takes a hundredth of that, and
goes on as ``python FILE …`` or ``python -m MODULE …`` would. What a new interpreter is needed for,
a test starts itself: see :func:`needs_a_new_one`.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NoReturn, Self

MODULES = ("numpy", "torch")
_READ_AT_START = ("GLIBC_", "GOMP_", "KMP_", "LD_", "MALLOC_", "MKL_", "OMP_", "PYTHON", "TORCH")
_LONGEST = 1 << 20
_PR_SET_PDEATHSIG = 1


def needs_a_new_one(environment: Mapping[str, str]) -> bool:
    """Whether variables are among these that only count where an interpreter starts."""
    return any(name.startswith(_READ_AT_START) for name in environment)


class WarmProcess:
    """A process that was forked for us: what ``subprocess.Popen`` would be, as far as is needed."""

    def __init__(self, pid: int, stdin: IO[bytes] | None, stdout: IO[bytes] | None) -> None:
        self.pid = pid
        self.stdin, self.stdout = stdin, stdout
        self._handle = os.pidfd_open(pid)

    def send_signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> None:
        """Wait for its end. How it ended only the process knows that it was forked from."""
        if not select.select([self._handle], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("a warm process", timeout or 0)

    def __del__(self) -> None:
        os.close(self._handle)


class Warm:
    """The process that others are forked from, once one is. Use it as a context manager."""

    def __init__(self) -> None:
        self._asking: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._asking is not None and self._process is not None:
            self._asking.close()  # it ends when nobody can ask any more, and they end with it
            self._process.wait()

    def _begun(self) -> socket.socket:
        if self._asking is None:
            self._asking, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                command = [sys.executable, __file__, str(theirs.fileno())]
                self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
        return self._asking

    def start(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        streams: Sequence[IO[Any]],
        folder: Path | None = None,
    ) -> int:
        """Have a process go on as ``python ARGUMENTS``, with these as its three streams."""
        asked = {
            "arguments": list(arguments),
            "environment": dict(environment),
            "folder": str(folder or Path.cwd()),
        }
        descriptors = [stream.fileno() for stream in streams]
        asking = self._begun()
        socket.send_fds(asking, [json.dumps(asked).encode()], descriptors)
        return int(asking.recv(_LONGEST))

    def pipe(
        self, arguments: Sequence[str], environment: Mapping[str, str], stderr: IO[Any]
    ) -> WarmProcess:
        """Have a process go on so that is written to and read from."""
        (read, stdin), (stdout, write) = os.pipe(), os.pipe()
        with os.fdopen(read) as theirs, os.fdopen(write, "wb") as answers:
            pid = self.start(arguments, environment, (theirs, answers, stderr))
        return WarmProcess(pid, os.fdopen(stdin, "wb"), os.fdopen(stdout, "rb"))

    def run(
        self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Have a process go on so, and wait for its end."""
        with (
            Path(os.devnull).open() as nothing,
            tempfile.TemporaryFile("w+") as out,
            tempfile.TemporaryFile("w+") as err,
            tempfile.TemporaryFile("w+") as status,
        ):
            streams = (nothing, out, err, status)
            process = WarmProcess(self.start(arguments, environment, streams, folder), None, None)
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            for stream in (out, err, status):
                stream.seek(0)
            ended = status.read()
            assert ended, "it did not come to its end: " + err.read()
            return subprocess.CompletedProcess(arguments, int(ended), out.read(), err.read())


def _serve(asking: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, _collect)
    while True:
        message, descriptors, _, _ = socket.recv_fds(asking, _LONGEST, 4)
        if not message:
            return
        pid = os.fork()
        if pid == 0:
            asking.close()
            _go_on(json.loads(message), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        asking.send(str(pid).encode())


def _collect(number: int, frame: object) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _go_on(asked: Mapping[str, Any], descriptors: Sequence[int]) -> NoReturn:
    """In the forked process: be what was asked for, and end as it does."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    tempfile.tempdir = None
    for number, descriptor in enumerate(descriptors[:3]):
        os.dup2(descriptor, number)
        os.close(descriptor)
    code = _run(asked["arguments"])
    for descriptor in descriptors[3:]:
        os.write(descriptor, str(code).encode())
    os._exit(code)


def _run(arguments: list[str]) -> int:
    """What the interpreter does with its arguments; returns the status of its end."""
    named = arguments[0] == "-m"
    sys.argv[:] = arguments[1:] if named else arguments
    path = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    sys.path[:1] = [str(Path.cwd()) if named else str(Path(arguments[0]).parent), *path]
    try:
        if named:
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(arguments[0], run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 — told as an interpreter does
        sys.excepthook(*sys.exc_info())
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    for name in MODULES:
        __import__(name)
    _serve(socket.socket(fileno=int(sys.argv[1])))
