"""What the growing RSS of a process is that reads a mapped file: pages of the file, or its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.cases.summary import CaseSummary
from harness.schema.records import TreeSample
from harness.units import format_size

WORTH_BYTES = 4 * 1024**2
"""Fewer file pages than this are libraries as much as data."""
MOSTLY = 0.5
NEARLY = 0.9


@dataclass(frozen=True)
class Grown:
    """What RSS, added up, had grown by at its peak, and what of. File pages are the system's."""

    rss_bytes: float
    file_bytes: float
    anon_bytes: float
    shmem_bytes: float

    @property
    def own_bytes(self) -> float:
        return max(0.0, self.anon_bytes + self.shmem_bytes)

    @property
    def by_file(self) -> bool:
        """Whether most of it are pages of files."""
        return self.file_bytes >= max(WORTH_BYTES, MOSTLY * self.rss_bytes)


def grown(row: CaseSummary) -> Grown | None:
    """Of one process, from its high-water mark; of several, from readings of their tree."""
    if not row.ok:
        return None
    if row.workers or math.isnan(row.peak_file_bytes):
        return of_tree(row)
    return Grown(
        row.peak_extra_bytes, row.peak_file_bytes, row.peak_anon_bytes, row.peak_shmem_bytes
    )


def of_tree(row: CaseSummary) -> Grown | None:
    """The same when the readings of a tree say most; None of one that was not watched."""
    if row.tree is None or not row.tree.course:
        return None
    most, before = fullest(row.tree.course), row.tree.course[0].rss_bytes
    parts = most.pss
    return Grown(most.rss_bytes - before, parts.file_bytes, parts.anon_bytes, parts.shmem_bytes)


def fullest(course: Sequence[TreeSample]) -> TreeSample:
    """The instant at which adding up RSS says most."""
    return max(course, key=lambda sample: sample.rss_bytes)


def mapping(
    rows: Sequence[CaseSummary], memory: Callable[[CaseSummary], Grown | None] = grown
) -> list[CaseSummary]:
    """Cases without workers whose RSS grows by pages of files, about as much as that of any."""
    found = {row.strategy: own for row in rows if not row.workers and (own := memory(row))}
    most = max((own.file_bytes for own in found.values() if own.by_file), default=math.inf)
    return [
        row
        for row in rows
        if (own := found.get(row.strategy)) and own.by_file and own.file_bytes >= NEARLY * most
    ]


def file_pages(rows: Sequence[CaseSummary]) -> str:
    """What the growing RSS of a memmap is; "" where none grows."""
    told = mapping(rows)
    own = grown(told[0]) if told else None
    if own is None:
        return ""
    others = len(told) - 1
    alike = f"; the same holds for {others} other{'s' * (others != 1)}" if others else ""
    return (
        f"the RSS of `{told[0].strategy}` grows by {format_size(own.rss_bytes)}, of which "
        f"{format_size(own.file_bytes)} are pages of the file, which the system can reclaim; "
        f"its own memory grows by {format_size(own.own_bytes)}{alike}"
    )
