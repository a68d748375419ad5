"""A trial of a strategy that works on an accelerator, in its steps."""

from __future__ import annotations

from collections.abc import Callable

import torch

from harness.schema.records import Found, Outcome
from harness.trial.base import pointers
from harness.trial.base.request import TrialTask
from harness.trial.device.accelerator import Device, opened
from harness.trial.device.calls import DeviceCalls
from harness.trial.device.kernels import Kernel, Matmul
from harness.trial.device.memory import DeviceLedger, Ledgered, memory_found
from harness.trial.limit.memory_limit import LimitPage
from harness.trial.meters.peak_watch import WatchPage
from harness.trial.meters.process_tree import TreePage
from harness.trial.timing.steps import MeasuredWork, take_steps


def measure_on_device(
    task: TrialTask,
    page: WatchPage | TreePage | LimitPage | None,
    found: Found,
    warm: Callable[[], object],
    device: Device | None = None,
    kernel: Callable[[int], Kernel] | None = None,
) -> Outcome:
    """Make the context, warm up, measure the call, and try it beside a kernel.

    Args:
        task: what is to be measured.
        page: shared with an observer of the host's memory, where there is one.
        found: where it is noted what is found out.
        warm: calls the strategy once on tiny inputs.
        device: what to measure on; the accelerator that torch finds when not given.
        kernel: makes what is computed beside a transfer, in so many rows; products of matrices
            when not given.
    """
    ready = opened(device)
    warm()
    ready.device.synchronize()
    # Readings of the device's memory take their time, which is not the call's.
    ledger = DeviceLedger(ready) if task.kind == "memory" else None
    work = task.prepare()
    found.payload_bytes = pointers.data_bytes(work.inputs)
    beside = task.scenario.transfers and task.kind == "time"
    competitor = (kernel or _matmul) if beside else None
    calls = DeviceCalls(task, work, ready, competitor)
    measured: MeasuredWork[Found] = calls if ledger is None else Ledgered(calls, ledger)
    observer = page if isinstance(page, WatchPage) else None
    try:
        outcome = take_steps(measured, observer, task.effort, found, timed=task.timed)
        if outcome.ok:
            calls.compete()
    finally:
        found.device_timing = calls.timing()
        found.device_memory = memory_found(ledger, work)
    return outcome


def _matmul(side: int) -> Matmul:
    accelerator = torch.accelerator.current_accelerator()
    assert accelerator is not None
    return Matmul(accelerator, side)
