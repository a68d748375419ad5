"""Writing a journal: JSON Lines, each handed to the system as soon as its trial has ended."""

from __future__ import annotations

from os import SEEK_END
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from harness.errors import UnableError, refuse_overwriting
from harness.host.closing import Closing
from harness.journal.lines import LINE_NAMES, Header, JournalLine, Run
from harness.journal.lock import empty, open_locked
from harness.journal.paths import places_here, portable
from harness.journal.plain import writable
from harness.schema.records import Trial


class Journal(Closing):
    """A journal open for appending.

    Raises:
        UnableError: the file cannot be written, or another process is writing it.
        UsageError: it exists and neither ``force`` nor an append was asked for.
    """

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self.path = path
        self._stream = stream
        self._places = places_here()

    @classmethod
    def create(cls, path: Path, header: Header, *, force: bool = False) -> Journal:
        refuse_overwriting(path, force=force)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UnableError(f"{path} cannot be written: {error.strerror}") from error
        journal = cls(path, open_locked(path, create=True))
        try:
            if path.stat().st_size:  # by another run, if it was not there a moment ago
                refuse_overwriting(path, force=force)
            empty(journal._stream)
            journal._write(msgspec.to_builtins(header, builtin_types=(bytes,)))
        except BaseException:
            journal.close()
            raise
        return journal

    @classmethod
    def extend(cls, run: Run) -> Journal:
        """Go on with a journal that was read, after its last complete line."""
        stream = open_locked(run.path, create=False)
        size = stream.seek(0, SEEK_END)
        if size != run.read_bytes:
            stream.close()
            raise UnableError(f"{run.path} was written to after it had been read; try again")
        stream.truncate(run.good_bytes)
        stream.seek(run.good_bytes)
        return cls(run.path, stream)

    def append(self, line: JournalLine) -> None:
        """Write one line and hand it to the system at once."""
        self._write({"kind": LINE_NAMES[type(line)], **self._fields(line)})

    @staticmethod
    def _fields(line: JournalLine) -> dict[str, Any]:
        fields: dict[str, Any] = msgspec.to_builtins(line, builtin_types=(bytes,))
        if isinstance(line, Trial):
            fields["trial_kind"] = fields.pop("kind")
            fields.pop("sitting", None)  # which the lines before it tell
        return fields

    def _write(self, fields: dict[str, Any]) -> None:
        line = portable(msgspec.json.encode(writable(fields)), self._places) + b"\n"
        try:
            while line:
                line = line[self._stream.write(line) :]
        except OSError as error:
            raise UnableError(f"{self.path} cannot be written: {error.strerror}") from error

    def close(self) -> None:
        self._stream.close()
