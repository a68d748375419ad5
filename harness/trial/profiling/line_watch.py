"""Follows one call line by line, and has written down what each line does to memory.

Between two line events everything is read once: that ends one section and begins the next. A line
that calls functions that are watched too is open while their lines come and go: what they do is
part of it. Each open line thus has the maxima of all sections in it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from types import CodeType, FrameType
from typing import Any

from harness.trial.profiling import lines_page as at
from harness.trial.profiling.line_events import line_events
from harness.trial.profiling.line_meter import LineMeter, Reading, faults
from harness.trial.profiling.line_rows import CALL, LineRows
from harness.trial.profiling.lines_page import LinesPage
from harness.trial.profiling.open_line import OpenLine, Spent

_WITHIN_A_LINE = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>", "<lambda>")


class LineWatch:
    """Watches one call, in the thread that makes it.

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
        self._rows = LineRows(page, self._meter)
        self._known: dict[int, tuple[CodeType, int | None]] = {}  # by id: hashing code takes longer
        self._stack: list[OpenLine] = []
        self._spent = Spent()
        self._events = line_events(self)
        self._pid = os.getpid()

    # What happens around the call

    def learn(self, files: Iterable[str]) -> None:
        """Read files whose lines will come, before anything is watched."""
        self._rows.learn(files)

    def run(self, call: Callable[[], Any]) -> Any:
        """Make the call; whatever it raises is raised here, and what was seen is on the page.

        Memory has been brought into its state by then.
        """
        os.register_at_fork(after_in_child=self._forget, after_in_parent=self._count_fork)
        self._page.touch()
        self._rows.begin()
        self._meter.read()  # the first reading allocates; later ones do not
        self._next_section()
        self._open(CALL, None, 0, self._meter.read())
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
            function = self._rows.function(code) if self._watched(frame) else None
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
        self._rows.count_visit(row)
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

    def _row(self, frame: FrameType) -> int | None:
        function = self._known[id(frame.f_code)][1]
        if function is None or frame.f_lineno is None:  # an instruction of no line
            return None
        return self._rows.row(frame.f_code.co_filename, frame.f_lineno, function)

    @staticmethod
    def _is_within(top: OpenLine, row: int, frame: FrameType) -> bool:
        """Whether a frame is a comprehension or lambda of the very line that is open."""
        return top.row == row and frame.f_code.co_name in _WITHIN_A_LINE

    # Sections and lines

    def _boundary(self) -> Reading:
        """End a section: read everything, and add its maxima to the innermost line."""
        reading = self._meter.read()
        seen = self._page.seen() if self.observed else None
        if self._stack:
            self._stack[-1].add(reading.status, seen)
            self._rows.reached(self._stack[-1])
        return reading

    def _begin(self, reading: Reading) -> None:
        """Begin the next section; what it took since the reading is nobody's."""
        self._next_section()
        words, spent = self._words, self._spent
        words[at.BOUNDARIES] += 1
        minor, major = faults()
        spent.minor += minor - reading.minor
        spent.major += major - reading.major
        now = time.perf_counter_ns()
        spent.ns += now - reading.at_ns
        words[at.WATCHING_NS] = spent.ns
        if self._stack and self._stack[-1].began is reading:  # it begins just now
            self._stack[-1].began_ns, self._stack[-1].spent = now, replace(spent)

    def _next_section(self) -> None:
        self._meter.meter.reset_peak()
        self._words[at.SECTION] += 1

    def _open(self, row: int, frame: FrameType | None, instruction: int, reading: Reading) -> None:
        outermost = self._rows.opened(row, reading)
        now, spent = time.perf_counter_ns(), replace(self._spent)
        line = OpenLine(row, frame, instruction, reading, outermost, now, spent)
        line.add(replace(reading.status, peak_bytes=0), None)  # that peak was of what came before
        self._stack.append(line)

    def _close(self, reading: Reading) -> FrameType | None:
        """End the innermost line; returns its frame."""
        line = self._stack.pop()
        if self._stack:
            self._stack[-1].add_inner(line)
            self._rows.reached(self._stack[-1])
        self._rows.closed(line, reading, self._spent, observed=self.observed)
        return line.frame
