"""What this machine can do at best, measured in the same run as what is held against it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from harness.environment import Environment, available_bytes, usable_processors
from harness.host import Host
from harness.journal import CeilingLine, Plan
from harness.model import Ceiling

CEILING_BYTES = (64 * 1024**2, 256 * 1024**2)
CACHES_EXCEEDED = 4  # a ceiling's copy is this many times the last cache, within the bounds above
CEILING_TIMEOUT_S = 120.0


def measure_ceilings(
    host: Host, plan: Plan, machine: Environment, number: int
) -> Iterator[CeilingLine]:
    """Measure them at the beginning of a round.

    Args:
        host: where.
        plan: of the run, for the memory that it will need.
        machine: its last cache and its page sizes.
        number: of the round.
    """
    low, high = CEILING_BYTES
    size_bytes = min(high, max(low, CACHES_EXCEEDED * machine.last_cache_bytes))
    biggest = max((c.forecast_bytes for c in plan.cases if not c.skip), default=0)
    free = available_bytes()
    request = {
        "size_bytes": min(size_bytes, free // 8),
        "threads": sorted({1, usable_processors()}),
        # Only the first round meets pages that nothing has used since the machine started.
        "touch_bytes": 0 if number else min(biggest, free // 2),
        "huge": machine.thp_enabled in ("always", "madvise"),
    }
    report = host.call("ceilings", request, CEILING_TIMEOUT_S)
    if report.answer is None:
        note = report.failure(CEILING_TIMEOUT_S).reason
        missing = Ceiling("memcpy_touched", 1, 0, 0.0, note=f"not measured: {note}")
        yield CeilingLine(number, missing)
        return
    for fields in report.answer["ceilings"]:
        yield CeilingLine(number, msgspec.convert(fields, Ceiling))
