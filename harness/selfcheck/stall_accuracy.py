"""How far stall fractions can be trusted here: loaders of known delay, steps of known length."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Sequence

from harness.host.host import Host
from harness.selfcheck.memory_accuracy import AccuracyCheck, compared, missing
from harness.selfcheck.planted import STALL_TRUTHS_FILE, Planted, planted
from harness.units import format_seconds

POINTS = 3.0
"""How far a stall fraction may be off, in percentage points."""
SLEEPS_MS = ((2.0, 8.0), (5.0, 5.0), (8.0, 2.0))
"""Of the loader and of the step."""
LOADERS = {"at_once": "waiting for each batch", "prefetching": "prefetched"}
STEADY_S = 0.5


def stall_checks(
    host: Host, *, sleeps_ms: Sequence[tuple[float, float]] = SLEEPS_MS, steady_s: float = STEADY_S
) -> Iterator[AccuracyCheck]:
    """Every loader with every pair of delay and step: the stall fraction of the median epoch."""
    with planted(host) as planting:
        for delay_ms, step_ms in sleeps_ms:
            for strategy, label in LOADERS.items():
                yield _check(planting, strategy, label, delay_ms, step_ms, steady_s)


def _check(
    planting: Planted, strategy: str, label: str, delay_ms: float, step_ms: float, steady_s: float
) -> AccuracyCheck:
    sleeps = "/".join(format_seconds(one / 1e3) for one in (delay_ms, step_ms))
    name = f"delay/step {sleeps}, {label}"
    found, _, problem = planting.trial(
        "stall_truths",
        strategy,
        {"delay_ms": delay_ms, "step_ms": step_ms},
        kind="time",
        steady_s=steady_s,
        file=STALL_TRUTHS_FILE,
    )
    if problem or found is None or found.loading is None:
        return missing(name, POINTS, "points", problem)
    # The loader was dropped last; its second epoch was the check's, in which no step was taken.
    (log,) = planting.folder.glob(f"stall_truths-{delay_ms}.files/*")
    _, _, *noted = json.loads(log.read_text().splitlines()[-1])
    simulate = prefetched_stall if strategy == "prefetching" else waiting_stall
    expected = [simulate(epoch["delays"], epoch["steps"]) for epoch in noted]
    measured = [epoch.stall_fraction for epoch in found.loading.steady]
    stalled, truth = (100 * statistics.median(values) for values in (measured, expected))
    return compared(name, stalled, truth, POINTS, "points")


def waiting_stall(delays: Sequence[float], steps: Sequence[float]) -> float:
    """The stall fraction where each step waits for the delay of its batch."""
    return sum(delays) / (sum(delays) + sum(steps))


def prefetched_stall(delays: Sequence[float], steps: Sequence[float]) -> float:
    """The stall fraction where delays pass beside the steps, and one batch may be put by.

    Of equal delays d and steps s that is max(0, d - s) / max(d, s), but for the first batch,
    which nothing hides. Sleeps are never quite equal, so the course of an epoch is followed.
    """
    put_s = taken_s = asked_s = waited_s = 0.0
    for delay, step in zip(delays, steps, strict=True):
        put_s = max(put_s + delay, taken_s)  # there is room once the one before is taken
        taken_s = max(asked_s, put_s)
        waited_s += taken_s - asked_s
        asked_s = taken_s + step
    return waited_s / asked_s
