"""Time calls that an accelerator goes on with after they have returned.

A call is begun when the device has nothing left to do. Three times are taken: until the call has
returned, which is how long the host is blocked; until the device has nothing left to do again, by
the host's clock; and the same by events on the current stream. Work on other streams counts into
the last only where the current stream waits for it, as it must before it uses the result.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.schema.records import Effort
from harness.trial.device.accelerator import Device
from harness.trial.timing.clock import Clock
from harness.trial.timing.duet import ALONE, Turns, paced

NANO = 1e-9
EMPTY_CALLS = 21
LEAST_COVERED = 0.5
"""Of the time that the host is blocked; clocks of device and host are read a little apart."""


@dataclass(frozen=True)
class Sample:
    """One call, in seconds."""

    blocked_s: float
    done_s: float
    event_s: float | None


def events_cover(samples: Sequence[Sample]) -> bool:
    """Whether events tell of all that a call does.

    They are recorded before and after it, so that they cannot be nearer to each other than its
    begin and its end, unless a backend copies on the host and has them passed at once.
    """
    if any(one.event_s is None for one in samples):
        return False
    event_s = statistics.median(one.event_s or 0.0 for one in samples)
    return event_s >= LEAST_COVERED * statistics.median(one.blocked_s for one in samples)


class DeviceClock:
    """Times calls on one device.

    Args:
        device: what works on them.
        clock_cost_s: what two readings of the clock take, which is taken off.
        now: the clock; tests pass one of their own.
    """

    def __init__(
        self, device: Device, clock_cost_s: float = 0.0, now: Clock = time.perf_counter_ns
    ) -> None:
        self.device = device
        self.clock_cost_s = clock_cost_s
        self.now = now

    def once(self, call: Callable[[], Any]) -> tuple[Any, Sample]:
        """Call once; return the result, which has arrived, and what it took."""
        device, now = self.device, self.now
        device.synchronize()
        first = device.mark()
        began = now()
        result = call()
        returned = now()
        last = device.mark()
        device.synchronize()
        done = now()
        event_s = first.seconds_until(last) if first is not None and last is not None else None
        return result, Sample(self._seconds(returned - began), self._seconds(done - began), event_s)

    def _seconds(self, nanoseconds: int) -> float:
        return max(0.0, nanoseconds * NANO - self.clock_cost_s)

    def empty_s(self) -> float:
        """What is measured of a call that does nothing: marking, and finding the device idle."""
        return statistics.median(self.once(lambda: None)[1].done_s for _ in range(EMPTY_CALLS))

    def steady(
        self,
        call: Callable[[], Any],
        effort: Effort,
        before: Callable[[], None] = lambda: None,
        turns: Turns = ALONE,
    ) -> list[Sample]:
        """Sample the steady state for about ``effort.steady_s``.

        Args:
            call: what is measured. Each result is freed before the next call, outside its time.
            effort: how long, and how many samples.
            before: called before each call, outside the timed region.
            turns: when samples may be taken.
        """
        samples: list[Sample] = []
        for _ in paced(effort, turns, self.now):
            before()
            samples.append(self.once(call)[1])
        return samples
