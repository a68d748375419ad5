"""Writing files whole or not at all, and never over what the same command reads.

A file is written beside the one that it replaces, and then takes its name: where the disk is full
or the command is killed, what was there before is still there, and whole.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from harness.errors import UnableError, UsageError

_OPEN = ("/dev/fd/", "/dev/stdout", "/dev/stderr", "/proc/")
"""How names begin of files that a process has open."""


def refuse_overwriting(path: Path, *, force: bool, read: Iterable[Path] = ()) -> None:
    """Raise UsageError if a file may not be written.

    Args:
        path: the file.
        force: whether one that exists may be overwritten.
        read: what the command reads, which it never overwrites.
    """
    for one in read:
        if _are_one(path, one):
            raise UsageError(f"{path} is read by this command; write to another file")
    if path.exists() and not force:
        raise UsageError(f"{path} exists; will not overwrite it without --force")


def refuse_overwriting_any(
    paths: Iterable[Path | None], *, force: bool, read: Iterable[Path] = ()
) -> None:
    """The same of all files that a command writes, of which no two may be one."""
    written: list[Path] = []
    inputs = list(read)
    for path in filter(None, paths):
        refuse_overwriting(path, force=force, read=inputs)
        if any(_are_one(path, other) for other in written):
            raise UsageError(f"{path} is named for two outputs; they need two files")
        written.append(path)


def _are_one(path: Path, other: Path) -> bool:
    """Whether two names lead to one file, or would; what keeps nothing, such as a pipe, is none."""
    with contextlib.suppress(OSError, ValueError):
        if path.exists() and other.exists():
            return path.samefile(other) and (path.is_file() or path.is_dir())
    return path.absolute() == other.absolute()


def write_whole(contents: Mapping[Path, bytes]) -> None:
    """Write files; none of them takes its place before all are written.

    Raises:
        UnableError: one cannot be written; the message names it.
    """
    places = {path: path.resolve() if path.is_symlink() else path for path in contents}
    written: dict[Path, Path] = {}
    try:
        for path, data in contents.items():
            with _said_of(path):
                if _keeps_nothing(path):
                    path.write_bytes(data)
                else:
                    written[path] = beside(places[path])
                    _write(written[path], (data,), places[path])
        for path in list(written):
            with _said_of(path):
                written[path].replace(places[path])
                del written[path]
    finally:
        for left in written.values():
            with contextlib.suppress(OSError):
                left.unlink()


@contextlib.contextmanager
def _said_of(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnableError(f"{path} cannot be written: {error.strerror}") from error


def _keeps_nothing(path: Path) -> bool:
    """Whether it is a pipe, a device, or a file that somebody has open: it keeps its place."""
    return str(path).startswith(_OPEN) or (path.exists() and not path.is_file())


def beside(path: Path) -> Path:
    """A name that no file has, in the same folder, and hidden."""
    return path.with_name(f".ferrybench-{secrets.token_hex(6)}.part")


def write_in_pieces(path: Path, pieces: Iterable[bytes]) -> None:
    """Write one file that need not fit into memory, whole or not at all.

    Raises:
        UnableError: it cannot be written; the message names it.
    """
    place = path.resolve() if path.is_symlink() else path
    with _said_of(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if _keeps_nothing(path):
            with path.open("wb") as stream:
                stream.writelines(pieces)
            return
        part = beside(place)
        try:
            _write(part, pieces, place)
            part.replace(place)
        finally:
            with contextlib.suppress(OSError):
                part.unlink()


def _write(path: Path, pieces: Iterable[bytes], instead_of: Path) -> None:
    """Write a new file, which may be read by whoever could read the old one."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    with os.fdopen(descriptor, "wb") as stream:
        stream.writelines(pieces)
        if instead_of.exists():
            os.fchmod(descriptor, stat.S_IMODE(instead_of.stat().st_mode))
