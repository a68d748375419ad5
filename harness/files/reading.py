"""Reading a file that may be anything: endless, a pipe that nobody writes to, a device."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from harness.errors import UsageError
from harness.units import format_size

LONGEST_LINE = 256 * 1024**2
"""Bytes of one line; those of a journal take kilobytes, and its first one a megabyte or two."""
MOST_BYTES = 1024**3
"""Of a file that has to be read as a whole."""


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A file, or a pipe that something writes to; nobody is waited for who may never come.

    Raises:
        UsageError: it is neither, or cannot be read, now or later.
    """
    try:
        with _binary(path) as stream:
            yield stream
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def _binary(path: Path) -> BinaryIO:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except ValueError as error:  # a name with a null character
        raise UsageError(f"{str(path)!r} cannot be read: {error}") from error
    try:
        mode = os.fstat(descriptor).st_mode
        if not any(is_one(mode) for is_one in (stat.S_ISREG, stat.S_ISFIFO, stat.S_ISDIR)):
            raise UsageError(f"{path} cannot be read: it is neither a file nor a pipe")
        os.set_blocking(descriptor, True)  # what is written to a pipe is waited for
        return os.fdopen(descriptor, "rb")  # which refuses a folder
    except BaseException:
        os.close(descriptor)
        raise


def line_of(stream: BinaryIO, path: Path) -> bytes:
    """The next line, with its end; nothing at the end of the file.

    Raises:
        UsageError: it is longer than any line of ours.
    """
    line = stream.readline(LONGEST_LINE + 1)
    if len(line) > LONGEST_LINE:
        longest = format_size(LONGEST_LINE)
        raise UsageError(f"{path} cannot be read: it has a line of more than {longest}")
    return line


def rest_of(stream: BinaryIO, path: Path, begun: bytes = b"") -> bytes:
    """All that is left of a file, behind what was read of it already.

    Raises:
        UsageError: it is too much.
    """
    data = begun + stream.read(max(0, MOST_BYTES - len(begun)) + 1)
    if len(data) > MOST_BYTES:
        raise UsageError(f"{path} cannot be read: it is larger than {format_size(MOST_BYTES)}")
    return data
