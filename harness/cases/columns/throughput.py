"""Throughput of a case, and its share of the best that the machine can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.schema.records import (
    DEVICE_CEILINGS,
    DISK_CEILINGS,
    DISK_RANDOM,
    DISK_SEQUENTIAL,
    Trial,
)

FRESH_SHARE = 0.5
"""A case works in fresh memory when each call faults in at least this share of its pages."""
SMALL_PAGE_BYTES = 4096
HUGE_PAGE_BYTES = 2 * 1024**2
NO_COPYING = 20
"""So many times memcpy's best is reached by no copy, not even one from cache to cache."""
SCATTERED_UP_TO_BYTES = 64 * 1024
"""Larger samples are read about as fast here and there as in order."""
HUGE_FROM_BYTES = 8 * HUGE_PAGE_BYTES
"""From this size on, a fault may have brought a huge page: below it, stray faults would look so."""


def share_of_ceiling(
    row: Mapping[str, Any], trials: list[Trial], limits: Mapping[tuple[str, int], float]
) -> dict[str, Any]:
    """Throughput, and its share of what the machine can do at best in memory of that kind.

    A result that shares its input moves nothing: it has no throughput. memcpy writes as much as it
    reads; a cast does not, and counts as the mean of the two, or it would seem to beat memory.
    What an epoch moves is its batches, unless it hands out views of what was made before. Those
    that workers made have no ceiling: the page faults of other processes, which tell the kind of
    memory, are not counted.

    Cold files are held against the disk, with all of their bytes, and not against memory. Nothing
    is known of the time that training left to the memory it read: such a case has no ceiling.
    """
    if row["cache_state"] == "cold":
        return _share_of_disk(row, limits)
    time_s, payload, epoch_bytes = row["steady_median_s"], row["payload_bytes"], row["epoch_bytes"]
    if row["shares_memory"] or not payload or not time_s > 0 or epoch_bytes == 0:
        return {}
    moved_bytes = epoch_bytes or (payload + (row["result_bytes"] or payload)) / 2
    rate = moved_bytes / time_s
    threads = _threads(trials)
    copying = {
        key: limit
        for key, limit in limits.items()
        if key[0] not in (*DISK_CEILINGS, *DEVICE_CEILINGS)
    }
    best = max((limit for (_, count), limit in copying.items() if count == threads), default=0.0)
    if epoch_bytes and rate > NO_COPYING * best > 0:
        return {}
    elsewhere = row.get("num_workers") or (row["step_s"] or 0) > 0
    name = None if elsewhere else _fitting_ceiling(row, trials, copying)
    if name is None:
        return {"throughput_bytes_per_s": rate}
    limit = limits[name, threads]
    return {
        "throughput_bytes_per_s": rate,
        "ceiling": name,
        "ceiling_fraction": rate / limit,
        "in_cache": rate > limit,
    }


def _share_of_disk(
    row: Mapping[str, Any], limits: Mapping[tuple[str, int], float]
) -> dict[str, Any]:
    """What an epoch reads of files that were not in memory, beside what the disk gives at best.

    Small samples here and there are held against small reads here and there, unless they come
    faster than those do: then the files were read in order, whatever order the samples have.
    Several workers read side by side, which no ceiling of one reader says anything about.
    """
    time_s, payload = row["steady_median_s"], row["payload_bytes"]
    if not payload or not time_s > 0:
        return {}
    rate = payload / time_s
    in_order, scattered = (limits.get((name, 1), 0.0) for name in DISK_CEILINGS)
    name, limit = DISK_SEQUENTIAL, in_order
    if _is_scattered(row) and (rate <= scattered or row.get("num_workers")):
        name, limit = DISK_RANDOM, 0.0 if row.get("num_workers") else scattered
    if not limit:
        return {"throughput_bytes_per_s": rate}
    return {
        "throughput_bytes_per_s": rate,
        "ceiling": name,
        "ceiling_fraction": rate / limit,
        "in_cache": rate > limit,
    }


def _is_scattered(row: Mapping[str, Any]) -> bool:
    """Whether samples are read one by one from all over a file, and are small."""
    shuffled = row.get("access") == "shuffled" or row.get("shuffle") is True
    pages = row["payload_bytes"] // (row["epoch_samples"] or 1) // SMALL_PAGE_BYTES
    return shuffled and pages * SMALL_PAGE_BYTES <= SCATTERED_UP_TO_BYTES  # labels do not matter


def _fitting_ceiling(
    row: Mapping[str, Any], trials: list[Trial], limits: Mapping[tuple[str, int], float]
) -> str | None:
    """The best of the ceilings into memory of the kind that a call, or an epoch, wrote to."""
    written = row["epoch_bytes"] or row["payload_bytes"]
    block_bytes = written / (row["epoch_batches"] or 1)
    page_bytes = HUGE_PAGE_BYTES if block_bytes >= HUGE_FROM_BYTES else SMALL_PAGE_BYTES
    fresh = row["minor_faults_steady"] * page_bytes >= FRESH_SHARE * written
    names = ("memcpy_fresh", "memcpy_fresh_huge") if fresh else ("memcpy_touched",)
    threads = _threads(trials)
    fitting = {name: limits[name, threads] for name in names if (name, threads) in limits}
    return max(fitting, key=lambda known: fitting[known], default=None)


def _threads(trials: list[Trial]) -> int:
    return max(trial.threads for trial in trials)
