"""A line that was entered and has not ended, with the maxima of all sections in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import FrameType

from harness.schema.records import Ledger, Rss
from harness.trial.meters.allocated import ACCURATE_BYTES
from harness.trial.meters.process_memory import Status, Watched, make_ledger
from harness.trial.profiling.line_meter import Reading


@dataclass(slots=True)
class Spent:
    """What watching itself has taken until now."""

    ns: int = 0
    minor: int = 0  # page faults
    major: int = 0


@dataclass(slots=True)
class OpenLine:
    """One visit of a line.

    Args:
        row: where it is written down.
        frame: that it is in; None for the whole call.
        instruction: at which it was entered.
        began: what was read then.
        outermost: whether the line is not open further out, too.
        began_ns: when it began, after the reading.
        spent: what watching had taken by then.
    """

    row: int
    frame: FrameType | None
    instruction: int
    began: Reading
    outermost: bool
    began_ns: int
    spent: Spent
    peak_bytes: int = 0
    anon_bytes: int = 0
    file_bytes: int = 0
    shmem_bytes: int = 0
    total_bytes: int = 0

    def add(self, status: Status, seen: Watched | None) -> None:
        """Take in a section: what was read at its end, and what an observer saw in it."""
        self.peak_bytes = max(self.peak_bytes, status.peak_bytes)
        self._add(status.rss, status.rss.total_bytes)
        if seen is not None:
            self._add(seen.highest, seen.total_bytes)

    def add_inner(self, line: OpenLine) -> None:
        """Take in a line that ended within this one."""
        self.peak_bytes = max(self.peak_bytes, line.peak_bytes)
        self._add(Rss(line.anon_bytes, line.file_bytes, line.shmem_bytes), line.total_bytes)

    def _add(self, kinds: Rss, total_bytes: int) -> None:
        self.anon_bytes = max(self.anon_bytes, kinds.anon_bytes)
        self.file_bytes = max(self.file_bytes, kinds.file_bytes)
        self.shmem_bytes = max(self.shmem_bytes, kinds.shmem_bytes)
        self.total_bytes = max(self.total_bytes, total_bytes)

    @property
    def did_something(self) -> bool:
        """Whether it moved more than figures are accurate to: most visits of a loop do not."""
        rss = self.began.status.rss
        grown = max(
            max(self.peak_bytes, self.total_bytes) - rss.total_bytes,
            self.anon_bytes - rss.anon_bytes,
            self.file_bytes - rss.file_bytes,
            self.shmem_bytes - rss.shmem_bytes,
        )
        return grown > ACCURATE_BYTES // 2

    def ledger(self, last: Reading, *, observed: bool) -> Ledger:
        """What it did, as of a call that is measured."""
        kinds = Rss(self.anon_bytes, self.file_bytes, self.shmem_bytes)
        watched = Watched(kinds, self.total_bytes) if observed else None
        after = replace(last.status, peak_bytes=self.peak_bytes)
        return make_ledger(self.began.status, after, Rss(), "", watched)
