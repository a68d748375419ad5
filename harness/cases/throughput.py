"""Throughput of a case, and its share of the best that the machine can do."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import replace

from harness.cases.summary import CaseSummary
from harness.journal.lines import Run
from harness.schema.description import ScenarioInfo
from harness.schema.records import (
    BY_DIRECTION,
    DEVICE_CEILINGS,
    DISK_CEILINGS,
    DISK_RANDOM,
    DISK_SEQUENTIAL,
)

Rates = Mapping[tuple[str, int], float]
"""Bytes a second, by ceiling and threads."""

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


def ceiling_rates(run: Run) -> dict[tuple[str, int], float]:
    """Bytes a second by ceiling and threads: the median of the rounds."""
    seen: dict[tuple[str, int], list[float]] = {}
    for line in run.ceilings:
        if line.ceiling.bytes_per_s:
            seen.setdefault((line.ceiling.name, line.ceiling.threads), []).append(
                line.ceiling.bytes_per_s
            )
    return {key: statistics.median(rates) for key, rates in seen.items()}


def with_throughput(case: CaseSummary, info: ScenarioInfo | None, rates: Rates) -> CaseSummary:
    """A case with its throughput, and the share of a ceiling where one fits."""
    if not (case.payload_bytes > 0 and case.steady.median > 0):
        return case
    if case.device:
        return _transferring(case, info, rates) if info and info.transfers else case
    if case.cache and case.cache.state == "cold":
        return _reading(case, rates)
    return _copying(case, rates)


def _held_against(case: CaseSummary, rate: float, name: str | None, limit: float) -> CaseSummary:
    """The case with a rate, and its share of a ceiling unless there is none."""
    if name is None or not limit:
        return replace(case, rate_bytes_per_s=rate)
    return replace(
        case,
        rate_bytes_per_s=rate,
        ceiling=name,
        ceiling_fraction=rate / limit,
        in_cache=rate > limit and name not in DEVICE_CEILINGS,
    )


def _transferring(case: CaseSummary, info: ScenarioInfo, rates: Rates) -> CaseSummary:
    """A transfer, and its share of what the machine transfers at best.

    The data counts as often as it crosses the link, as the strategy declares. A case that does
    other things too has no throughput here.
    """
    crosses = info.strategy(case.strategy).crosses
    if not crosses:
        return case
    name = BY_DIRECTION[info.transfers]
    rate = crosses * case.payload_bytes / case.steady.median
    return _held_against(case, rate, name, rates.get((name, 1), 0.0))


def _copying(case: CaseSummary, rates: Rates) -> CaseSummary:
    """Throughput in memory, and its share of what the machine can do at best in that kind of it.

    A result that shares its input moves nothing: it has no throughput. memcpy writes as much as it
    reads; a cast does not, and counts as the mean of the two, or it would seem to beat memory.
    What an epoch moves is its batches, unless it hands out views of what was made before. Those
    that workers made have no ceiling: the page faults of other processes, which tell the kind of
    memory, are not counted. Nor is anything known of the time that training left to the memory it
    read.
    """
    epoch_bytes = case.loading.data_bytes if case.loading else None
    if case.shares_memory or epoch_bytes == 0:
        return case
    written = (case.observed.result_bytes if case.observed else 0) or case.payload_bytes
    rate = (epoch_bytes or (case.payload_bytes + written) / 2) / case.steady.median
    others = (*DISK_CEILINGS, *DEVICE_CEILINGS)
    copying = {
        name: best
        for (name, threads), best in rates.items()
        if threads == case.threads and name not in others
    }
    if epoch_bytes and rate > NO_COPYING * max(copying.values(), default=0.0) > 0:
        return case
    trained = case.loading is not None and case.loading.steady.step_s > 0
    name = None if case.parameters.get("num_workers") or trained else _fitting(case, copying)
    return _held_against(case, rate, name, copying[name] if name else 0.0)


def _fitting(case: CaseSummary, rates: Mapping[str, float]) -> str | None:
    """The best of the ceilings into memory of the kind that a call, or an epoch, wrote to."""
    written = (case.loading.data_bytes if case.loading else 0) or case.payload_bytes
    block_bytes = written / ((case.loading.batches if case.loading else 0) or 1)
    page_bytes = HUGE_PAGE_BYTES if block_bytes >= HUGE_FROM_BYTES else SMALL_PAGE_BYTES
    fresh = case.faults_steady * page_bytes >= FRESH_SHARE * written
    names = ("memcpy_fresh", "memcpy_fresh_huge") if fresh else ("memcpy_touched",)
    return max((name for name in names if name in rates), key=lambda one: rates[one], default=None)


def _reading(case: CaseSummary, rates: Rates) -> CaseSummary:
    """What an epoch reads of files that were not in memory, beside what the disk gives at best.

    All of their bytes count. Small samples here and there are held against small reads here and
    there, unless they come faster than those do: then the files were read in order, whatever order
    the samples have. Several workers read side by side, which no ceiling of one reader says
    anything about.
    """
    rate = case.payload_bytes / case.steady.median
    in_order, scattered = (rates.get((name, 1), 0.0) for name in DISK_CEILINGS)
    workers = case.parameters.get("num_workers")
    if _is_scattered(case) and (rate <= scattered or workers):
        return _held_against(case, rate, DISK_RANDOM, 0.0 if workers else scattered)
    return _held_against(case, rate, DISK_SEQUENTIAL, in_order)


def _is_scattered(case: CaseSummary) -> bool:
    """Whether samples are read one by one from all over a file, and are small."""
    given = case.parameters
    shuffled = given.get("access") == "shuffled" or given.get("shuffle") is True
    pages = case.payload_bytes // ((case.loading.samples if case.loading else 0) or 1)
    pages //= SMALL_PAGE_BYTES
    return shuffled and pages * SMALL_PAGE_BYTES <= SCATTERED_UP_TO_BYTES  # labels do not matter
