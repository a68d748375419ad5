"""The memory of ``benchmark(...)``, measured before pytest-benchmark times it.

The function is called in processes forked from this one, so that whatever it does to this one's
memory, caches or threads is not done, and timing is left as it was. What pytest-benchmark's
fixture is called with is passed on to it afterwards, unchanged.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from harness.errors import FerrybenchError
from harness.inline.measure import Job, measure_job
from harness.pytest_support import facts
from harness.pytest_support.fixture import STEADY_S
from harness.pytest_support.options import allows_shared, budget_of, fail_cleanly, timeout_of
from harness.pytest_support.results import note
from harness.schema.records import Effort

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def watch(benchmark: Any, node: pytest.Item) -> None:
    """Have a fixture of pytest-benchmark measured along; one of another package stays as it is.

    Its class is replaced by one derived from it: a call is looked up there, not on the object.
    """
    theirs = sys.modules.get("pytest_benchmark.fixture")
    own = type(benchmark)
    if theirs and issubclass(own, theirs.BenchmarkFixture) and not issubclass(own, _Measured):
        benchmark.ferrybench_watcher = BenchmarkWatcher(node)
        benchmark.__class__ = type(own.__name__, (_Measured, own), {})


class BenchmarkWatcher:
    """Measures what one test benchmarks, and holds its budget against it."""

    def __init__(self, node: pytest.Item) -> None:
        self.node = node
        self.budget = fail_cleanly(partial(budget_of, node))
        self.timeout_s = timeout_of(node.config)

    def measure(
        self, benchmark: Any, make_job: Callable[[], Job], *, warm: bool = True
    ) -> Callable[[], None]:
        """Note what a call costs or, where it cannot be measured, why.

        What fails here will fail again in the test itself, or was meant to. Only the budget makes a
        failure of it: returned is what enforces that, once pytest-benchmark has had its turn.
        """
        budget = self.budget
        trials = int(budget is not None and budget.needs_repeats)
        effort = Effort(trials, STEADY_S, timeout_s=self.timeout_s)
        try:
            job = replace(make_job(), allow_shared=allows_shared(self.node))
            found = measure_job(job, effort, warm=warm)
        except FerrybenchError as error:
            reason = str(error)
            told = {"outcome": "skipped", "reason": reason}
            note(self.node, told, benchmark=benchmark)
            return _no_more if budget is None else partial(_refuse, reason)
        note(self.node, facts.of_measurement(found), benchmark=benchmark)
        return _no_more if budget is None else partial(fail_cleanly, partial(budget.enforce, found))


def _no_more() -> None:
    """There is no budget."""


def _refuse(reason: str) -> None:
    __tracebackhide__ = True
    pytest.fail(f"ferrybench: {reason}", pytrace=False)


class _Measured:
    """What the fixture's class is given before its own methods."""

    ferrybench_watcher: BenchmarkWatcher

    def __call__(self, function_to_benchmark: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        job = partial(Job, function_to_benchmark, args, kwargs, False)
        enforce = self.ferrybench_watcher.measure(self, job)
        theirs: Any = super()
        result = theirs.__call__(function_to_benchmark, *args, **kwargs)
        enforce()
        return result

    def pedantic(
        self,
        target: Callable[..., Any],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        setup: Callable[[], Arguments | None] | None = None,
        *rest: Any,
        **options: Any,
    ) -> Any:
        __tracebackhide__ = True
        # What is set up for every round may be used up by one call, and not be there for another.
        job = partial(Job, target, tuple(args), kwargs or {}, False, setup=setup)
        enforce = self.ferrybench_watcher.measure(self, job, warm=setup is None)
        theirs: Any = super()
        result = theirs.pedantic(target, args, kwargs, setup, *rest, **options)
        enforce()
        return result
