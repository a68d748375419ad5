"""Follows one call line by line, and writes down what each line does to memory.

Between two line events everything is read once: that ends one section and begins the next. A line
that calls functions that are watched too is open while their lines come and go: what they do is
part of it. Each open line thus has the maxima of all sections in it.
"""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import CodeType, FrameType
from typing import Any

from harness.schema.records import MISSED, Rss
from harness.trial.meters.allocated import ACCURATE_BYTES
from harness.trial.meters.process_memory import SWAPPED, Status, Watched, make_ledger
from harness.trial.profiling import lines_page as at
from harness.trial.profiling.line_events import line_events
from harness.trial.profiling.line_meter import LineMeter, Reading, faults, heap_bytes
from harness.trial.profiling.lines_page import LinesPage
from harness.trial.profiling.statements import first_lines

_WITHIN_A_LINE = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>", "<lambda>")
CALL = 0
"""The row of the whole call."""


@dataclass(slots=True)
class _Open:
    """A line that was entered and has not ended."""

    row: int
    frame: FrameType | None
    instruction: int  # at which it was entered
    began: Reading
    began_ns: int
    watching_ns: int  # in all, when it began
    own_minor: int  # faults of watching, in all, when it began
    own_major: int
    peak_bytes: int  # maxima of its sections
    anon_bytes: int
    file_bytes: int
    shmem_bytes: int
    total_bytes: int
    outermost: bool  # the line is not open further out


class LineWatch:
    """Watches calls of one thread. It must not be used for more than one.

    Args:
        page: where it writes.
        watched: says of a frame whether its lines count.
        observed: whether somebody watches the kinds of pages from outside.
    """

    def __init__(
        self, page: LinesPage, watched: Callable[[FrameType], bool], *, observed: bool
    ) -> None:
        self._page, self._words = page, page.words
        self._watched = watched
        self.observed = observed
        self._meter = LineMeter()
        self._known: dict[int, tuple[CodeType, int | None]] = {}  # by id: hashing code takes longer
        self._statements: dict[str, Mapping[int, int]] = {}
        self._rows: dict[tuple[str, int], int] = {}
        self._files: list[str] = []
        self._functions: list[dict[str, Any]] = []
        self._stack: list[_Open] = []
        self._watching_ns = self._own_minor = self._own_major = 0
        self._events = line_events(self)
        self._pid = os.getpid()
        self._base_bytes = 0

    # What happens around the call

    def learn(self, files: list[str]) -> None:
        """Read files whose lines will come, before anything is watched."""
        for file in files:
            self._statements.setdefault(file, first_lines(file))

    def run(self, call: Callable[[], Any]) -> Any:
        """Make the call; whatever it raises is raised here, and what was seen is on the page.

        Memory has been brought into its state by then.
        """
        os.register_at_fork(after_in_child=self._forget, after_in_parent=self._count_fork)
        self._page.touch()
        self._new_row(-1, 0, -1)
        self._write_names()
        self._meter.read()  # the first reading allocates; later ones do not
        self._next_section()
        reading = self._meter.read()
        self._base_bytes = _own_bytes(reading.status.rss)
        self._open(CALL, None, 0, reading)
        self._words[self._page.row_at(CALL) + at.R_VISITS] = 1
        try:
            with self._events as events:
                try:
                    result = call()
                finally:
                    self._words[at.LOST] = events.lost
        finally:
            self._end()
        return result

    def _end(self) -> None:
        if os.getpid() != self._pid:
            return
        reading = self._boundary()
        while self._stack:
            self._close(reading)
        self._words[at.ENDED] = 1
        self._page.finish()

    def _forget(self) -> None:
        """In a process that was forked: it has no part in this."""
        self._events.stop()
        self._stack.clear()

    def _count_fork(self) -> None:
        self._words[at.FORKS] += 1

    # What line events ask for

    def watches(self, frame: FrameType) -> bool:
        code = frame.f_code
        known = self._known.get(id(code))
        if known is None:
            function = self._function(frame) if self._watched(frame) else None
            known = self._known[id(code)] = code, function
        return known[1] is not None

    def line(self, frame: FrameType) -> None:
        row = self._row(frame)
        if row is None or not self._stack:
            return
        top = self._stack[-1]
        same = top.frame is frame
        if same and top.row == row and frame.f_lasti > top.instruction:
            return  # of a statement over several lines, or a loop within one
        if not same and self._is_within(top, row, frame):
            return
        reading = self._boundary()
        if same:
            self._close(reading)
        self._open(row, frame, frame.f_lasti, reading)
        self._words[self._page.row_at(row) + at.R_VISITS] += 1
        self._begin(reading)

    def resumed(self, frame: FrameType) -> None:
        row = self._row(frame)
        if row is None or not self._stack or self._is_within(self._stack[-1], row, frame):
            return
        reading = self._boundary()
        self._open(row, frame, -1, reading)
        self._begin(reading)

    def left(self, frame: FrameType) -> None:
        if not any(one.frame is frame for one in reversed(self._stack)):
            return
        reading = self._boundary()
        while self._close(reading) is not frame:
            pass
        self._begin(reading)

    @staticmethod
    def _is_within(top: _Open, row: int, frame: FrameType) -> bool:
        """Whether a frame is a comprehension or lambda of the very line that is open."""
        return top.row == row and frame.f_code.co_name in _WITHIN_A_LINE

    # Sections

    def _boundary(self) -> Reading:
        """End a section: read everything, and add its maxima to the innermost line."""
        reading = self._meter.read()
        seen = self._page.seen() if self.observed else None
        if self._stack:
            self._add(self._stack[-1], reading.status, seen)
        return reading

    def _add(self, line: _Open, status: Status, seen: Watched | None) -> None:
        line.peak_bytes = max(line.peak_bytes, status.peak_bytes)
        kinds = [status.rss] if seen is None else [status.rss, seen.highest]
        line.anon_bytes = max(line.anon_bytes, *(one.anon_bytes for one in kinds))
        line.file_bytes = max(line.file_bytes, *(one.file_bytes for one in kinds))
        line.shmem_bytes = max(line.shmem_bytes, *(one.shmem_bytes for one in kinds))
        total = status.rss.total_bytes if seen is None else seen.total_bytes
        line.total_bytes = max(line.total_bytes, status.rss.total_bytes, total)

    def _begin(self, reading: Reading) -> None:
        """Begin the next section; what it took since the reading is nobody's."""
        self._next_section()
        words = self._words
        words[at.BOUNDARIES] += 1
        minor, major = faults()
        self._own_minor += minor - reading.minor
        self._own_major += major - reading.major
        now = time.perf_counter_ns()
        self._watching_ns += now - reading.at_ns
        words[at.WATCHING_NS] = self._watching_ns
        if self._stack:
            top = self._stack[-1]
            if top.began is reading:  # it begins just now
                top.began_ns, top.watching_ns = now, self._watching_ns
                top.own_minor, top.own_major = self._own_minor, self._own_major

    def _next_section(self) -> None:
        self._meter.meter.reset_peak()
        self._words[at.SECTION] += 1

    # Lines

    def _open(self, row: int, frame: FrameType | None, instruction: int, reading: Reading) -> None:
        words, start = self._words, self._page.row_at(row)
        rss = reading.status.rss
        self._stack.append(
            _Open(
                row,
                frame,
                instruction,
                reading,
                time.perf_counter_ns(),
                self._watching_ns,
                self._own_minor,
                self._own_major,
                rss.total_bytes,
                rss.anon_bytes,
                rss.file_bytes,
                rss.shmem_bytes,
                rss.total_bytes,
                outermost=not words[start + at.R_OPEN],
            )
        )
        words[start + at.R_OPEN] += 1
        if not self._stack[-1].outermost:
            return
        words[start + at.R_BEGAN] = time.perf_counter_ns()
        words[start + at.R_ANON] = rss.anon_bytes
        words[start + at.R_FILED] = rss.file_bytes
        words[start + at.R_SHARED] = rss.shmem_bytes
        if reading.room_bytes is None:
            words[start + at.R_FLAGS] |= at.ROOM_UNKNOWN
        else:
            words[start + at.R_ROOM] = max(words[start + at.R_ROOM], reading.room_bytes)

    def _close(self, reading: Reading) -> FrameType | None:
        """End the innermost line; returns its frame."""
        line = self._stack.pop()
        self._words[self._page.row_at(line.row) + at.R_OPEN] -= 1
        if self._stack:
            outer = self._stack[-1]
            outer.peak_bytes = max(outer.peak_bytes, line.peak_bytes)
            outer.anon_bytes = max(outer.anon_bytes, line.anon_bytes)
            outer.file_bytes = max(outer.file_bytes, line.file_bytes)
            outer.shmem_bytes = max(outer.shmem_bytes, line.shmem_bytes)
            outer.total_bytes = max(outer.total_bytes, line.total_bytes)
        if line.outermost:
            self._note(line, reading)
        return line.frame

    def _note(self, line: _Open, last: Reading) -> None:
        """Add a visit to the row of its line."""
        words, start = self._words, self._page.row_at(line.row)
        first = line.began.status.rss
        kept = last.status.rss
        words[start + at.R_KEPT_ANON] += kept.anon_bytes - first.anon_bytes
        words[start + at.R_KEPT_FILE] += kept.file_bytes - first.file_bytes
        words[start + at.R_KEPT_SHMEM] += kept.shmem_bytes - first.shmem_bytes
        words[start + at.R_HEAP] += heap_bytes(line.began, last)
        minor = last.minor - line.began.minor - (self._own_minor - line.own_minor)
        major = last.major - line.began.major - (self._own_major - line.own_major)
        words[start + at.R_MINOR] += max(0, minor)
        words[start + at.R_MAJOR] += max(0, major)
        spent_ns = last.at_ns - line.began_ns - (self._watching_ns - line.watching_ns)
        words[start + at.R_TIME] += max(0, spent_ns)
        self._note_level(start, line.anon_bytes + line.shmem_bytes)
        if not self.observed:
            words[start + at.R_FLAGS] |= at.SPLIT_MISSED
        if self._did_something(line):
            self._note_peak(start, line, last, minor)

    def _note_level(self, start: int, memory_bytes: int) -> None:
        """Note how high a line came, without mapped files, above the beginning of the call."""
        level = memory_bytes - self._base_bytes
        self._words[start + at.R_LEVEL] = max(self._words[start + at.R_LEVEL], level)

    @staticmethod
    def _did_something(line: _Open) -> bool:
        """Whether a visit moved more than figures are accurate to: most of a loop's do not."""
        rss = line.began.status.rss
        grown = max(
            max(line.peak_bytes, line.total_bytes) - rss.total_bytes,
            line.anon_bytes - rss.anon_bytes,
            line.file_bytes - rss.file_bytes,
            line.shmem_bytes - rss.shmem_bytes,
        )
        return grown > ACCURATE_BYTES // 2

    def _note_peak(self, start: int, line: _Open, last: Reading, minor: int) -> None:
        words = self._words
        kinds = Rss(line.anon_bytes, line.file_bytes, line.shmem_bytes)
        watched = Watched(kinds, line.total_bytes) if self.observed else None
        after = replace(last.status, peak_bytes=line.peak_bytes)
        ledger = make_ledger(line.began.status, after, Rss(), "", watched)
        if ledger.peak_extra_bytes > words[start + at.R_PEAK]:
            words[start + at.R_PEAK] = ledger.peak_extra_bytes
            words[start + at.R_PEAK_ANON] = ledger.peak.anon_bytes
            words[start + at.R_PEAK_FILE] = ledger.peak.file_bytes
            words[start + at.R_PEAK_SHMEM] = ledger.peak.shmem_bytes
        before_bytes = _own_bytes(line.began.status.rss)
        self._note_level(start, before_bytes + _own_bytes(ledger.peak))
        if ledger.at_least == SWAPPED:
            words[start + at.R_FLAGS] |= at.SWAPPED_OUT
        # Each page that took the place of another one came with a fault.
        elif ledger.at_least and minor * mmap.PAGESIZE > ledger.peak.anon_bytes + ACCURATE_BYTES:
            words[start + at.R_FLAGS] |= at.FILE_REPLACED
        if ledger.split_source == MISSED:
            words[start + at.R_FLAGS] |= at.SPLIT_MISSED

    # Names

    def _row(self, frame: FrameType) -> int | None:
        """The row of a frame's statement; None where there is no room for more."""
        file, line = frame.f_code.co_filename, frame.f_lineno
        if line is None:  # an instruction of no line
            return None
        statement = self._statements[file].get(line, line)
        row = self._rows.get((file, statement))
        if row is None:
            function = self._known[id(frame.f_code)][1]
            if function is None or self._words[at.ROWS] >= at.ROW_LIMIT:
                self._words[at.FULL] = function is not None
                return None
            row = self._rows[file, statement] = self._new_row(
                self._files.index(file), statement, function
            )
        return row

    def _new_row(self, file: int, line: int, function: int) -> int:
        row = int(self._words[at.ROWS])
        start = self._page.row_at(row)
        self._words[start + at.R_FILE] = file
        self._words[start + at.R_LINE] = line
        self._words[start + at.R_FUNCTION] = function
        self._words[at.ROWS] = row + 1
        return row

    def _function(self, frame: FrameType) -> int | None:
        """Take a function in; its index, or None where there is no room for its name."""
        code = frame.f_code
        if code.co_filename not in self._files:
            self.learn([code.co_filename])
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
