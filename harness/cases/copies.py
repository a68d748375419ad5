"""How many copies of its payload a call made, from the ledger of its memory."""

from __future__ import annotations

import math

from harness.schema.records import MISSED, Ledger, Rss

COPIES_FROM_BYTES = 16 * 4096
"""Below this a stray page of the interpreter's own would look like a part of a copy, or a whole."""


def copied_bytes(rss: Rss) -> int:
    """Memory that holds copies: pages of mapped files are nobody's copy."""
    return rss.anon_bytes + rss.shmem_bytes


def copies_of(ledger: Ledger | None, payload_bytes: int) -> float:
    """Copied memory at the peak over the payload; NaN where that cannot be told."""
    if ledger is None or payload_bytes < COPIES_FROM_BYTES or ledger.split_source == MISSED:
        return math.nan
    if ledger.doubt:
        return math.nan
    return copied_bytes(ledger.peak) / payload_bytes
