"""An observer beside a trial: which kind of memory was resident at most during the call.

The kernel keeps one high-water mark for all kinds of pages together. To tell a copy from a mapped
file that was unmapped again, another process reads the trial's status file tens of
thousands of times a second. It runs only in trials that measure memory, never beside timing.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from collections.abc import Callable

from harness.schema.records import Rss
from harness.trial.meters.process_memory import STATUS, Watched, parse_status

_READY, _WATCHING, _DONE = 1, 2, 3
_LAYOUT = struct.Struct("=7q")  # asked, state, samples, highest anon, file, shmem, total
_WORD = struct.Struct("=q")
_PATIENCE_S = 5.0
_NAP_S = 20e-6
"""Between readings. It leaves others half of a processor where the observer comes before them, and
where it does not, a process that sleeps gets its turn sooner than one that never stops."""


class WatchPage:
    """A page of memory the trial and its observer share: a request, a state, and the result."""

    def __init__(self) -> None:
        self._map = mmap.mmap(-1, mmap.PAGESIZE)

    def clear(self) -> None:
        self._map[: _LAYOUT.size] = bytes(_LAYOUT.size)

    def _word(self, index: int) -> int:
        value: int = _WORD.unpack_from(self._map, index * 8)[0]
        return value

    def _set(self, index: int, value: int) -> None:
        _WORD.pack_into(self._map, index * 8, value)

    def _wait_for(self, state: int) -> bool:
        deadline = time.monotonic() + _PATIENCE_S
        while self._word(1) < state:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.0002)
        return True

    def start(self) -> bool:
        """For the trial: begin observing. False when there is no observer."""
        self._set(0, _WATCHING)
        return self._wait_for(_WATCHING)

    def stop(self) -> Watched | None:
        """For the trial: end observing and return the maxima, or None if the observer is gone."""
        self._set(0, _DONE)
        if not self._wait_for(_DONE):
            return None
        return Watched(Rss(*(self._word(index) for index in (3, 4, 5))), self._word(6))

    def observe(self, pid: int, when_asked: Callable[[], object] = lambda: None) -> None:
        """For the observer: serve one call of process ``pid``, then return.

        Args:
            pid: the trial.
            when_asked: called before the first reading, while the trial waits for it.
        """
        status = os.open(STATUS.format(pid=pid), os.O_RDONLY)
        self._set(1, _READY)
        while self._word(0) < _WATCHING:
            time.sleep(0.0002)
        when_asked()
        anon = file = shmem = total = samples = 0
        try:
            while True:
                rss = parse_status(os.pread(status, 8192, 0)).rss
                anon = max(anon, rss.anon_bytes)
                file = max(file, rss.file_bytes)
                shmem = max(shmem, rss.shmem_bytes)
                total = max(total, rss.total_bytes)
                samples += 1
                if samples == 1:  # only now does the trial go ahead
                    self._set(1, _WATCHING)
                if self._word(0) == _DONE:
                    break
                time.sleep(_NAP_S)
        except (ValueError, ProcessLookupError):  # the trial has died
            return
        for index, value in ((2, samples), (3, anon), (4, file), (5, shmem), (6, total)):
            self._set(index, value)
        self._set(1, _DONE)
