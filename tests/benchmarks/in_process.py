"""A scenario's case in this process: prepared, called and checked as in a trial, then timed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from harness.schema.records import UNFINISHED, Found, HostSpec, Outcome
from tests.benchmarks.scenario_benchmarks import ScenarioBenchmarks
from tests.benchmarks.scenario_cases import Named

PEDANTIC_ROUNDS = 20


@dataclass
class InProcess:
    """A case that was called once, with its outcome by the scenario's own check.

    Args:
        function: what is to be timed: a strategy, or an epoch of the loader it made.
        restore: what must be done before each call, outside the timed region.
    """

    outcome: Outcome
    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    restore: Callable[[], None] | None = None

    def time(self, benchmark: Any) -> None:
        """Have pytest-benchmark time it."""
        if self.restore is None:
            benchmark(self.function, *self.args)
        else:
            benchmark.pedantic(self.function, self.args, setup=self.restore, rounds=PEDANTIC_ROUNDS)


@contextmanager
def in_this_process(scenarios: ScenarioBenchmarks, named: Named) -> Iterator[InProcess]:
    """Prepare a case, call it for the first time and check what came of it.

    torch has the number of threads that the case asks for, and gets its own back.
    """
    import torch

    from harness.run.instrument import threads_for
    from harness.trial.timing.timed_calls import Calls, Epochs

    task = scenarios.assignment(named)
    threads = torch.get_num_threads()
    torch.set_num_threads(threads_for(task.parameters, HostSpec()))
    try:
        work = task.prepare()
        if task.scenario.epochs:
            epochs = Epochs(task, work)
            epochs.first()
            yield InProcess(
                epochs.verify(Found(outcome=UNFINISHED)),
                lambda: one_epoch(epochs.loader, epochs.step),
            )
        else:
            calls = Calls(task, work)
            calls.first()
            outcome = calls.verify(Found(outcome=UNFINISHED))
            calls.drop()
            restore = work.restore if task.strategy.mutates else None
            yield InProcess(outcome, task.strategy.function, work.args, restore)
    finally:
        torch.set_num_threads(threads)


def one_epoch(loader: Any, step: Callable[[Any], Any] | None) -> None:
    """What a user writes around a loader."""
    for batch in loader:
        if step is not None:
            step(batch)
