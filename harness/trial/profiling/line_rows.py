"""Writes down what lines do: a row of a shared page for each statement, and the names they need."""

from __future__ import annotations

import mmap
import time
from collections.abc import Iterable, Mapping
from types import CodeType
from typing import Any

from harness.schema.records import MISSED, Rss
from harness.trial.meters.allocated import ACCURATE_BYTES
from harness.trial.meters.process_memory import SWAPPED
from harness.trial.profiling import lines_page as at
from harness.trial.profiling.line_meter import LineMeter, Reading, heap_bytes
from harness.trial.profiling.lines_page import LinesPage
from harness.trial.profiling.open_line import OpenLine, Spent
from harness.trial.profiling.statements import first_lines

CALL = 0
"""The row of the whole call."""


class LineRows:
    """The rows of one call.

    Args:
        page: where they are.
        meter: says where its figures come from.
    """

    def __init__(self, page: LinesPage, meter: LineMeter) -> None:
        self._page, self._words = page, page.words
        self._meter = meter
        self._statements: dict[str, Mapping[int, int]] = {}
        self._rows: dict[tuple[str, int], int] = {}
        self._files: list[str] = []
        self._functions: list[dict[str, Any]] = []
        self._base_bytes = 0

    def learn(self, files: Iterable[str]) -> None:
        """Read files whose lines will come."""
        for file in files:
            if file not in self._statements:
                self._statements[file] = first_lines(file)

    def begin(self) -> None:
        """Make the row of the whole call."""
        self._new_row(-1, 0, -1)
        self.count_visit(CALL)
        self._write_names()

    def function(self, code: CodeType) -> int | None:
        """Take a function in; its index, or None where there is no room for its name."""
        self.learn([code.co_filename])
        if code.co_filename not in self._files:
            self._files.append(code.co_filename)
        self._functions.append(
            {
                "name": code.co_qualname,
                "file": self._files.index(code.co_filename),
                "first_line": code.co_firstlineno,
            }
        )
        if not self._write_names():
            self._functions.pop()
            self._words[at.FULL] = 1
            return None
        return len(self._functions) - 1

    def row(self, file: str, line: int, function: int) -> int | None:
        """The row of a line's statement; None where there is no room for more."""
        statement = self._statements[file].get(line, line)
        row = self._rows.get((file, statement))
        if row is None:
            if self._words[at.ROWS] >= at.ROW_LIMIT:
                self._words[at.FULL] = 1
                return None
            row = self._new_row(self._files.index(file), statement, function)
            self._rows[file, statement] = row
        return row

    def count_visit(self, row: int) -> None:
        self._words[self._page.row_at(row) + at.R_VISITS] += 1

    def opened(self, row: int, reading: Reading) -> bool:
        """Note that a line begins; returns whether it is not open further out, too."""
        words, start = self._words, self._page.row_at(row)
        words[start + at.R_OPEN] += 1
        if words[start + at.R_OPEN] > 1:
            return False
        rss = reading.status.rss
        if row == CALL:
            self._base_bytes = _own_bytes(rss)
        words[start + at.R_BEGAN] = time.perf_counter_ns()
        words[start + at.R_SPENT] = words[at.WATCHING_NS]
        words[start + at.R_ANON] = words[start + at.R_HIGH_ANON] = rss.anon_bytes
        words[start + at.R_FILED] = words[start + at.R_HIGH_FILED] = rss.file_bytes
        words[start + at.R_SHARED] = words[start + at.R_HIGH_SHARED] = rss.shmem_bytes
        words[start + at.R_HIGH_TOTAL] = rss.total_bytes
        if reading.room_bytes is None:
            words[start + at.R_FLAGS] |= at.ROOM_UNKNOWN
        else:
            words[start + at.R_ROOM] = max(words[start + at.R_ROOM], reading.room_bytes)
        return True

    def reached(self, line: OpenLine) -> None:
        """Note how high a line has come that goes on: the process may not outlive it."""
        words, start = self._words, self._page.row_at(line.row)
        for word, high_bytes in (
            (at.R_HIGH_ANON, line.anon_bytes),
            (at.R_HIGH_FILED, line.file_bytes),
            (at.R_HIGH_SHARED, line.shmem_bytes),
            (at.R_HIGH_TOTAL, max(line.peak_bytes, line.total_bytes)),
        ):
            words[start + word] = max(words[start + word], high_bytes)

    def closed(self, line: OpenLine, last: Reading, spent: Spent, *, observed: bool) -> None:
        """Note that a line ends, and what it did.

        Args:
            line: the visit.
            last: what was read at its end.
            spent: what watching had taken by then.
            observed: whether the kinds of pages were.
        """
        words, start = self._words, self._page.row_at(line.row)
        words[start + at.R_OPEN] -= 1
        if not line.outermost:
            return
        kept = last.status.rss - line.began.status.rss
        words[start + at.R_KEPT_ANON] += kept.anon_bytes
        words[start + at.R_KEPT_FILE] += kept.file_bytes
        words[start + at.R_KEPT_SHMEM] += kept.shmem_bytes
        words[start + at.R_HEAP] += heap_bytes(line.began, last)
        minor = last.minor - line.began.minor - (spent.minor - line.spent.minor)
        major = last.major - line.began.major - (spent.major - line.spent.major)
        words[start + at.R_MINOR] += max(0, minor)
        words[start + at.R_MAJOR] += max(0, major)
        words[start + at.R_TIME] += max(0, last.at_ns - line.began_ns - (spent.ns - line.spent.ns))
        self._note_level(start, line.anon_bytes + line.shmem_bytes)
        if not observed:
            words[start + at.R_FLAGS] |= at.SPLIT_MISSED
        if line.did_something:
            self._note_peak(start, line, last, minor, observed=observed)

    def _note_level(self, start: int, memory_bytes: int) -> None:
        """Note how high a line came, without mapped files, above the beginning of the call."""
        level = memory_bytes - self._base_bytes
        self._words[start + at.R_LEVEL] = max(self._words[start + at.R_LEVEL], level)

    def _note_peak(
        self, start: int, line: OpenLine, last: Reading, minor: int, *, observed: bool
    ) -> None:
        words, ledger = self._words, line.ledger(last, observed=observed)
        peak = ledger.peak
        words[start + at.R_PEAK] = max(words[start + at.R_PEAK], ledger.peak_extra_bytes)
        words[start + at.R_PEAK_FILE] = max(words[start + at.R_PEAK_FILE], peak.file_bytes)
        # One visit may map a file, and another one need less, but of its own.
        if _own_bytes(peak) > words[start + at.R_PEAK_ANON] + words[start + at.R_PEAK_SHMEM]:
            words[start + at.R_PEAK_ANON] = peak.anon_bytes
            words[start + at.R_PEAK_SHMEM] = peak.shmem_bytes
        self._note_level(start, _own_bytes(line.began.status.rss) + _own_bytes(peak))
        if ledger.at_least == SWAPPED:
            words[start + at.R_FLAGS] |= at.SWAPPED_OUT
        # Each page that took the place of another one came with a fault.
        elif ledger.at_least and minor * mmap.PAGESIZE > peak.anon_bytes + ACCURATE_BYTES:
            words[start + at.R_FLAGS] |= at.FILE_REPLACED
        if ledger.split_source == MISSED:
            words[start + at.R_FLAGS] |= at.SPLIT_MISSED

    def _new_row(self, file: int, line: int, function: int) -> int:
        row = int(self._words[at.ROWS])
        start = self._page.row_at(row)
        self._words[start + at.R_FILE] = file
        self._words[start + at.R_LINE] = line
        self._words[start + at.R_FUNCTION] = function
        self._words[at.ROWS] = row + 1
        return row

    def _write_names(self) -> bool:
        return self._page.write_text(
            {
                "files": self._files,
                "functions": self._functions,
                "source": self._meter.meter.source,
                "allocator": self._meter.allocator,
            }
        )


def _own_bytes(rss: Rss) -> int:
    """Without pages of mapped files."""
    return rss.anon_bytes + rss.shmem_bytes
