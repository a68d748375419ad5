"""Standard output and standard error, which may be full, closed, or read by nobody any more.

A command goes on where it cannot write: what it measures, and the exit code that says what it
found, are worth more than what it would have printed. What nobody reads any more is dropped
without a word; where a full disk or the like is in the way, the command ends with one line and
``EXIT_UNABLE``.
"""

from __future__ import annotations

import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from harness.errors import EXIT_UNABLE


class _Lasting(io.FileIO):
    """A descriptor that takes everything; what it could not write, it drops, and says why."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self.failed: OSError | None = None

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        if self.failed is not None:
            return size
        try:
            while (written := super().write(data)) is None:
                select.select([], [self], [])  # whoever opened it has it not wait until it has room
        except OSError as error:
            self.failed = error
            return size
        return written


class Streams:
    """The two streams of a command, for as long as it runs."""

    def __init__(self) -> None:
        self._out, self._err = _Lasting(1), _Lasting(2)
        sys.stdout, sys.stderr = _text_on(self._out), _text_on(self._err, line_buffering=True)

    def concluded(self, code: int) -> int:
        """The exit code of a command that would end with ``code``, once all is written."""
        sys.stdout.flush()
        failed = self._out.failed
        if failed is not None and not isinstance(failed, BrokenPipeError):
            said = f"standard output cannot be written: {failed.strerror}"
            print(f"ferrybench: {said}", file=sys.stderr)  # noqa: T201
            code = EXIT_UNABLE
        sys.stderr.flush()
        return code


@contextmanager
def lasting_streams() -> Iterator[Streams]:
    """Have Python write to such streams."""
    _open_what_is_closed()
    before = sys.stdout, sys.stderr
    try:
        yield Streams()
    finally:
        sys.stdout, sys.stderr = before


def _text_on(stream: _Lasting, *, line_buffering: bool = False) -> io.TextIOWrapper:
    """What writes text there; what its encoding lacks, it writes as an escape."""
    encoding = getattr(sys.__stdout__ or sys.__stderr__, "encoding", "utf-8")
    return io.TextIOWrapper(
        io.BufferedWriter(stream),
        encoding=encoding,
        errors="backslashreplace",
        line_buffering=line_buffering or stream.isatty(),
    )


def _open_what_is_closed() -> None:
    """Or the next file that is opened, such as a journal, would be a standard stream.

    What stands for standard output cannot be written, as if it were closed still; standard error
    and input are empty.
    """
    for descriptor, flags in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, flags)
            if opened != descriptor:  # the lowest that is free, which is this one
                os.dup2(opened, descriptor)
                os.close(opened)
