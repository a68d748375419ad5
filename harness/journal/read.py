"""Reading a journal, and refusing one that is damaged or of a newer schema.

A journal that ends in half a line was cut short while that line was being written: the rest of it
is good, and readers say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import msgspec

from harness.errors import UsageError
from harness.files.reading import line_of, opened
from harness.journal.described import undescribed
from harness.journal.lines import (
    FORMAT,
    LINE_KINDS,
    SCHEMA,
    CeilingLine,
    EndLine,
    Header,
    JournalError,
    JournalLine,
    ResumeLine,
    Run,
)
from harness.journal.machines import merged_remarks
from harness.journal.paths import Places, places_of_old, portable
from harness.journal.plain import NUMBER, nan_for_null, restored, too_large
from harness.journal.undeclared_groups import with_groups
from harness.schema.records import Trial


def read_journal(path: Path) -> Run:
    """Read and validate a whole journal.

    Raises:
        JournalError: foreign, damaged, empty, or of a newer schema.
        UsageError: it cannot be read.
    """
    with opened(path) as stream:
        return read_lines(path, line_of(stream, path), stream)


def read_lines(path: Path, first: bytes, stream: BinaryIO) -> Run:
    """The same, of a file whose first line was read already."""
    if not first.endswith(b"\n"):
        raise JournalError(path, 1, "not a ferrybench journal: no complete line in it")
    places = places_of_old(first)
    run = Run(path, _header(path, portable(first, places)))
    run.good_bytes = run.read_bytes = len(first)
    sitting, seen = 0, set[tuple[int, str, int]]()
    for number, line in _body(path, _complete_lines(run, stream), places):
        match line:
            case Trial():
                _check_case(path, number, line, run.header)
                _check_once(path, number, line, seen)
                line.sitting = sitting
                run.trials.append(line)
                run.ended = ""
            case CeilingLine():
                run.ceilings.append(line)
            case EndLine(reason):
                run.ended = reason
            case ResumeLine():
                sitting += 1
                run.ended = ""
    if run.read_bytes > run.good_bytes:
        run.remarks.append(f"{path}: the last line is incomplete and was ignored")
    run.remarks += merged_remarks(run)
    return run


def _complete_lines(run: Run, stream: BinaryIO) -> Iterator[bytes]:
    """Line by line, counted in the run; not the last one, where it was cut short."""
    while line := line_of(stream, run.path):
        run.read_bytes += len(line)
        if line.endswith(b"\n"):
            run.good_bytes = run.read_bytes
            yield line


def is_journal(first: bytes) -> bool:
    """Whether a file with this line at its beginning is a journal, good or not."""
    try:
        return msgspec.json.decode(first, type=_Format).format == FORMAT
    except (ValueError, RecursionError):
        return False


class _Format(msgspec.Struct):
    """Of a header, what it is one of."""

    format: str


class _Sides(msgspec.Struct):
    """Of a plan, whether it compares two sides."""

    sides: Any = None


class _Beginning(msgspec.Struct):
    """Of a header, when its run began, what it compares and whether it was merged of others."""

    format: str
    created: str
    plan: _Sides
    sources: Any = None


def began(path: Path, *, to_resume: bool = False) -> float | None:
    """When a journal's run began, in seconds since the epoch; None of what is no journal.

    Args:
        path: the file, of which only the first line is read.
        to_resume: nor of a run that compares two sides, or was merged: neither can be taken up.
    """
    try:
        with opened(path) as stream:
            header = msgspec.json.decode(line_of(stream, path), type=_Beginning)
        when = datetime.fromisoformat(header.created).timestamp()
    except (UsageError, ValueError, OverflowError, RecursionError):
        return None
    ended = header.plan.sides is not None or bool(header.sources)
    return when if header.format == FORMAT and not (to_resume and ended) else None


def _header(path: Path, line: bytes) -> Header:
    try:
        fields = restored(msgspec.json.decode(line))
        if too_large(fields, line):
            raise JournalError(path, 1, f"damaged header: {_TOO_LARGE}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
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
        header = _as(Header, fields)
        datetime.fromisoformat(header.created)
    except (ValueError, RecursionError) as error:  # msgspec's errors are of the first kind
        raise JournalError(path, 1, f"damaged header: {error}") from error
    if lacking := undescribed(header):
        raise JournalError(path, 1, f"damaged header: {lacking}")
    told = zip(header.scenarios, fields["scenarios"], strict=True)
    scenarios = [info if "groups" in one else with_groups(info) for info, one in told]
    return replace(header, scenarios=tuple(scenarios))


T = TypeVar("T")
_TAG = NUMBER.encode()
_TOO_LARGE = "a number of more than 64 bits"
_FIELDS = msgspec.json.Decoder(dict[str, Any])


def _body(path: Path, lines: Iterable[bytes], places: Places) -> Iterator[tuple[int, JournalLine]]:
    for number, written in enumerate(lines, start=2):
        line = portable(written, places)
        try:
            fields = _FIELDS.decode(line)
            if _TAG in line:
                fields = restored(fields)
            if too_large(fields, line):
                raise JournalError(path, number, f"damaged: {_TOO_LARGE}")
            kind = fields.pop("kind", None)
            if not isinstance(kind, str) or kind not in LINE_KINDS:
                raise JournalError(path, number, f"unknown kind of line: {kind!r}")
            if kind == "trial":
                fields["kind"] = fields.pop("trial_kind", None)
            yield number, _as(LINE_KINDS[kind], fields)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise JournalError(path, number, f"damaged: {error}") from error


def _as(kind: type[T], fields: Any) -> T:
    """The fields as a line; numbers that were once written as null are NaN."""
    while True:
        try:
            return msgspec.convert(fields, kind)
        except msgspec.ValidationError as error:
            if not nan_for_null(fields, str(error)):
                raise


def _check_once(path: Path, number: int, trial: Trial, seen: set[tuple[int, str, int]]) -> None:
    """A second trial of one case, kind and round is of a second run that wrote into the file."""
    key = (trial.case, trial.kind, trial.round)
    if key in seen:
        problem = f"a second {trial.kind} trial of case {trial.case} in round {trial.round}"
        raise JournalError(path, number, problem)
    seen.add(key)


def _check_case(path: Path, number: int, trial: Trial, header: Header) -> None:
    if not 0 <= trial.case < len(header.plan.cases):
        count = len(header.plan.cases)
        problem = f"trial refers to case {trial.case}, but the plan has only {count} cases"
        raise JournalError(path, number, problem)
