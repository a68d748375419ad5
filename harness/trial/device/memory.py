"""What a call does to the memory of an accelerator: read around it, when the device is idle.

torch's counters do not show what the driver takes for the context, nor what other libraries and
other processes do; the device-wide figure shows nothing else but the sum of all. Both are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.scenario.declaration import Strategy, call_with
from harness.schema.records import DeviceMemory, Effort, Found, Outcome
from harness.trial.base import pointers
from harness.trial.base.request import BoundStrategy
from harness.trial.device.accelerator import NOT_TOLD, STATS, Opened
from harness.trial.device.allocator import Allocated
from harness.trial.timing.steps import MeasuredWork, SteadyState


@dataclass(frozen=True)
class DeviceReading:
    """The memory of the device, and pinned memory of the host, at one moment."""

    torch: Allocated
    used_bytes: int | None


class DeviceLedger:
    """Readings around the first call of a trial; each is taken once, in this order.

    Args:
        opened: the device, with its context made.
    """

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._device = opened.device
        self.complete = False
        self._device.synchronize()
        self._in_host_memory = self._device.lies_in_host_memory()
        # Of what warming up has left: the first pin is to be one.
        self._emptying = self._device.empty_caches()
        self._untouched = self._read()
        self._before = self._after = self._alive = self._left = self._emptied = self._untouched

    def _read(self) -> DeviceReading:
        self._device.synchronize()
        return DeviceReading(self._device.allocated(), self._device.used_bytes())

    def begin(self) -> None:
        """Just before the first call, with the setup done."""
        self._device.synchronize()
        self._device.reset_peaks()
        self._before = self._read()

    def called(self) -> None:
        """Just after it, with the result alive."""
        self._after = self._read()

    def about_to_drop(self) -> None:
        """After the check, which may have left something of its own."""
        self._alive = self._read()

    def dropped(self) -> None:
        """With the result gone; then the caches are emptied."""
        self._left = self._read()
        self._device.empty_caches()
        self._emptied = self._read()
        self.complete = True

    def memory(self, pinned_asked_bytes: int | None) -> DeviceMemory:
        """What the readings come to."""
        untouched, before, after = self._untouched.torch, self._before.torch, self._after.torch
        alive, left, emptied = self._alive.torch, self._left.torch, self._emptied.torch
        retained_allocated = _grown(before.allocated_bytes, after.allocated_bytes)
        retained_reserved = _grown(before.reserved_bytes, after.reserved_bytes)
        retained_used = _grown(self._before.used_bytes, self._after.used_bytes)
        # What the check has left behind is in both of these, and so in neither difference.
        freed_allocated = _grown(left.allocated_bytes, alive.allocated_bytes)
        freed_reserved = _grown(left.reserved_bytes, alive.reserved_bytes)
        freed_used = _grown(self._left.used_bytes, self._alive.used_bytes)
        emptied_reserved = _grown(before.reserved_bytes, emptied.reserved_bytes)
        emptied_used = _grown(self._before.used_bytes, self._emptied.used_bytes)
        return DeviceMemory(
            setup_allocated_bytes=_grown(untouched.allocated_bytes, before.allocated_bytes),
            peak_allocated_bytes=_grown(before.allocated_bytes, after.peak_allocated_bytes),
            peak_reserved_bytes=_grown(before.reserved_bytes, after.peak_reserved_bytes),
            retained_allocated_bytes=retained_allocated,
            retained_reserved_bytes=retained_reserved,
            left_allocated_bytes=_grown(freed_allocated, retained_allocated),
            left_reserved_bytes=_grown(freed_reserved, retained_reserved),
            emptied_reserved_bytes=emptied_reserved if self._emptying else None,
            context_bytes=self._opened.context_bytes,
            retained_used_bytes=retained_used,
            left_used_bytes=_grown(freed_used, retained_used),
            emptied_used_bytes=emptied_used if self._emptying else None,
            pinned_asked_bytes=pinned_asked_bytes,
            pinned_taken_bytes=_grown(untouched.pinned_bytes, after.pinned_bytes),
            source=NOT_TOLD if after.allocated_bytes is None else STATS,
            used_source=self._device.used_source,
            lies_in_host_memory=self._in_host_memory,
        )


class Ledgered:
    """Something that is measured, with readings of the device's memory around it.

    Args:
        measured: what is measured.
        ledger: where the readings are kept.
    """

    def __init__(self, measured: MeasuredWork[Found], ledger: DeviceLedger) -> None:
        self._measured = measured
        self._ledger = ledger
        self.clock_cost_s = measured.clock_cost_s
        self.reuses_result = measured.reuses_result
        self.cache = measured.cache

    @property
    def first_s(self) -> float:
        return self._measured.first_s

    def first(self) -> None:
        self._ledger.begin()
        self._measured.first()
        self._ledger.called()

    def verify(self, found: Found) -> Outcome:
        return self._measured.verify(found)

    def drop(self) -> None:
        self._ledger.about_to_drop()
        self._measured.drop()
        self._ledger.dropped()

    def steady(self, effort: Effort, warmed: Callable[[], None], found: Found) -> SteadyState:
        return self._measured.steady(effort, warmed, found)


def memory_found(ledger: DeviceLedger | None, work: BoundStrategy) -> DeviceMemory | None:
    """What is known of the device's memory; None where it was not looked at."""
    if ledger is None or not ledger.complete:
        return None
    return ledger.memory(pinned_bytes(work.strategy, work, pointers.data_bytes(work.inputs)))


def pinned_bytes(strategy: Strategy, work: BoundStrategy, payload_bytes: int) -> int | None:
    """What a strategy says that it pins; None where it does not say."""
    if strategy.pins is None:
        return None
    multiple = strategy.pins
    share = call_with(multiple, work.parameters) if callable(multiple) else multiple
    return round(float(share) * payload_bytes)


def _grown(before: int | None, after: int | None) -> int | None:
    return None if before is None or after is None else after - before
