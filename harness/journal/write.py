"""Writing a journal: JSON Lines, each handed to the system as soon as its trial has ended."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from os import SEEK_END
from pathlib import Path
from typing import Any, BinaryIO, Self

import msgspec

from harness.errors import UnableError
from harness.files.writing import beside, refuse_overwriting
from harness.host.closing import Closing
from harness.journal.lines import LINE_NAMES, EndLine, Header, JournalLine, Run
from harness.journal.lock import cut, open_locked
from harness.journal.paths import places_here, portable
from harness.journal.plain import writable
from harness.schema.records import Trial


def fields_of(line: JournalLine | Header) -> dict[str, Any]:
    """A line as plain data, with the names that it has in a journal."""
    fields: dict[str, Any] = msgspec.to_builtins(line, builtin_types=(bytes,))
    if isinstance(line, Header):
        return fields
    if isinstance(line, Trial):
        fields["trial_kind"] = fields.pop("kind")
        fields.pop("sitting", None)  # which the lines before it tell
    return {"kind": LINE_NAMES[type(line)], **fields}


def encoded(fields: dict[str, Any]) -> bytes:
    """Plain data as a line of a journal."""
    return msgspec.json.encode(writable(fields)) + b"\n"


class Journal(Closing):
    """A journal open for appending.

    Raises:
        UnableError: the file cannot be written, or another process is writing it.
        UsageError: it exists and neither ``force`` nor an append was asked for.
    """

    def __init__(self, path: Path, stream: BinaryIO, end: int = 0) -> None:
        self.path = path
        self._stream = stream
        self._end = end  # of the last complete line
        self._places = places_here()

    @classmethod
    def create(cls, path: Path, header: Header, *, force: bool = False) -> Self:
        with _writing(path):
            refuse_overwriting(path, force=force)
            new = not path.exists()
            path.parent.mkdir(parents=True, exist_ok=True)
        journal = cls(path, open_locked(path, create=True))
        line = fields_of(header)
        with journal._or_close(), _writing(path):
            if path.stat().st_size:  # by another run, if it was not there a moment ago
                refuse_overwriting(path, force=force)
                journal._take_the_place_of(path.resolve(), line)
                return journal
            try:
                journal._write(line)
            except UnableError:
                if new:  # or the next run would refuse an empty file
                    path.unlink()
                raise
        return journal

    def _take_the_place_of(self, path: Path, header: dict[str, Any]) -> None:
        """Begin a new file, and give it the old one's name once there is something in it.

        Whoever waits for the lock of the old one sees that, and takes the new one's.
        """
        part, old = beside(path), self._stream
        try:
            self._stream = open_locked(part, create=True)
            os.fchmod(self._stream.fileno(), stat.S_IMODE(path.stat().st_mode))
            self._write(header)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        finally:
            if self._stream is not old:
                old.close()

    @classmethod
    def extend(cls, run: Run) -> Self:
        """Go on with a journal that was read, after its last complete line."""
        journal = cls(run.path, open_locked(run.path, create=False), run.good_bytes)
        with journal._or_close(), _writing(run.path):
            if journal._stream.seek(0, SEEK_END) != run.read_bytes:
                raise UnableError(f"{run.path} was written to after it had been read; try again")
            cut(journal._stream, run.good_bytes)
        return journal

    @contextmanager
    def _or_close(self) -> Iterator[None]:
        """Leave nothing open, and locked, where something fails."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    def append(self, line: JournalLine) -> None:
        """Write one line and hand it to the system at once."""
        self._write(fields_of(line))

    def _write(self, fields: dict[str, Any]) -> None:
        line = portable(encoded(fields), self._places)
        rest = line
        with _writing(self.path, "; what was measured before stands in it" if self._end else ""):
            try:
                while rest:
                    rest = rest[self._stream.write(rest) :]
            except OSError:
                cut(self._stream, self._end)  # no other line may follow half of this one
                raise
        self._end += len(line)

    def close(self) -> None:
        self._stream.close()


@contextmanager
def says_when_interrupted(journal: Journal) -> Iterator[None]:
    """Have a journal end with what interrupted its run."""
    try:
        yield
    except KeyboardInterrupt:
        journal.append(EndLine("interrupted"))
        raise


@contextmanager
def _writing(path: Path, kept: str = "") -> Iterator[None]:
    """Say in one line what keeps a file from being written."""
    try:
        yield
    except OSError as error:
        raise UnableError(f"{path} cannot be written: {error.strerror}{kept}") from error
