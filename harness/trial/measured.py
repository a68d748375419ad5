"""The two things a trial can time: a call, or the epochs of what a call returned."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, Protocol

from harness.model import Effort, Loading, Outcome
from harness.trial import pointers
from harness.trial.clock import Stopwatch, clock_cost_ns
from harness.trial.epochs import Counted, Loader, check_epoch, first_epoch, steady_epochs
from harness.trial.judge import judged
from harness.trial.work import Assignment, Work

Record = dict[str, Any]


class Measured(Protocol):
    """What the steps of a trial are made of."""

    clock_cost_s: float
    first_s: float  # what the first call took, or the first batch of the first epoch

    def first(self) -> None:
        """Do it for the first time, and keep what came of it."""

    def verify(self, record: Record) -> Outcome:
        """Note facts of what came of it, and check it."""

    def drop(self) -> None:
        """Let go of what came of it."""

    def steady(self, effort: Effort, warmed: Callable[[], None]) -> tuple[Record, int]:
        """Sample the steady state; returns fields of a Timing, and how many calls were made."""


class Calls:
    """A strategy whose call is the thing."""

    def __init__(self, task: Assignment, work: Work) -> None:
        self.task = task
        self.work = work
        restore = work.restore if task.strategy.mutates else None
        self.watch = Stopwatch(task.strategy.function, work.args, restore)
        self.clock_cost_s = self.watch.clock_cost_ns / 1e9
        self.first_s = 0.0
        self.result: Any = None

    def first(self) -> None:
        self.result, first_ns = self.watch.one_call()
        self.first_s = first_ns / 1e9

    def verify(self, record: Record) -> Outcome:
        record |= facts(self.work, self.result)
        outcome = judged(lambda: self.work.check(self.task.scenario, self.result))
        return as_declared(self.work, outcome, record["shares_memory"])

    def drop(self) -> None:
        self.result = None

    def steady(self, effort: Effort, warmed: Callable[[], None]) -> tuple[Record, int]:
        steady = self.watch.steady(effort, warmed)
        sampled = {
            "samples_s": [ns / 1e9 for ns in steady.samples_ns],
            "calls_per_sample": steady.calls_per_sample,
            "calls_timed_apart": steady.apart,
        }
        return sampled, steady.calls


class Epochs:
    """A strategy that returns a loader, driven epoch by epoch."""

    def __init__(self, task: Assignment, work: Work) -> None:
        self.task = task
        self.work = work
        self.now = time.perf_counter_ns
        self.clock_cost_ns = clock_cost_ns(self.now)
        self.clock_cost_s = self.clock_cost_ns / 1e9
        self.first_s = 0.0
        self.loading: Loading | None = None
        self.loader: Loader | None = None

    def first(self) -> None:
        began = self.now()
        self.loader = Loader(lambda: self.work.strategy.function(*self.work.args))
        build_s = max(0.0, self.now() - began - self.clock_cost_ns) / 1e9
        epoch, batches = first_epoch(self.loader, self.now, self.clock_cost_ns)
        self.loading = Loading(build_s, epoch, (), batches, 0, 0)
        self.first_s = build_s + epoch.iter_s + epoch.first_batch_s

    def verify(self, record: Record) -> Outcome:
        assert self.loader is not None
        assert self.loading is not None
        epoch = Counted(self.loader, self.work.inputs)
        outcome = check_epoch(self.task.scenario, self.work, epoch, self.loading.batches)
        self.loading = replace(self.loading, samples=epoch.samples, data_bytes=epoch.data_bytes)
        record |= {
            "shares_memory": epoch.shares_memory,
            "result_bytes": epoch.data_bytes,
            "result": epoch.summary,
            "loading": asdict(self.loading),
        }
        return as_declared(self.work, outcome, epoch.shares_memory)

    def drop(self) -> None:
        self.loader = None

    def steady(self, effort: Effort, warmed: Callable[[], None]) -> tuple[Record, int]:
        assert self.loader is not None
        assert self.loading is not None
        warmed()
        batches = self.loading.batches
        epochs = steady_epochs(self.loader, batches, effort, self.now, self.clock_cost_ns)
        self.loading = replace(self.loading, steady=tuple(epochs))
        sampled = {
            "samples_s": [epoch.total_s for epoch in epochs],
            "calls_per_sample": 1,
            "calls_timed_apart": True,
        }
        return sampled, len(epochs)


def facts(work: Work, result: Any) -> Record:
    """What can be said of a result without looking at its values."""
    return {
        "shares_memory": pointers.overlap(work.inputs, result),
        "result_bytes": pointers.data_bytes(result),
        "result": pointers.summary(result),
    }


def as_declared(work: Work, outcome: Outcome, shares_memory: bool | None) -> Outcome:
    """Wrong where a result overlaps the inputs although it is declared not to."""
    if outcome.ok and work.strategy.shares_memory is False and shares_memory:
        return Outcome("wrong", "the result shares the inputs' memory, but is declared not to")
    return outcome
