"""What the kernel and the processor count of a call: perf-stat(1), attached to this process.

It is attached before the call and counts nothing yet; it is told to begin and to end, and says when
it has (``--control``, since Linux 5.10).
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from typing import IO, Any

from harness.schema.profile import Counted
from harness.schema.records import Outcome
from harness.trial.base.outcomes import one_line
from harness.trial.profiling.outcome import outcome_of
from harness.trial.profiling.target import Target

MISSING = "perf is not installed, which counts page faults, context switches and instructions"
EVENTS = ("page-faults", "context-switches", "instructions", "cache-misses")
_PATIENCE_S = 5.0


class _RefusedError(Exception):
    """It does not count; the message says what it said itself."""


def by_perf(target: Target, output: str) -> tuple[tuple[Counted, ...], Outcome, str]:
    """What it counted, the outcome, and why it could not; empty where it did.

    Args:
        target: what to call.
        output: a file for perf to write.
    """
    if shutil.which("perf") is None:
        return (), Outcome("ok"), MISSING

    def watched(call: Any) -> Any:
        with _counting(output):
            return call()

    try:
        with _counting(os.devnull):  # it may not be permitted
            pass
    except _RefusedError as error:
        return (), Outcome("ok"), f"perf does not count here: {error}"
    outcome = outcome_of(target, watched)
    with open(output, encoding="utf-8") as lines:  # noqa: PTH123
        return tuple(_counted(lines.read())), outcome, ""


@contextlib.contextmanager
def _counting(output: str) -> Iterator[None]:
    """Count meanwhile.

    Raises:
        _RefusedError: it is not permitted, or not known here.
    """
    (asked, ask), (answers, answered) = os.pipe(), os.pipe()
    options = ["-x", ",", "-e", ",".join(EVENTS), "-D", "-1", "-o", output]
    command = ["perf", "stat", *options, "-p", f"{os.getpid()}"]
    with tempfile.TemporaryFile() as said:
        perf = subprocess.Popen(
            [*command, "--control", f"fd:{asked},{answered}"],
            pass_fds=(asked, answered),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            env={**os.environ, "LC_ALL": "C"},
        )
        os.close(asked)
        os.close(answered)
        try:
            if not _told(ask, answers, b"enable\n"):
                raise _RefusedError(_words(said))
            yield
            _told(ask, answers, b"disable\n")
        finally:
            os.close(ask)
            os.close(answers)
            perf.send_signal(signal.SIGINT)  # at which it writes what it has
            perf.wait()


def _words(said: IO[bytes]) -> str:
    said.seek(0)
    return one_line(said.read().decode(errors="replace")) or "it does not answer"


def _told(ask: int, answers: int, what: bytes) -> bool:
    """Tell it something, and wait until it has done that."""
    with contextlib.suppress(BrokenPipeError):
        os.write(ask, what)
        if select.select([answers], [], [], _PATIENCE_S)[0]:
            return os.read(answers, 16).startswith(b"ack")
    return False


def _counted(text: str) -> Iterator[Counted]:
    for line in text.splitlines():
        count, _, event, *_ = [*line.split(","), "", "", ""]
        name = event.partition(":")[0]
        if name in EVENTS:
            plain = name.replace("-", " ")
            known = count.isdecimal()
            yield Counted(plain, int(count)) if known else Counted(plain, None, count.strip("<>"))
