"""Memory that a watched process shares with its observer and its host: what was seen by line.

It outlives the process, so that of a call that never ends, or takes its process along, what was
seen until then is known. The observer reads the process's status again and again, and says of each
section between two line events which kinds of pages were resident at most: the kernel keeps but one
high-water mark, for all kinds together.
"""

from __future__ import annotations

import json
import mmap
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from harness.schema.records import Rss
from harness.trial.meters.process_memory import STATUS, Watched, parse_status

ASKED, STATE, SECTION, SEEN_IN, ANON, FILE, SHMEM, TOTAL = range(8)
ROWS, BOUNDARIES, WATCHING_NS, BOUNDARY_NS, ENDED, TEXT, FULL, FORKS, LOST = range(8, 17)
_READY, _WATCHING = 1, 2
_WATCH, _END = 1, 2
HEAD_WORDS = 64
(
    R_FILE,
    R_LINE,
    R_FUNCTION,
    R_VISITS,
    R_TIME,
    R_PEAK,
    R_PEAK_ANON,
    R_PEAK_FILE,
    R_PEAK_SHMEM,
    R_KEPT_ANON,
    R_KEPT_FILE,
    R_KEPT_SHMEM,
    R_HEAP,
    R_MINOR,
    R_MAJOR,
    R_LEVEL,
    R_ROOM,
    R_FLAGS,
    R_OPEN,
    R_BEGAN,
    R_SPENT,
    R_ANON,
    R_FILED,
    R_SHARED,
    R_HIGH_ANON,
    R_HIGH_FILED,
    R_HIGH_SHARED,
    R_HIGH_TOTAL,
) = range(28)
ROW_WORDS = 28
ROW_LIMIT = 2000
TEXT_BYTES = 128 * 1024
SPLIT_MISSED, SWAPPED_OUT, FILE_REPLACED, ROOM_UNKNOWN = 1, 2, 4, 8
_ROWS_AT = HEAD_WORDS
_TEXT_AT = (HEAD_WORDS + ROW_LIMIT * ROW_WORDS) * 8
_SIZE_BYTES = _TEXT_AT + TEXT_BYTES
_PATIENCE_S = 5.0
_NAP_S = 20e-6  # see harness.trial.meters.peak_watch
_TRIES = 100


class LinesPage:
    """The memory itself: words, then rows of words, then text."""

    def __init__(self) -> None:
        self._map = mmap.mmap(-1, _SIZE_BYTES)
        self.words: Any = memoryview(self._map)[:_TEXT_AT].cast("q")

    def clear(self) -> None:
        self._map[:] = bytes(_SIZE_BYTES)

    def touch(self) -> None:
        """For the process: have every page of it, so that none comes in while lines are watched."""
        for place in range(0, _SIZE_BYTES, mmap.PAGESIZE):
            self._map[place] = self._map[place]

    def row_at(self, row: int) -> int:
        """The index of a row's first word."""
        return _ROWS_AT + row * ROW_WORDS

    def write_text(self, plain: Any) -> bool:
        """Keep names; False where there is no room for them."""
        text = json.dumps(plain).encode()
        if len(text) > TEXT_BYTES:
            return False
        self._map[_TEXT_AT : _TEXT_AT + len(text)] = text
        self.words[TEXT] = len(text)
        return True

    def _wait_for(self, state: int) -> bool:
        deadline = time.monotonic() + _PATIENCE_S
        while self.words[STATE] < state:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.0002)
        return True

    def start(self) -> bool:
        """For the process: begin. False where there is no observer."""
        self.words[ASKED] = _WATCH
        return self._wait_for(_WATCHING)

    def finish(self) -> None:
        """For the process: the observer may go."""
        self.words[ASKED] = _END

    def seen(self) -> Watched | None:
        """For the process: what the observer saw in this section; None where nothing."""
        words = self.words
        section = words[SECTION]
        for _ in range(_TRIES):
            if words[SEEN_IN] != section:
                return None
            kinds = Rss(words[ANON], words[FILE], words[SHMEM])
            found = Watched(kinds, words[TOTAL])
            if words[SEEN_IN] == section:
                return found
        return None

    def observe(self, pid: int, when_asked: Callable[[], object] = lambda: None) -> None:
        """For the observer: watch process ``pid`` until it is told to end, or the process is gone.

        Args:
            pid: the process.
            when_asked: called before the first reading, while the process waits for it.
        """
        words = self.words
        status = os.open(STATUS.format(pid=pid), os.O_RDONLY)
        words[STATE] = _READY
        while words[ASKED] < _WATCH:
            time.sleep(0.0002)
        when_asked()
        section, anon, file, shmem, total = -1, 0, 0, 0, 0
        try:
            while words[ASKED] == _WATCH:
                began = words[SECTION]
                rss = parse_status(os.pread(status, 8192, 0)).rss
                if words[SECTION] == began:  # else it may be of either
                    if began != section:
                        section, anon, file, shmem, total = began, 0, 0, 0, 0
                    anon, file = max(anon, rss.anon_bytes), max(file, rss.file_bytes)
                    shmem, total = max(shmem, rss.shmem_bytes), max(total, rss.total_bytes)
                    words[SEEN_IN] = -1  # nobody takes a half of this for the whole
                    words[ANON], words[FILE], words[SHMEM] = anon, file, shmem
                    words[TOTAL], words[SEEN_IN] = total, section
                words[STATE] = _WATCHING
                time.sleep(_NAP_S)
        except (ValueError, ProcessLookupError):  # the process has died
            return

    def read(self) -> dict[str, Any]:
        """For the host: fields of :class:`~harness.schema.profile.Lines`; none before it began."""
        words = self.words
        if not words[TEXT]:
            return {}
        text = json.loads(self._map[_TEXT_AT : _TEXT_AT + words[TEXT]])
        words_of = [self._words_of(number) for number in range(words[ROWS])]
        is_open = [row for row in words_of if row[R_OPEN] > 0 and not words[ENDED]]
        rows = [self._row(row, is_open) for row in words_of]
        return {
            "files": text["files"],
            "functions": text["functions"],
            "rows": rows,
            "boundaries": words[BOUNDARIES],
            "watching_s": words[WATCHING_NS] / 1e9,
            "boundary_s": words[BOUNDARY_NS] / 1e9 if words[BOUNDARY_NS] else None,
            "source": text["source"],
            "allocator": text["allocator"],
            "missed": sum(row["split_missed"] for row in rows),
            "full": bool(words[FULL]),
            "forks": words[FORKS],
            "lost_trace": bool(words[LOST]),
        }

    def _words_of(self, number: int) -> Sequence[int]:
        start = self.row_at(number)
        return list(self.words[start : start + ROW_WORDS])

    def _row(self, row: Sequence[int], is_open: Sequence[Sequence[int]]) -> dict[str, Any]:
        flags = row[R_FLAGS]
        running = row in is_open
        found: dict[str, Any] = {
            "file": row[R_FILE],
            "line": row[R_LINE],
            "function": row[R_FUNCTION],
            "visits": row[R_VISITS],
            "time_s": row[R_TIME] / 1e9,
            "peak_bytes": row[R_PEAK],
            "peak": _kinds(row[R_PEAK_ANON : R_PEAK_SHMEM + 1]),
            "kept": _kinds(row[R_KEPT_ANON : R_KEPT_SHMEM + 1]),
            "heap_bytes": None if flags & ROOM_UNKNOWN else row[R_HEAP],
            "faults_minor": row[R_MINOR],
            "faults_major": row[R_MAJOR],
            "level_bytes": row[R_LEVEL],
            "room_bytes": None if flags & ROOM_UNKNOWN else row[R_ROOM],
            "split_missed": bool(flags & SPLIT_MISSED),
            "swapped": bool(flags & SWAPPED_OUT),
            "replaced": bool(flags & FILE_REPLACED),
            "running": running,
        }
        return {**found, **self._so_far(row, is_open)} if running else found

    def _so_far(self, row: Sequence[int], is_open: Sequence[Sequence[int]]) -> dict[str, Any]:
        """Of a line that had not ended: how long it took, and what it had come to, at least.

        Lines that are open and began later are within it. What the observer saw last counts if it
        was in the section that did not end.
        """
        within = [one for one in is_open if one[R_BEGAN] >= row[R_BEGAN]]
        highs = [one[R_HIGH_ANON : R_HIGH_TOTAL + 1] for one in within]
        seen = self.seen()
        if seen is not None:
            kinds = seen.highest
            highs.append(
                [kinds.anon_bytes, kinds.file_bytes, kinds.shmem_bytes, seen.total_bytes],
            )
        *high, total = [max(values) for values in zip(*highs, strict=True)]
        began = row[R_ANON : R_SHARED + 1]
        anon, file, shmem = [max(0, top - at) for top, at in zip(high, began, strict=True)]
        own = max((anon, shmem), (row[R_PEAK_ANON], row[R_PEAK_SHMEM]), key=sum)
        time_ns = time.perf_counter_ns() - row[R_BEGAN] - self.words[WATCHING_NS] + row[R_SPENT]
        call = self._words_of(0)
        return {
            "time_s": (row[R_TIME] + time_ns) / 1e9,
            "peak_bytes": max(0, row[R_PEAK], total - sum(began)),
            "peak": _kinds([own[0], max(file, row[R_PEAK_FILE]), own[1]]),
            "level_bytes": max(row[R_LEVEL], high[0] + high[2] - call[R_ANON] - call[R_SHARED]),
        }


def _kinds(values: Sequence[int]) -> dict[str, int]:
    names = ("anon_bytes", "file_bytes", "shmem_bytes")
    return dict(zip(names, values, strict=True))
