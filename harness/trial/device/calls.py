"""A strategy that works on an accelerator: its calls end when the device has nothing left to do.

The check comes after that, so that what it finds wrong is what the call itself handed out too
early: a copy of memory that the device had not written yet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from harness.schema.records import DeviceTiming, Effort, Found, Outcome
from harness.trial.base.inputs import folder_of
from harness.trial.base.outcomes import failure, judged
from harness.trial.base.request import BoundStrategy, TrialTask
from harness.trial.device.accelerator import Opened
from harness.trial.device.clock import NANO, DeviceClock, Sample, events_cover
from harness.trial.device.kernels import Kernel
from harness.trial.device.overlap import NoOverlapError, measure_overlaps
from harness.trial.meters.page_cache import file_cache
from harness.trial.timing.clock import clock_cost_ns
from harness.trial.timing.duet import turns_of
from harness.trial.timing.steps import SteadyState
from harness.trial.timing.timed_calls import as_declared, note_result

NO_EVENTS = "its events report no time"
EVENTS_LESS = "its events report less than the call takes: they leave out what the host does"


@dataclass
class CallSamples:
    """What is known of a trial's calls so far."""

    first: Sample | None = None
    empty_s: float | None = None
    samples: list[Sample] = field(default_factory=list)
    overlaps: tuple[Any, ...] = ()
    no_overlap: str = ""  # why there are none


class DeviceCalls:
    """A call that an accelerator may go on with after it has returned.

    Args:
        task: what is to be measured.
        work: the strategy, bound to its inputs.
        opened: the device, with its context made.
        kernel: makes what is computed beside a transfer, in so many rows; None where nothing is.
    """

    reuses_result = False  # results are made anew

    def __init__(
        self,
        task: TrialTask,
        work: BoundStrategy,
        opened: Opened,
        kernel: Callable[[int], Kernel] | None = None,
    ) -> None:
        self.task = task
        self.work = work
        self.opened = opened
        self.kernel = kernel
        self.cache = file_cache(work, folder_of(task.fixture))
        self.clock_cost_s = clock_cost_ns() * NANO
        self.clock = DeviceClock(opened.device, self.clock_cost_s)
        self.first_s = 0.0
        self.seen = CallSamples()
        self.result: Any = None

    def _call(self) -> Any:
        return self.task.strategy.function(*self.work.args)

    def _restore(self) -> None:
        if self.task.strategy.mutates:
            self.work.restore()
        self.cache.prepare()

    def first(self) -> None:
        self.result, sample = self.clock.once(self._call)
        self.seen.first = sample
        self.first_s = sample.done_s

    def verify(self, found: Found) -> Outcome:
        note_result(found, self.work, self.result)
        outcome = judged(lambda: self.work.check(self.task.scenario, self.result))
        found.unverified = self.work.unverified
        return as_declared(self.work, outcome, found.shares_memory)

    def drop(self) -> None:
        self.result = None

    def steady(self, effort: Effort, warmed: Callable[[], None], found: Found) -> SteadyState:
        self._restore()
        self.clock.once(self._call)  # with memory that the caches have by now
        self.seen.empty_s = self.clock.empty_s()
        warmed()
        turns = turns_of(self.task.duet)
        self.seen.samples = self.clock.steady(self._call, effort, self._restore, turns)
        samples_s = [sample.done_s for sample in self.seen.samples]
        return SteadyState(samples_s, len(samples_s))

    def compete(self) -> None:
        """Try the call beside a kernel, once everything else is known.

        Whatever happens here, the trial was measured: it is noted, and no more.
        """
        if self.kernel is None or not self.seen.samples:
            return
        try:
            self.seen.overlaps = measure_overlaps(
                self.clock, self._call, self.kernel, self.task.effort, self._restore
            )
        except NoOverlapError as error:
            self.seen.no_overlap = str(error)
        except Exception as error:  # noqa: BLE001 — see above
            self.seen.no_overlap = f"overlap was not measured: {failure(error).reason}"

    def timing(self) -> DeviceTiming | None:
        """Time on the device; None before the first call."""
        return self._timing(self.seen.first) if self.seen.first is not None else None

    def _timing(self, first: Sample) -> DeviceTiming:
        seen, device = self.seen, self.opened.device
        less = device.has_events and not events_cover(seen.samples or [first])
        events = [one.event_s for one in seen.samples if one.event_s is not None and not less]
        notes = ("" if device.has_events else NO_EVENTS, EVENTS_LESS if less else "")
        return DeviceTiming(
            device=device.kind,
            first_blocked_s=first.blocked_s,
            first_event_s=None if less else first.event_s,
            context_s=self.opened.context_s,
            empty_s=seen.empty_s,
            blocked_s=tuple(one.blocked_s for one in seen.samples),
            events_s=tuple(events),
            overlaps=seen.overlaps,
            note="; ".join(note for note in (*notes, seen.no_overlap) if note),
        )
