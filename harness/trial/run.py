"""One trial: load the inputs, and measure what is done with them, step by step.

The first call is timed with the collector off and after the same function has met a tiny input,
so that what is timed is neither an import nor a lazily built table.
"""

from __future__ import annotations

import gc
import itertools
from typing import Any

import torch

from harness.schema.records import UNFINISHED, Found, Outcome
from harness.schema.request import TrialRequest
from harness.schema.strict import set_fields
from harness.trial.base import pointers
from harness.trial.base.outcomes import failure
from harness.trial.base.request import TrialTask, load_inputs, put_into_force
from harness.trial.device.accelerator import opened
from harness.trial.device.memory import DeviceLedger, Ledgered, memory_found
from harness.trial.kinds.on_device import measure_on_device
from harness.trial.kinds.process_tree import measure_growth
from harness.trial.kinds.under_limit import measure_limited
from harness.trial.limit.memory_limit import LimitPage
from harness.trial.meters.peak_watch import WatchPage
from harness.trial.meters.process_tree import TreePage
from harness.trial.ranks.measure import measure_ranks
from harness.trial.timing.epochs import Loader
from harness.trial.timing.heap_layout import lay_out
from harness.trial.timing.steps import MeasuredWork, noted_warnings, take_steps
from harness.trial.timing.timed_calls import Calls, Epochs, is_lazy, step_of

Page = WatchPage | TreePage | LimitPage
_WARM_BATCHES = 3


def run_trial(request: TrialRequest, page: Page | None, group: str = "") -> dict[str, Any]:
    """Measure one case and return what was found out: fields of Found, those that are set."""
    task = TrialTask.of(request, group)
    found = Found(outcome=UNFINISHED)
    if not task.effort.collect_garbage:
        gc.disable()
    try:
        if task.layout_seed is not None:
            lay_out(task.layout_seed)
        put_into_force(task.parameters, request.threads, request.path)
        found.outcome = _measure(task, request, page, found)
    except BaseException as error:  # noqa: BLE001 — whatever a strategy raises is a result
        found.outcome = failure(error, request.path)
    found.threads = torch.get_num_threads()
    return set_fields(found)


def _measure(task: TrialTask, request: TrialRequest, page: Page | None, found: Found) -> Outcome:
    if task.scenario.ranks:
        found.payload_bytes = pointers.data_bytes(load_inputs(task.fixture))
        return measure_ranks(task, request, page if isinstance(page, TreePage) else None, found)
    if task.strategy.on_device and task.bound is None and not isinstance(page, TreePage):
        if not task.scenario.epochs:
            return measure_on_device(task, page, found, lambda: warm(task, found))
        ready = opened()  # the context is no part of the first batch
    else:
        ready = None
    lazy = False
    if task.kind != "probe":
        lazy = warm(task, found)
    if isinstance(page, TreePage):
        with noted_warnings(found):
            return measure_growth(task, page, found)
    if task.bound is not None:
        with noted_warnings(found):
            noted = page if isinstance(page, LimitPage) else None
            return measure_limited(task, task.bound, noted, found)
    assert not isinstance(page, LimitPage)
    ledger = DeviceLedger(ready) if ready is not None and task.kind == "memory" else None
    work = task.prepare()
    found.payload_bytes = pointers.data_bytes(work.inputs)
    measured: MeasuredWork[Found] = (
        Epochs(task, work, lazy=lazy) if task.scenario.epochs else Calls(task, work)
    )
    if ledger is not None:
        measured = Ledgered(measured, ledger)
    outcome = take_steps(measured, page, task.effort, found, timed=task.timed)
    found.device_memory = memory_found(ledger, work)
    return outcome


def warm(task: TrialTask, found: Found) -> bool:
    """Call the strategy once on a tiny input; returns whether batches map its files."""
    lazy = False
    try:
        work = task.prepare_tiny()
        with noted_warnings(found):
            made = task.strategy.function(*work.args)
            if task.scenario.epochs:
                step = step_of(task, work)
                for batch in itertools.islice(Loader(lambda: made), _WARM_BATCHES):
                    lazy = lazy or is_lazy(work, batch)
                    if step is not None:
                        step(batch)
    except Exception:  # noqa: BLE001, S110 — the real call will meet it again, as its result
        pass
    return lazy
