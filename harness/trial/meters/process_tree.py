"""An observer beside a trial that adds up the memory of its whole process tree.

Resident memory cannot be added up over processes, since each counts the pages they share. The
proportional set size (PSS) divides every page by the number of processes that map it, so its sum
counts each once: ``/proc/PID/smaps_rollup``, proc_pid_smaps(5). The host and the observer are
counted along, for a forked trial shares pages with them: without them, the tree would seem to
grow with every worker that takes over a part of the host's own pages. Growth is what remains.

A reading walks page tables, some 3 ms for each process, so it has a trial of its own and never
runs beside timing. While processes come and go, a page may be counted by both or by neither: a
reading counts only if the tree was the same before and after it.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.schema.records import Rss, TreeSample

PERIOD_S = 0.02
NAPS_PER_READING = 2
"""Times a reading's own length until the next, so that it leaves the tree its processors."""
ROLLUP = "/proc/{pid}/smaps_rollup"
SHARED_MEMORY = "/dev/shm"  # noqa: S108 — only asked how full it is
_CAPACITY = 512
_HEAD = struct.Struct("=4q")  # requests, answers, samples, whether to end
_SAMPLE = struct.Struct("=9q")
_PATIENCE_S = 20.0
_TRIES = 5
_NAP_S = 0.0005


@dataclass(frozen=True)
class TreeReading:
    """Absolute sums over a process tree at one instant."""

    at_ns: int
    processes: int
    rss_bytes: int
    pss: Rss
    open_files: int
    shm_bytes: int

    def pack(self) -> bytes:
        parts = (self.pss.anon_bytes, self.pss.file_bytes, self.pss.shmem_bytes)
        return _SAMPLE.pack(
            self.at_ns, self.processes, self.rss_bytes, *parts, self.open_files, self.shm_bytes, 0
        )

    @classmethod
    def unpack(cls, data: bytes) -> TreeReading:
        at_ns, processes, rss, anon, file, shmem, files, shm, _ = _SAMPLE.unpack(data)
        return cls(at_ns, processes, rss, Rss(anon, file, shmem), files, shm)

    def since(self, first: TreeReading) -> TreeSample:
        """The same as growth over the first reading, where that means something."""
        return TreeSample(
            at_s=(self.at_ns - first.at_ns) / 1e9,
            processes=self.processes,
            rss_bytes=self.rss_bytes,
            pss=self.pss - first.pss,
            open_files=self.open_files,
            shm_bytes=self.shm_bytes - first.shm_bytes,
        )


def descendants(root: int) -> set[int]:
    """A process and everything it started, whichever of their threads did."""
    found, unseen = set(), [root]
    while unseen:
        pid = unseen.pop()
        if pid in found:
            continue
        found.add(pid)
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                    unseen += map(int, (task / "children").read_text().split())
    return found


def parse_rollup(text: bytes) -> tuple[int, Rss]:
    """Resident bytes, and PSS by kind, of a smaps_rollup file.

    Raises:
        ValueError: a field is missing, as for a process that has just ended.
    """
    found = {
        name: int(value.split()[0]) * 1024
        for name, separator, value in (line.partition(b":") for line in text.splitlines()[1:])
        if separator
    }
    try:
        pss = Rss(found[b"Pss_Anon"], found[b"Pss_File"], found[b"Pss_Shmem"])
        return found[b"Rss"], pss
    except KeyError as error:
        raise ValueError(f"no {error} in smaps_rollup") from error


def read_tree(root: int, along: Iterable[int] = ()) -> TreeReading | None:
    """Sum a process tree, and the PSS of the processes ``along`` with it.

    None when processes came or went while it was read.
    """
    at_ns = time.monotonic_ns()
    tree = descendants(root)
    rss_bytes = open_files = 0
    pss = Rss()
    for pid in (*tree, *along):
        try:
            rss, own = parse_rollup(Path(ROLLUP.format(pid=pid)).read_bytes())
            files = len(os.listdir(f"/proc/{pid}/fd")) if pid in tree else 0  # noqa: PTH208
        except (OSError, ValueError):  # it has just ended
            continue
        pss = Rss(
            pss.anon_bytes + own.anon_bytes,
            pss.file_bytes + own.file_bytes,
            pss.shmem_bytes + own.shmem_bytes,
        )
        rss_bytes += rss if pid in tree else 0
        open_files = max(open_files, files)
    if descendants(root) != tree:
        return None
    return TreeReading(at_ns, len(tree), rss_bytes, pss, open_files, shared_memory_bytes())


def shared_memory_bytes() -> int:
    """What the machine keeps in shared memory files, whoever made them; 0 where unknown."""
    try:
        status = os.statvfs(SHARED_MEMORY)
    except OSError:
        return 0
    return (status.f_blocks - status.f_bfree) * status.f_frsize


class TreePage:
    """Memory that the trial and its observer share: requests, answers, and every reading."""

    def __init__(self) -> None:
        self._map = mmap.mmap(-1, _HEAD.size + _CAPACITY * _SAMPLE.size)

    def clear(self) -> None:
        self._map[: _HEAD.size] = bytes(_HEAD.size)

    def _word(self, index: int) -> int:
        value: int = struct.unpack_from("=q", self._map, index * 8)[0]
        return value

    def _set(self, index: int, value: int) -> None:
        struct.pack_into("=q", self._map, index * 8, value)

    def _slot(self, index: int) -> slice:
        start = _HEAD.size + index * _SAMPLE.size
        return slice(start, start + _SAMPLE.size)

    def sync(self) -> TreeReading | None:
        """For the trial: one reading that begins now; None when there is no observer."""
        self._set(0, self._word(0) + 1)
        deadline = time.monotonic() + _PATIENCE_S
        while self._word(1) < self._word(0):
            if time.monotonic() > deadline:
                return None
            time.sleep(_NAP_S)
        return self.readings()[-1]

    def readings(self) -> list[TreeReading]:
        """Every reading that was kept, in order."""
        return [TreeReading.unpack(self._map[self._slot(index)]) for index in range(self._word(2))]

    def finish(self) -> None:
        """For the trial: the observer may go."""
        self._set(3, 1)

    def observe(self, pid: int) -> None:
        """For the observer: read the tree of ``pid`` again and again, until told to end."""
        along = (os.getppid(), os.getpid())
        period_s = PERIOD_S
        while not self._word(3):
            began = time.monotonic()
            request = self._word(0)
            if not request:  # the trial has not begun yet
                time.sleep(_NAP_S)
                continue
            asked = self._word(1) < request
            reading = self._steady_reading(pid, along, patient=asked)
            if reading is not None:
                if self._word(2) == _CAPACITY:
                    self._thin_out()
                    period_s *= 2
                self._map[self._slot(self._word(2))] = reading.pack()
                self._set(2, self._word(2) + 1)
                self._set(1, request)
            ended = time.monotonic()
            until = max(began + period_s, ended + NAPS_PER_READING * (ended - began))
            while self._word(0) == request and not self._word(3) and time.monotonic() < until:
                time.sleep(_NAP_S)
            if not Path(f"/proc/{pid}").exists():
                return

    @staticmethod
    def _steady_reading(pid: int, along: Iterable[int], *, patient: bool) -> TreeReading | None:
        """A reading in which nothing came or went; a request waits for one."""
        for _ in range(_TRIES * (10 if patient else 1)):
            reading = read_tree(pid, along)
            if reading is not None:
                return reading
        return None

    def _thin_out(self) -> None:
        """Keep every second reading: a long course in half the resolution."""
        kept = [self._map[self._slot(index)] for index in range(0, _CAPACITY, 2)]
        for index, data in enumerate(kept):
            self._map[self._slot(index)] = data
        self._set(2, len(kept))
