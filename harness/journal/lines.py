"""The record of a run: JSON Lines, appended and flushed trial by trial.

The first line is the header: format, schema version, the plan, the environment and the scenarios
as data, so that a journal can be analysed where neither torch nor the scenarios exist. Every
other line has a ``kind``. A journal that ends in half a line was cut short while that line was
being written: the rest of it is good, and readers say so.

Schema history: 1 — first version. 2 — loaders: phases of epochs, process trees. 3 — training
steps, page cache, limits; outcomes with kind and place. 4 — two sides that are compared within a
run, in duets; times and memory of accelerators.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from harness.errors import UnableError, UsageError, refuse_overwriting
from harness.host.closing import Closing
from harness.host.environment import Environment
from harness.schema.description import ScenarioInfo
from harness.schema.records import Ceiling, Effort, HostSpec, PlannedCase, Trial

FORMAT = "ferrybench-journal"
SCHEMA = 4


class JournalError(UsageError):
    """A journal that cannot be read; the message names the file, the line and the problem."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(f"{path}, line {line}: {problem}")


@dataclass(frozen=True)
class Sides:
    """The two hosts that a run compares, by name, and what the user called them."""

    base: str
    candidate: str
    base_label: str
    candidate_label: str


@dataclass(frozen=True)
class Plan:
    """Everything that was decided before the first measurement."""

    level: str
    seed: int
    effort: Effort
    budget_s: float  # 0: no limit
    method: str  # fork or spawn
    hosts: tuple[HostSpec, ...]
    cases: tuple[PlannedCase, ...]
    sides: Sides | None = None
    calibration_runs: int = 0  # of identical code, into which its rounds are to be cut


@dataclass(frozen=True)
class Header:
    """The first line of a journal."""

    run_id: str
    created: str  # ISO 8601, with the offset from UTC
    plan: Plan
    environment: Environment
    scenarios: tuple[ScenarioInfo, ...]
    format: str = FORMAT
    schema: int = SCHEMA


@dataclass(frozen=True)
class CeilingLine:
    """A machine limit, measured at the start of a round."""

    round: int
    ceiling: Ceiling


@dataclass(frozen=True)
class EndLine:
    """Why measuring stopped: complete, budget or interrupted."""

    reason: str


@dataclass(frozen=True)
class ResumeLine:
    """The run was taken up again, in this environment."""

    environment: Environment


Line = Trial | CeilingLine | EndLine | ResumeLine
_KINDS: dict[str, type[Line]] = {
    "trial": Trial,
    "ceiling": CeilingLine,
    "end": EndLine,
    "resume": ResumeLine,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


@dataclass
class Run:
    """A journal, read."""

    path: Path
    header: Header
    trials: list[Trial] = field(default_factory=list)
    ceilings: list[CeilingLine] = field(default_factory=list)
    ended: str = ""  # the last reason to stop; empty when the run was cut off
    remarks: list[str] = field(default_factory=list)  # what a reader should be told
    good_bytes: int = 0  # length of the file up to its last complete line


class Journal(Closing):
    """A journal open for appending.

    Raises:
        UnableError: the file cannot be written.
        UsageError: it exists and neither ``force`` nor an append was asked for.
    """

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self.path = path
        self._stream = stream

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

    def append(self, line: Line) -> None:
        """Write one line and hand it to the system at once."""
        self._write({"kind": _NAMES[type(line)], **self._fields(line)})

    @staticmethod
    def _fields(line: Line) -> dict[str, Any]:
        fields: dict[str, Any] = msgspec.to_builtins(line)
        if isinstance(line, Trial):
            fields["trial_kind"] = fields.pop("kind")
        return fields

    def _write(self, fields: dict[str, Any]) -> None:
        try:
            self._stream.write(msgspec.json.encode(fields) + b"\n")
            self._stream.flush()
        except OSError as error:
            raise UnableError(f"{self.path} cannot be written: {error.strerror}") from error

    def close(self) -> None:
        self._stream.close()


def read_journal(path: Path) -> Run:
    """Read and validate a whole journal.

    Raises:
        JournalError: foreign, damaged, empty, or of a newer schema.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    lines = data.split(b"\n")
    rest = lines.pop()  # empty, unless the last line was cut short
    if not lines:
        raise JournalError(path, 1, "not a ferrybench journal: no complete line in it")
    run = Run(path, _header(path, lines[0]), good_bytes=len(data) - len(rest))
    for number, line in _body(path, lines):
        match line:
            case Trial():
                _check_case(path, number, line, run.header)
                run.trials.append(line)
                run.ended = ""
            case CeilingLine():
                run.ceilings.append(line)
            case EndLine(reason):
                run.ended = reason
            case ResumeLine():
                run.ended = ""
    if rest:
        run.remarks.append(f"{path}: the last line is incomplete and was ignored")
    return run


def _header(path: Path, line: bytes) -> Header:
    try:
        fields = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        fields = None
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise JournalError(path, 1, "not a ferrybench journal")
    schema = fields.get("schema")
    if not isinstance(schema, int) or schema > SCHEMA:
        raise JournalError(
            path,
            1,
            f"written by a newer ferrybench (schema {schema}, this one reads up to {SCHEMA}); "
            "upgrade ferrybench to read it",
        )
    try:
        return msgspec.convert(fields, Header)
    except msgspec.ValidationError as error:
        raise JournalError(path, 1, f"damaged header: {error}") from error


_FIELDS = msgspec.json.Decoder(dict[str, Any])


def _body(path: Path, lines: list[bytes]) -> Iterator[tuple[int, Line]]:
    for number, line in enumerate(lines[1:], start=2):
        try:
            fields = _FIELDS.decode(line)
            kind = fields.pop("kind", None)
            if kind not in _KINDS:
                raise JournalError(path, number, f"unknown kind of line: {kind!r}")
            if kind == "trial":
                fields["kind"] = fields.pop("trial_kind", None)
            yield number, msgspec.convert(fields, _KINDS[kind])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise JournalError(path, number, f"damaged: {error}") from error


def _check_case(path: Path, number: int, trial: Trial, header: Header) -> None:
    if not 0 <= trial.case < len(header.plan.cases):
        raise JournalError(path, number, f"trial of case {trial.case}, which the plan has not")
