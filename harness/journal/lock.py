"""One writer for a journal: a lock on the file itself, which dies with its process."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from pathlib import Path
from typing import BinaryIO

from harness.errors import UnableError

_WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""What file systems say that have none: there, nothing keeps two writers apart."""


def open_locked(path: Path, *, create: bool) -> BinaryIO:
    """A file to be written by this process alone, as it is.

    Nothing is buffered, so that what could not be written is not tried again when it is closed.
    A device, such as /dev/null, keeps nothing that two writers could damage, and is not locked.

    Raises:
        UnableError: another process is writing it, or it cannot be opened.
    """
    flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0)
    try:
        while True:
            stream = os.fdopen(os.open(path, flags, 0o666), "r+b", buffering=0)
            try:
                if _keeps(stream):
                    _lock(path, stream.fileno())
                if _is_still(path, stream.fileno()):
                    return stream
            except BaseException:
                stream.close()
                raise
            stream.close()  # it was replaced before it was locked
    except OSError as error:
        raise UnableError(f"{path} cannot be written: {error.strerror}") from error


def refuse_second_writer(path: Path) -> None:
    """Say at once, and not after hosts were started, that another process is writing a file.

    Raises:
        UnableError: it is.
    """
    if path.is_file():
        open_locked(path, create=False).close()


def _lock(path: Path, descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UnableError(
            f"{path} is being written by another ferrybench: wait for it, or choose another file"
        ) from error
    except OSError as error:
        if error.errno not in _WITHOUT_LOCKS:
            raise


def _is_still(path: Path, descriptor: int) -> bool:
    """Whether a path still leads to what was opened."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _keeps(stream: BinaryIO) -> bool:
    """Whether it is a file that can keep anything."""
    return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)


def cut(stream: BinaryIO, size_bytes: int) -> None:
    """Drop all that lies behind so much of a file, if it can keep anything, and go on there."""
    if _keeps(stream):
        stream.truncate(size_bytes)
        stream.seek(size_bytes)
