"""Resident memory of this process, split by kind, with the peak read from the kernel.

Writing ``5`` to ``/proc/self/clear_refs`` sets VmHWM, the high-water mark of resident memory, to
its present value; read later, it is the exact peak since then and costs the timed path nothing
(proc_pid_clear_refs(5), Linux 4.0). ``ru_maxrss`` is no substitute: a child inherits its parent's.

The kernel counts a process's pages per processor and folds the counts in batches of at least 32
pages, so a peak that has passed may read low by up to 32 pages for each processor used. Residency
read while it lasts has no such error: the kernel adds the counts up.
"""

from __future__ import annotations

import os
import resource
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.schema.records import MISSED, Ledger, Rss

STATUS = "/proc/{pid}/status"
CLEAR_REFS = Path("/proc/self/clear_refs")
EXACT = "VmHWM, reset before the call"
NOT_RESET = "VmHWM, which could not be reset: lower bound"
MAXRSS = "growth of ru_maxrss: lower bound"
UNSPLIT = "retained parts; the rest of the peak counted as anonymous"
OBSERVED_SOURCE = "observed from another process"
SWAPPED = "pages were swapped out during the call, which the peak does not count"
REPLACED = (
    "pages of mapped files were dropped during the call, and what replaced them was not observed "
    "completely"
)
_BLINK_BYTES = 512 * 1024
_BLINK_SHARE = 0.01
"""An observer that saw less of the peak than this has missed it: it was not given a processor."""


@dataclass(frozen=True)
class Status:
    """The memory lines of ``/proc/PID/status``."""

    rss: Rss
    peak_bytes: int
    data_bytes: int = 0  # private memory that was taken from the system, touched or not
    swapped_bytes: int = 0


@dataclass(frozen=True)
class Watched:
    """Residency an observer in another process saw during the call."""

    highest: Rss  # the maximum of each kind, at whatever instant
    total_bytes: int  # the maximum of all kinds together


def _field(text: bytes, name: bytes) -> int:
    start = text.index(name) + len(name)
    return int(text[start : text.index(b"kB", start)]) * 1024


def parse_status(text: bytes) -> Status:
    """Read the lines that a :class:`Status` holds out of a status file.

    Raises:
        ValueError: a field is missing, as for a process that has just ended.
    """
    return Status(
        Rss(_field(text, b"RssAnon:"), _field(text, b"RssFile:"), _field(text, b"RssShmem:")),
        _field(text, b"VmHWM:"),
        _field(text, b"VmData:"),
        _field(text, b"VmSwap:"),
    )


class Meter(Protocol):
    """Reads the memory of this process."""

    source: str

    def read(self) -> Status:
        """Resident memory now and the high-water mark."""

    def reset_peak(self) -> None:
        """Start a new high-water mark, where the system can."""


class ProcMeter:
    """Linux: /proc/self/status, kept open so that a reading allocates next to nothing."""

    def __init__(self) -> None:
        self._status = os.open(STATUS.format(pid="self"), os.O_RDONLY)
        self._clear: int | None = None
        try:
            self._clear = os.open(CLEAR_REFS, os.O_WRONLY)
            os.pwrite(self._clear, b"5", 0)
            self.source = EXACT
        except OSError:  # a kernel without CONFIG_PROC_PAGE_MONITOR, or a sandbox
            self._clear = None
            self.source = NOT_RESET

    def read(self) -> Status:
        return parse_status(os.pread(self._status, 8192, 0))

    def reset_peak(self) -> None:
        if self._clear is not None:
            os.pwrite(self._clear, b"5", 0)


class MaxRssMeter:
    """Systems without /proc: only the growth of the process's own maximum is known."""

    source = MAXRSS

    def read(self) -> Status:
        unit = 1 if sys.platform == "darwin" else 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
        return Status(Rss(anon_bytes=peak), peak)

    def reset_peak(self) -> None:
        """The maximum cannot be reset."""


def open_meter() -> Meter:
    """The best meter this system has."""
    return ProcMeter() if Path(STATUS.format(pid="self")).exists() else MaxRssMeter()


def make_ledger(
    before: Status,
    after: Status,
    freed: Rss,
    source: str,
    watched: Watched | None = None,
    arena_bytes: int = 0,
    at_least: str = "",
) -> Ledger:
    """Combine the readings around one call.

    Args:
        before: just before the call, after the reset.
        after: just after it, with the result alive.
        freed: what dropping the result gave back. It is measured on its own because the check
            runs between ``after`` and the drop and may leave something on the heap.
        source: where the peak came from.
        watched: what an observer saw in the call.
        arena_bytes: see :mod:`harness.trial.meters.python_arenas`.
        at_least: why the figures may be too low, as far as it is known already.

    The total is the kernel's, or the observer's where the kernel's reads low. Its parts are what
    the observer saw, what is retained, and for the little the observer may have missed,
    anonymous. Without an observer all that did not stay as file or shared pages is taken for
    anonymous; with one that missed the peak, nothing is, since it may have been file pages.

    A page of a mapped file that is written to, and not shared, is replaced by an anonymous one. The
    total then does not move, but memory was needed: the file's page stays in the page cache.
    """
    retained = after.rss - before.rss
    seen_total = before.rss.total_bytes if watched is None else watched.total_bytes
    highest = max(after.peak_bytes, seen_total, after.rss.total_bytes)
    grown = max(0, highest - before.rss.total_bytes)
    seen = retained if watched is None else watched.highest - before.rss
    file_bytes = max(0, seen.file_bytes, retained.file_bytes)
    shmem_bytes = max(0, seen.shmem_bytes, retained.shmem_bytes)
    anon_bytes = max(0, seen.anon_bytes, retained.anon_bytes)
    unseen = grown - anon_bytes - file_bytes - shmem_bytes
    missed = watched is not None and unseen > _blink(grown)
    if not missed:
        anon_bytes = max(anon_bytes, grown - file_bytes - shmem_bytes)
    extra = max(grown, anon_bytes, shmem_bytes, retained.anon_bytes + retained.shmem_bytes)
    if after.swapped_bytes - before.swapped_bytes > _blink(extra):
        at_least = at_least or SWAPPED
    replaced = -retained.file_bytes
    if min(replaced, grown + replaced - anon_bytes) > _blink(extra):
        at_least = at_least or REPLACED
    return Ledger(
        before=before.rss,
        peak_extra_bytes=extra,
        peak=Rss(min(extra, anon_bytes), min(extra, file_bytes), min(extra, shmem_bytes)),
        retained=retained,
        left=retained - freed,
        source=source,
        split_source=UNSPLIT if watched is None else MISSED if missed else OBSERVED_SOURCE,
        arena_bytes=arena_bytes,
        at_least=at_least,
    )


def _blink(bytes_known: int) -> float:
    return max(_BLINK_BYTES, _BLINK_SHARE * bytes_known)
