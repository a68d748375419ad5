"""Writing a journal: JSON Lines, appended and flushed trial by trial."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from harness.errors import UnableError, refuse_overwriting
from harness.host.closing import Closing
from harness.journal.lines import LINE_NAMES, Header, JournalLine, Run
from harness.journal.paths import places_here, portable
from harness.schema.records import Trial


class Journal(Closing):
    """A journal open for appending.

    Raises:
        UnableError: the file cannot be written.
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
            stream = path.open("wb")
        except OSError as error:
            raise UnableError(f"{path} cannot be written: {error.strerror}") from error
        journal = cls(path, stream)
        journal._write(msgspec.to_builtins(header))
        return journal

    @classmethod
    def extend(cls, run: Run) -> Journal:
        """Go on with a journal that was read, after its last complete line."""
        try:
            stream = run.path.open("r+b")
        except OSError as error:
            raise UnableError(f"{run.path} cannot be written: {error.strerror}") from error
        stream.truncate(run.good_bytes)
        stream.seek(run.good_bytes)
        return cls(run.path, stream)

    def append(self, line: JournalLine) -> None:
        """Write one line and hand it to the system at once."""
        self._write({"kind": LINE_NAMES[type(line)], **self._fields(line)})

    @staticmethod
    def _fields(line: JournalLine) -> dict[str, Any]:
        fields: dict[str, Any] = msgspec.to_builtins(line)
        if isinstance(line, Trial):
            fields["trial_kind"] = fields.pop("kind")
        return fields

    def _write(self, fields: dict[str, Any]) -> None:
        try:
            self._stream.write(portable(msgspec.json.encode(fields), self._places) + b"\n")
            self._stream.flush()
        except OSError as error:
            raise UnableError(f"{self.path} cannot be written: {error.strerror}") from error

    def close(self) -> None:
        self._stream.close()
