"""``harness.tune``: a loader of this process, looked at in processes forked from it."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.files.writing import refuse_overwriting
from harness.host.environment import usable_processors
from harness.host.host import Report
from harness.host.inputs import temporary_folder_for_workers
from harness.inline import fork_safety
from harness.inline.forked_host import ForkedHost
from harness.schema.loader import LoaderRequest
from harness.schema.request import Observed, TaskRequest
from harness.trial.tasks import Provided, Task
from harness.tuning import as_json
from harness.tuning.as_text import text, verdict_line
from harness.tuning.bench import MODULES, Bench
from harness.tuning.goal import Goal
from harness.tuning.result import Tuning
from harness.tuning.session import Session


@dataclass(frozen=True)
class Tuned:
    """The answer. Printed, it is the text of ``ferrybench tune``.

    Args:
        found: all that was found, with its figures.
    """

    found: Tuning

    @property
    def settings(self) -> dict[str, int | bool]:
        """What to pass to ``DataLoader``: the user's own where no other is better; empty where
        there is no DataLoader.
        """
        chosen = self.found.chosen
        return {} if chosen is None else chosen.arguments()

    @property
    def verdict(self) -> str:
        """One sentence."""
        return verdict_line(self.found)

    def write(self, path: str | Path, *, force: bool = False) -> None:
        """Write the settings to a file that a script can load.

        Raises:
            UsageError: the file exists, and is not to be overwritten.
            UnableError: it cannot be written.
        """
        refuse_overwriting(Path(path), force=force)
        as_json.write(self.found, Path(path))

    def __str__(self) -> str:
        return text(self.found)


def tune(
    make_loader: Any,
    *,
    step: Callable[..., Any] | None = None,
    step_ms: float | None = None,
    budget: str | float = "60s",
    memory: str | int | None = None,
) -> Tuned:
    """Find out what a loader waits for, what could be won, and by which setting.

    Everything of yours runs in processes forked from this one: it sees the same data, and changes
    nothing here but files and shared memory, if the loader does.

    Args:
        make_loader: a function without arguments that returns a DataLoader or any other iterable
            of batches; or the loader itself, which is not used here.
        step: a function of a batch, or one without arguments that returns it.
        step_ms: instead, the length of a step that sleeps.
        budget: how long it may take, as text such as "2m", or in seconds.
        memory: what the process tree may take, as text such as "6GiB", or in bytes: no setting
            above it is run or recommended. Pages shared with this process count in part.

    Raises:
        UsageError: the loader or the step cannot be used, or the budget is too short.
        UnableError: this process cannot be forked.
    """
    fork_safety.refuse_unless_forkable()
    temporary_folder_for_workers()
    goal = Goal.of(budget, memory, step_ms, users_step=step is not None)
    for module in MODULES:
        importlib.import_module(module)
    fork_safety.pause_openmp()
    name = getattr(make_loader, "__name__", type(make_loader).__name__)
    file = getattr(getattr(make_loader, "__code__", None), "co_filename", "")
    about = LoaderRequest(step_ms=goal.step_ms)

    def answer(request: LoaderRequest, provided: Provided) -> dict[str, Any]:
        from harness.trial.loader.subject import Subject
        from harness.trial.loader.task import run_loader

        make_step = None if step is None else lambda: step
        return run_loader(request, provided.page, Subject(lambda: make_loader, make_step))

    with ForkedHost({LoaderRequest.task: Task(LoaderRequest, answer)}) as host:
        bench = Bench(_Forked(host, file), about, name, time.monotonic() + goal.budget_s)
        return Tuned(Session(bench, goal, usable_processors(), lambda text: None).tune())


@dataclass(frozen=True)
class _Forked:
    """The host, which looks for failing lines in the file of the user's function."""

    host: ForkedHost
    file: str

    def call(self, request: TaskRequest, timeout_s: float, *, observe: Observed = "") -> Report:
        return self.host.call(request, timeout_s, observe=observe, file=self.file)
