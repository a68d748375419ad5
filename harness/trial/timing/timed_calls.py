"""The two things a trial can time: a call, or the epochs of what a call returned."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.schema.records import Effort, Epoch, Found, Loading, Outcome
from harness.trial.base import pointers
from harness.trial.base.contents import contents_of
from harness.trial.base.inputs import folder_of
from harness.trial.base.outcomes import judged
from harness.trial.base.request import BoundStrategy, TrialTask
from harness.trial.meters.page_cache import file_cache
from harness.trial.meters.page_touch import touch_pages
from harness.trial.timing.arrived import Arrived
from harness.trial.timing.clock import Stopwatch, clock_cost_ns
from harness.trial.timing.duet import turns_of
from harness.trial.timing.epochs import (
    Counted,
    Fetched,
    Loader,
    check_epoch,
    first_epoch,
    known_epoch,
    steady_epochs,
    stepped_epoch,
)
from harness.trial.timing.steps import SteadyState
from harness.trial.timing.training import StepFunction, Trainer, recordable, summarised, verdict


class Calls:
    """A strategy whose call is the thing."""

    reuses_result = False  # results are made anew

    def __init__(self, task: TrialTask, work: BoundStrategy) -> None:
        self.task = task
        self.work = work
        self.cache = file_cache(work, folder_of(task.fixture))
        self.watch = Stopwatch(task.strategy.function, work.args)
        self.clock_cost_s = self.watch.clock_cost_ns / 1e9
        self.first_s = 0.0
        self.result: Any = None

    def _restore(self) -> None:
        if self.task.strategy.mutates:
            self.work.restore()
        self.cache.prepare()

    def first(self) -> None:
        self.result, first_ns = self.watch.one_call()
        self.first_s = first_ns / 1e9

    def verify(self, found: Found) -> Outcome:
        note_result(found, self.work, self.result)
        outcome = judged(lambda: self.work.check(self.task.scenario, self.result))
        found.unverified = self.work.unverified
        return as_declared(self.work, outcome, found.shares_memory)

    def drop(self) -> None:
        self.result = None

    def steady(self, effort: Effort, warmed: Callable[[], None], found: Found) -> SteadyState:
        if self.task.strategy.mutates or self.cache.state:
            self.watch.restore = self._restore
        steady = self.watch.steady(effort, warmed, turns_of(self.task.duet))
        samples_s = [ns / 1e9 for ns in steady.samples_ns]
        return SteadyState(samples_s, steady.calls, steady.calls_per_sample, steady.apart)


class Epochs:
    """A strategy that returns a loader, driven epoch by epoch.

    The training step of a scenario that has one is made here, before anything is measured. Only
    where time is measured is it taken; elsewhere batches are touched instead.

    Args:
        task: what is to be measured.
        work: the strategy, bound to its inputs.
        lazy: batches map files, and are to be read while they are waited for.
    """

    reuses_result = True  # on the same loader

    def __init__(self, task: TrialTask, work: BoundStrategy, *, lazy: bool = False) -> None:
        self.task = task
        self.work = work
        self.now = time.perf_counter_ns
        self.clock_cost_ns = clock_cost_ns(self.now)
        self.clock_cost_s = self.clock_cost_ns / 1e9
        self.first_s = 0.0
        self.loading: Loading | None = None
        self.loader: Loader | None = None
        self.step = step_of(task, work)
        self.lazy = lazy and task.timed
        self.cache = file_cache(work, folder_of(task.fixture))

    def first(self) -> None:
        build_s = self._build()
        epoch, batches = self._drive()
        self.loading = Loading(build_s, epoch, (), batches, 0, 0)
        self.first_s = build_s + epoch.iter_s + epoch.first_batch_s

    def _build(self) -> float:
        """Have the strategy make the loader; returns the seconds it took."""
        began = self.now()
        self.loader = Loader(lambda: self.work.strategy.function(*self.work.args))
        return max(0.0, self.now() - began - self.clock_cost_ns) / 1e9

    def _drive(self, batches: int | None = None) -> tuple[Epoch, int]:
        """Go through one epoch, which must have so many batches if that is known."""
        assert self.loader is not None
        if self.step is not None:
            loader: Iterable[Any] = Fetched(self.loader) if self.lazy else self.loader
            if self.task.strategy.on_device:
                loader = Arrived(loader)
            return stepped_epoch(loader, self.step, self.now, self.clock_cost_ns, batches)
        if batches is None:
            return first_epoch(self.loader, self.now, self.clock_cost_ns)
        return known_epoch(self.loader, batches, self.now, self.clock_cost_ns), batches

    def verify(self, found: Found) -> Outcome:
        assert self.loader is not None
        assert self.loading is not None
        epoch = Counted(self.loader, self.work.inputs)
        outcome = check_epoch(self.task.scenario, self.work, epoch, self.loading.batches)
        found.unverified = self.work.unverified
        self.loading = replace(self.loading, samples=epoch.samples, data_bytes=epoch.data_bytes)
        found.shares_memory = epoch.shares_memory
        found.result_bytes = epoch.data_bytes
        found.result = epoch.summary
        given = contents_of([self.work.inputs], most=None)
        found.dtypes = pointers.dtype_of(given), epoch.dtype
        found.loading = self.loading
        return as_declared(self.work, outcome, epoch.shares_memory)

    def drop(self) -> None:
        self.loader = None

    def steady(self, effort: Effort, warmed: Callable[[], None], found: Found) -> SteadyState:
        assert self.loading is not None
        batches = self.loading.batches
        rebuilds_s: list[float] = []

        def epoch() -> Epoch:
            if self.cache.starts_anew:
                self.drop()
                gc.collect()
            self.cache.prepare()
            if self.loader is None:
                rebuilds_s.append(self._build())
            return self._drive(batches)[0]

        warmed()
        epochs = steady_epochs(epoch, effort, self.now, turns_of(self.task.duet))
        self.loading = replace(self.loading, steady=tuple(epochs), rebuilds_s=tuple(rebuilds_s))
        # What is made anew for an epoch may have read everything while it was made.
        made_s = rebuilds_s or [0.0] * len(epochs)
        samples_s = [one.total_s + made for one, made in zip(epochs, made_s, strict=True)]
        found.loading = self.loading
        steady = SteadyState(samples_s, len(epochs))
        if isinstance(self.step, Trainer):
            training = summarised(self.step.losses, batches)
            found.training = recordable(training)
            steady.outcome = verdict(training)
        return steady


def step_of(task: TrialTask, work: BoundStrategy) -> StepFunction | None:
    """What is done with every batch: trained on or touched; nothing where there is no step."""
    if task.scenario.make_step is None:
        return None
    return Trainer(task.scenario, work.parameters) if task.timed else touch_pages


def is_lazy(work: BoundStrategy, batch: Any) -> bool:
    """Whether a batch lies where a file is mapped that the strategy was given; where that is not
    known, it is timed as if it did not.
    """
    files = [value for value in work.args if isinstance(value, Path)]
    return bool(pointers.overlap(files, batch))


def note_result(found: Found, work: BoundStrategy, result: Any) -> None:
    """Note what can be said of a result without looking at its values."""
    given, made = (contents_of([value], most=None) for value in (work.inputs, result))
    found.shares_memory, _ = pointers.sharing(given, made)
    found.result_bytes = pointers.read_bytes(made)
    found.result = pointers.summary(result)
    found.dtypes = pointers.dtype_of(given), pointers.dtype_of(made)
    found.row_bytes = pointers.row_bytes(made)


def as_declared(work: BoundStrategy, outcome: Outcome, shares_memory: bool | None) -> Outcome:
    """Wrong where a result overlaps the inputs although it is declared not to."""
    if outcome.ok and work.strategy.shares_memory is False and shares_memory:
        return Outcome("wrong", "the result shares the inputs' memory, but is declared not to")
    return outcome
