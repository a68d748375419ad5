"""A timeline of every Python function and torch operator, by viztracer; workers have their own.

Workers are reached by what torch calls in each of them first, so by fork, forkserver and spawn
alike. Each writes a file when it ends.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader

from harness.schema.profile import TIMELINE_EVENTS
from harness.schema.records import Outcome
from harness.trial.base.outcomes import one_line
from harness.trial.profiling.outcome import outcome_of
from harness.trial.profiling.target import Target

MISSING = "viztracer is not installed: pip install viztracer"
_SHORTEST_US = 2
"""Calls that took less are left out: there are many, and a page cannot show them."""
_BEFORE_OTHERS = 32  # among what a worker does at its end


def by_viztracer(target: Target, output: str) -> tuple[Outcome, str]:
    """Have it watch the call; returns the outcome, and why it could not; empty where it did.

    Args:
        target: what to call.
        output: a folder, for a file of each process.
    """
    if find_spec("viztracer") is None:
        return Outcome("ok"), MISSING
    folder = Path(output)
    folder.mkdir()
    try:
        tracer = _tracer(folder, "the call", log_torch=True)
    except Exception as error:  # noqa: BLE001 — a system that it does not know
        return Outcome("ok"), f"viztracer: {one_line(f'{type(error).__name__}: {error}')}"

    def watched(call: Any) -> Any:
        with tracer, _workers_watched(folder):
            return call()

    return outcome_of(target, watched), ""


def _tracer(folder: Path, name: str, **options: Any) -> Any:
    tool: Any = importlib.import_module("viztracer")
    return tool.VizTracer(
        tracer_entries=TIMELINE_EVENTS,
        min_duration=_SHORTEST_US,
        verbose=0,
        process_name=name,
        output_file=str(folder / f"{os.getpid()}.json"),
        **options,
    )


@contextlib.contextmanager
def _workers_watched(folder: Path) -> Iterator[None]:
    """Every loader that is made meanwhile has its workers watched."""
    kind: Any = DataLoader
    make = kind.__init__

    @functools.wraps(make)
    def made(loader: Any, *args: Any, **kwargs: Any) -> None:
        make(loader, *args, **kwargs)
        if loader.num_workers:
            loader.worker_init_fn = WatchedWorker(str(folder), loader.worker_init_fn)

    kind.__init__ = made
    try:
        yield
    finally:
        kind.__init__ = make


@dataclass(frozen=True)
class WatchedWorker:
    """What a worker does first: it begins to write down what it does from then on."""

    folder: str
    then: Callable[[int], None] | None

    def __call__(self, worker: int) -> None:
        tool: Any = importlib.import_module("viztracer")
        inherited = tool.get_tracer()
        if inherited is not None:  # by fork; it has what the other process did
            inherited.stop()
            inherited.clear()
        tracer = _tracer(Path(self.folder), f"worker {worker}")
        tracer.start()
        Finalize(tracer, _end, (tracer,), exitpriority=_BEFORE_OTHERS)
        if self.then is not None:
            self.then(worker)


def _end(tracer: Any) -> None:
    tracer.stop()
    tracer.save()
