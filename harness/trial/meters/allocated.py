"""The allocators' own account, against which the pages that the kernel counts are held.

Two things can be known of it. What the allocators keep free when a call begins is the most by which
its figures can be too low, at the peak as well. And what they have handed out more at its end than
at its beginning must lie somewhere: in new pages, or in memory that was taken from the system and
not yet touched.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.trial.meters.malloc_heaps import Heaps, allocator, is_accounted
from harness.trial.meters.process_memory import Status
from harness.trial.meters.python_arenas import Arenas
from harness.units import format_size

ACCURATE_BYTES, ACCURATE_SHARE = 256 * 1024, 0.02
"""What figures are accurate to."""
PYTHON_BYTES = 512 * 1024
"""The same for Python's objects, which lie in arenas of 1 MiB."""
FOREIGN = (
    "malloc is that of {}, which does not report what it keeps free: the call may have used some"
)
UNREPORTED = (
    "this Python does not report what its allocator keeps free: the call may have used some"
)
FREE = "{} of freed memory was available when the call began, and the call may have used it"
UNCOVERED = "the allocators handed out {} that was kept, but obtained only {} from the system"


@dataclass(frozen=True)
class Account:
    """What the allocators of this process say of themselves; None where they say nothing."""

    arenas: Arenas
    heaps: Heaps | None

    @classmethod
    def now(cls, arenas: Arenas | None = None) -> Account:
        """Ask them; Python's only if that has not just been done."""
        heaps = Heaps.now() if is_accounted() else None
        if heaps is not None and heaps.room_bytes > ACCURATE_BYTES:
            heaps = heaps.looked_at()
        return cls(arenas or Arenas.now(), heaps)

    @property
    def in_use_bytes(self) -> int:
        """What has been handed out and not been freed, as far as is known."""
        return self.arenas.in_use_bytes + (self.heaps.in_use_bytes if self.heaps else 0)


def why_at_least(
    before: Account, after: Account, first: Status, last: Status, grown_bytes: int
) -> str:
    """Why the figures of a call may be too low; empty where they cannot be by much.

    Args:
        before: the account when the call began.
        after: when it had ended.
        first: the kernel's readings at the same moments.
        last: the latter.
        grown_bytes: at the peak, as far as pages tell.
    """
    if before.heaps is None or after.heaps is None:
        return FOREIGN.format(allocator())
    python_bytes, malloc_bytes = before.arenas.room_bytes, before.heaps.room_bytes
    if python_bytes is None:
        return UNREPORTED
    share_bytes = ACCURATE_SHARE * grown_bytes
    accurate_bytes = max(ACCURATE_BYTES, share_bytes)
    free_bytes = malloc_bytes + python_bytes
    if malloc_bytes > accurate_bytes or python_bytes > max(PYTHON_BYTES, share_bytes):
        return FREE.format(format_size(free_bytes))
    handed_out = after.in_use_bytes - before.in_use_bytes
    pages = last.rss.anon_bytes - first.rss.anon_bytes
    taken = max(0, pages, last.data_bytes - first.data_bytes)
    if handed_out - taken > accurate_bytes + before.heaps.free_bytes + python_bytes:
        return UNCOVERED.format(format_size(handed_out), format_size(taken))
    return ""
