"""What this machine can do at best, measured in the same run as what is held against it."""

from __future__ import annotations

from collections.abc import Iterator

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
    host: Host, plan: Plan, machine: Environment, number: int, fixtures: FixtureStore
) -> Iterator[CeilingLine]:
    """Measure them at the beginning of a round: memory; disk and device where they matter.

    Args:
        host: where.
        plan: of the run, for the memory that it will need.
        machine: its last cache and its page sizes.
        number: of the round.
        fixtures: whose files lie on the disk that counts.
    """
    found = _of_memory(host, plan, machine, number)
    if any(PAGE_CACHE in planned.case.parameters and not planned.skip for planned in plan.cases):
        found += _of_disk(host, plan, fixtures)
    if any(planned.on_device and not planned.skip for planned in plan.cases):
        found += _of_device(host, plan)
    for ceiling in found:
        yield CeilingLine(number, ceiling)


def _of_memory(host: Host, plan: Plan, machine: Environment, number: int) -> list[Ceiling]:
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
    return _said(host.call(request, CEILING_TIMEOUT_S), "memcpy_touched")


def _of_disk(host: Host, plan: Plan, fixtures: FixtureStore) -> list[Ceiling]:
    size_bytes = QUICK_DISK_BYTES if plan.level == "quick" else DISK_BYTES
    request = DiskCeilingsRequest(str(fixtures.scratch), size_bytes)
    with fixtures.clean_scratch():
        return _said(host.call(request, CEILING_TIMEOUT_S), DISK_SEQUENTIAL)


def _of_device(host: Host, plan: Plan) -> list[Ceiling]:
    size_bytes = QUICK_DEVICE_BYTES if plan.level == "quick" else DEVICE_BYTES
    report = host.call(DeviceCeilingsRequest(size_bytes), CEILING_TIMEOUT_S)
    return _said(report, DEVICE_TO)


def _said(report: Report, name: str) -> list[Ceiling]:
    if report.answer is not None:
        return answer_as(list[Ceiling], report.answer["ceilings"])
    note = report.failure(CEILING_TIMEOUT_S).reason
    return [Ceiling(name, 1, 0, 0.0, note=f"not measured: {note}")]
