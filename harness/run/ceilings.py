"""What this machine can do at best, measured in the same run as what is held against it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

from harness.host.answers import answer_as
from harness.host.environment import Environment, available_bytes, usable_processors
from harness.host.host import Host, Report
from harness.host.inputs import FixtureStore
from harness.journal.lines import CeilingLine, Plan
from harness.scenario import PAGE_CACHE
from harness.schema.records import DEVICE_TO, DISK_SEQUENTIAL, Ceiling
from harness.schema.request import (
    CopyCeilingsRequest,
    DeviceCeilingsRequest,
    DiskCeilingsRequest,
)

CEILING_BYTES = (64 * 1024**2, 256 * 1024**2)
CACHES_EXCEEDED = 4  # a ceiling's copy is this many times the last cache, within the bounds above
DISK_BYTES = 128 * 1024**2
QUICK_DISK_BYTES = 64 * 1024**2
DEVICE_BYTES = 256 * 1024**2
QUICK_DEVICE_BYTES = 64 * 1024**2
CEILING_TIMEOUT_S = 120.0


def measure_ceilings(
    host: Host,
    plan: Plan,
    machine: Environment,
    number: int,
    fixtures: FixtureStore,
    allowed_s: float = math.inf,
) -> Iterator[CeilingLine]:
    """Measure them at the beginning of a round: memory; disk and device where they matter.

    Args:
        host: where.
        plan: of the run, for the memory that it will need.
        machine: its last cache and its page sizes.
        number: of the round.
        fixtures: whose files lie on the disk that counts.
        allowed_s: how long all of them may take; what does not fit says so.
    """
    ends_at = time.monotonic() + allowed_s
    cases = [planned for planned in plan.cases if not planned.skip]
    wanted: list[tuple[str, Callable[[float], Report]]] = [
        ("memcpy_touched", lambda limit_s: _of_memory(host, plan, machine, number, limit_s))
    ]
    if any(PAGE_CACHE in planned.case.parameters for planned in cases):
        wanted.append((DISK_SEQUENTIAL, lambda limit_s: _of_disk(host, plan, fixtures, limit_s)))
    if any(planned.on_device for planned in cases):
        wanted.append((DEVICE_TO, lambda limit_s: _of_device(host, plan, limit_s)))
    for name, measure in wanted:
        limit_s = min(CEILING_TIMEOUT_S, ends_at - time.monotonic())
        report = measure(limit_s) if limit_s > 0 else None
        for ceiling in _said(report, name, limit_s):
            yield CeilingLine(number, ceiling)


def _of_memory(host: Host, plan: Plan, machine: Environment, number: int, limit_s: float) -> Report:
    low, high = CEILING_BYTES
    size_bytes = min(high, max(low, CACHES_EXCEEDED * machine.last_cache_bytes))
    biggest = max((c.forecast_bytes for c in plan.cases if not c.skip), default=0)
    free = available_bytes()
    request = CopyCeilingsRequest(
        size_bytes=min(size_bytes, free // 8),
        threads=tuple(sorted({1, usable_processors()})),
        # Only the first round meets pages that nothing has used since the machine started.
        touch_bytes=0 if number else min(biggest, free // 2),
        huge=machine.thp_enabled in ("always", "madvise"),
    )
    return host.call(request, limit_s)


def _of_disk(host: Host, plan: Plan, fixtures: FixtureStore, limit_s: float) -> Report:
    size_bytes = QUICK_DISK_BYTES if plan.level == "quick" else DISK_BYTES
    request = DiskCeilingsRequest(str(fixtures.scratch), size_bytes)
    with fixtures.clean_scratch():
        return host.call(request, limit_s)


def _of_device(host: Host, plan: Plan, limit_s: float) -> Report:
    size_bytes = QUICK_DEVICE_BYTES if plan.level == "quick" else DEVICE_BYTES
    return host.call(DeviceCeilingsRequest(size_bytes), limit_s)


def _said(report: Report | None, name: str, limit_s: float) -> list[Ceiling]:
    if report is not None and report.answer is not None:
        return answer_as(list[Ceiling], report.answer["ceilings"])
    if limit_s < CEILING_TIMEOUT_S and (report is None or report.timed_out):
        note = "its part of the budget was spent"
    else:
        assert report is not None
        note = report.failure(CEILING_TIMEOUT_S).reason
    return [Ceiling(name, 1, 0, 0.0, note=f"not measured: {note}")]
