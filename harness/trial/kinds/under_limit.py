"""A trial under a limit: does this size survive, and if not, where does what give way?

The process is warm when the limit comes into force, so that what is left of the budget is for the
data. Under it the inputs are loaded and the strategy is called, or drives an epoch of which every
batch is looked at. Then it is lifted, whatever happened, and the result is checked: a size has
survived when its result is right.
"""

from __future__ import annotations

import gc
import mmap
from dataclasses import dataclass, replace
from typing import Any

from harness.schema.records import Found, Limit, Outcome
from harness.schema.request import LimitRequest
from harness.trial.base import pointers
from harness.trial.base.outcomes import SYSTEM_MEMORY, CannotObeyError, failure, judged
from harness.trial.base.process import release_free_memory
from harness.trial.base.request import BoundStrategy, TrialTask, bind, file_of, load_inputs
from harness.trial.limit.memory_limit import LimitPage, MemoryLimit, boundary
from harness.trial.timing.epochs import Counted, Loader, check_epoch
from harness.trial.timing.timed_calls import as_declared, note_result, step_of
from harness.units import format_size

_RESERVE_BYTES = 1024**2
"""Kept aside, beyond the budget, for what has to be done when nothing is left."""
_OTHER_WORDS = ("can't start new thread", "exited unexpectedly", "Resource temporarily unavailable")
"""What is said where a thread or a worker could have no memory. Elsewhere it has other causes."""


def measure_limited(
    task: TrialTask, bound: LimitRequest, page: LimitPage | None, found: Found
) -> Outcome:
    """Run a strategy once under a limit.

    Raises:
        CannotObeyError: the limit is above that of this process, or below what it has already.
    """
    gc.enable()  # as users have it: what it frees is memory to be had
    gc.collect()
    release_free_memory()
    edge = boundary(bound.limit, task.group)
    base_bytes = edge.used_bytes()
    limit = Limit(bound.limit, bound.budget_bytes, base_bytes, bound.size_bytes, "")
    found.limit = limit
    _confirm_possible(bound, edge, base_bytes)
    course = _Course(task, page, edge, base_bytes)
    reserve = mmap.mmap(-1, _RESERVE_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    reserve.write(bytes(_RESERVE_BYTES))
    try:
        edge.enforce(bound.budget_bytes + _RESERVE_BYTES)
        course.run()
    except BaseException as error:  # noqa: BLE001 — whatever a strategy raises is a result
        reserve.close()  # before anything that needs memory
        edge.lift()
        stage, outcome = course.stage, _under_limit(failure(error, file_of(task.strategy)))
    else:
        reserve.close()
        edge.lift()
        stage, outcome = "", course.verify(found)
    found.payload_bytes = course.payload_bytes
    found.limit = replace(limit, stage=stage, held_bytes=course.held_bytes)
    return outcome


def _confirm_possible(bound: LimitRequest, edge: MemoryLimit, base_bytes: int) -> None:
    budget = format_size(bound.budget_bytes)
    if bound.budget_bytes <= base_bytes:
        raise CannotObeyError(
            f"a budget of {budget} is less than the {format_size(base_bytes)} that Python with "
            "NumPy and torch need before any data"
        )
    if bound.budget_bytes + _RESERVE_BYTES > edge.most_bytes:
        most = format_size(edge.most_bytes)
        raise CannotObeyError(f"a budget of {budget} is above this system's own limit of {most}")


def _under_limit(outcome: Outcome) -> Outcome:
    if not outcome.kind and any(words in outcome.reason for words in _OTHER_WORDS):
        return replace(outcome, name="oom", kind=SYSTEM_MEMORY)
    return outcome


@dataclass
class _Course:
    """What is done under the limit, and how far it came."""

    task: TrialTask
    page: LimitPage | None
    edge: MemoryLimit
    base_bytes: int
    stage: str = ""
    payload_bytes: int = 0
    held_bytes: int | None = None
    work: BoundStrategy | None = None
    made: Any = None  # what the strategy returned

    def run(self) -> None:
        self._begin("inputs")
        inputs = load_inputs(self.task.fixture)
        self.payload_bytes = pointers.data_bytes(inputs)
        self._begin("call")
        task = self.task
        self.work = work = bind(task.strategy, inputs, task.parameters, task.empty_folder())
        self.held_bytes = self.edge.used_bytes() - self.base_bytes - _RESERVE_BYTES
        if self.page is not None:
            self.page.note_held(self.held_bytes, self.payload_bytes)
        if not self.task.scenario.epochs:
            self.made = work.strategy.function(*work.args)
            return
        self.made = Loader(lambda: work.strategy.function(*work.args))
        step = step_of(self.task, work)
        for batch in self.made:
            if step is not None:
                step(batch)

    def _begin(self, stage: str) -> None:
        self.stage = stage
        if self.page is not None:
            self.page.note(stage, self.base_bytes)

    def verify(self, found: Found) -> Outcome:
        """Check the result, or one more epoch, with the limit lifted."""
        assert self.work is not None
        work, scenario = self.work, self.task.scenario
        if self.task.strategy.mutates:
            work.pristine = load_inputs(self.task.fixture)
        if scenario.epochs:
            epoch = Counted(self.made, work.inputs)
            outcome = check_epoch(scenario, work, epoch)
            found.unverified = work.unverified
            return as_declared(work, outcome, epoch.shares_memory)
        note_result(found, work, self.made)
        outcome = judged(lambda: work.check(scenario, self.made))
        found.unverified = work.unverified
        return as_declared(work, outcome, found.shares_memory)
