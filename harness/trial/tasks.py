"""What a host can be asked to do in a fresh process, by name."""

from __future__ import annotations

import os
import shutil
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from harness.scenario import Scenario
from harness.scenario.declaration import Strategy, argument_names, call_with
from harness.scenario.discover import load
from harness.scenario.named_arguments import FOLDER
from harness.schema.loader import LoaderRequest
from harness.schema.profile import CaseProfileRequest, FileProfileRequest, Profiled, Watching
from harness.schema.records import Outcome, Value
from harness.schema.request import (
    BothWaysRequest,
    CeilingsRequest,
    DescribeRequest,
    EvaluateRequest,
    Facts,
    InputsRequest,
    TaskRequest,
    TrialRequest,
    UnderLimit,
    VersionsRequest,
)
from harness.schema.strict import from_fields, set_fields
from harness.trial.describe import describe
from harness.trial.limit.cost_model import copies_at_frontier
from harness.trial.limit.memory_limit import LimitPage, why_not
from harness.trial.meters.peak_watch import WatchPage
from harness.trial.meters.process_tree import TreePage
from harness.trial.profiling.lines_page import LinesPage
from harness.trial.profiling.target import Target

Page = WatchPage | TreePage | LimitPage | LinesPage
Answer = dict[str, Any]
R = TypeVar("R", bound=TaskRequest)


@dataclass(frozen=True)
class Provided:
    """What the server has ready for a task beside its request."""

    page: Page | None = None  # shared with whoever observes it
    group: str = ""  # folder of a control group to enter


@dataclass(frozen=True)
class Task:
    """Something to be done in a fresh process.

    Args:
        kind: what it is given; on the way, that is plain fields.
        do: does it.
    """

    kind: type[TaskRequest]
    do: Callable[[Any, Provided], Answer]

    def answer(self, fields: Mapping[str, Any], provided: Provided) -> Answer:
        """Do what is asked for.

        Raises:
            FieldError: the request has an unknown key, or lacks one.
        """
        return self.do(from_fields(self.kind, fields), provided)


TASKS: dict[str, Task] = {}
"""What there is below, by the names of the requests."""


def task(
    kind: type[R],
) -> Callable[[Callable[[R, Provided], Answer]], Callable[[R, Provided], Answer]]:
    """Register what does a kind of request."""

    def register(do: Callable[[R, Provided], Answer]) -> Callable[[R, Provided], Answer]:
        TASKS[kind.task] = Task(kind, do)
        return do

    return register


@task(DescribeRequest)
def describe_scenarios(request: DescribeRequest, provided: Provided) -> Answer:
    """The scenarios of some files and folders, as data, in their order."""
    found = [(scenario, path) for path in request.paths for scenario in load(Path(path))]
    found.sort(key=lambda one: one[0].order)
    return {"scenarios": [asdict(describe(scenario, path)) for scenario, path in found]}


@task(EvaluateRequest)
def evaluate_cases(request: EvaluateRequest, provided: Provided) -> Answer:
    """For each case (path, scenario, strategy, parameters): why to skip it, and its cost model."""
    from harness.trial.base.request import find

    facts = []
    for case in request.cases:
        scenario = find(case.path, case.scenario)
        strategy = scenario.strategies[case.strategy]
        fact = _evaluate(scenario, strategy, case.parameters)
        if case.within is not None:
            fact = _under_limit(fact, strategy, case.parameters, case.within)
        facts.append(asdict(fact))
    return {"facts": facts}


def _evaluate(scenario: Scenario, strategy: Strategy, parameters: Mapping[str, Value]) -> Facts:
    reason = why_skipped(strategy, parameters)
    if reason:
        return Facts(reason)
    copies = strategy.copies
    workers = parameters.get("num_workers", 0)
    return Facts(
        "",
        copies=call_with(copies, parameters) if callable(copies) else copies,
        tree=scenario.watched or (isinstance(workers, int) and workers > 0),
        on_device=strategy.on_device,
        refuses=tuple(call_with(strategy.refuses, parameters)) if strategy.refuses else (),
    )


def why_skipped(strategy: Strategy, parameters: Mapping[str, Value]) -> str:
    """Why a strategy cannot run here, or makes no sense at some point; empty when it can."""
    missing = [package for package in strategy.requires if find_spec(package) is None]
    if missing:
        names = " ".join(missing)
        return f"needs {names}, which is not installed: pip install {names}"
    # What the scenario says comes first: it does not depend on the machine.
    reason = call_with(strategy.skip, parameters) if strategy.skip else None
    if not reason and strategy.on_device:
        from harness.trial.device.accelerator import why_none

        reason = why_none()
    return reason or ""


def _under_limit(
    fact: Facts, strategy: Strategy, parameters: Mapping[str, Value], within: UnderLimit
) -> Facts:
    """What is otherwise under a limit: it may not be possible, and a cost model depend on size."""
    if strategy.on_device:
        reason = "works on an accelerator, whose driver does not start under such a limit"
        return replace(fact, skip=reason)
    not_here = why_not(within.limit)
    if not_here:
        return replace(fact, skip=not_here)
    copies = strategy.copies
    if not callable(copies) or within.free_bytes < within.step_bytes:
        return fact
    found, depends = copies_at_frontier(
        lambda size: call_with(copies, {**parameters, "size": size}),
        within.free_bytes,
        within.step_bytes,
    )
    return replace(fact, copies=found, size_dependent=depends)


@task(InputsRequest)
def make_fixture(request: InputsRequest, provided: Provided) -> Answer:
    """Make the inputs of one point of the grid and keep them at ``file``.

    Where the system has no room for them, the answer is an ``outcome``, or ``needed_bytes`` if
    that is known before anything of them has been written.
    """
    import numpy as np

    from harness.trial.base import inputs as made_inputs
    from harness.trial.base import pointers
    from harness.trial.base.outcomes import failure
    from harness.trial.base.request import find

    scenario = find(request.path, request.scenario)
    assert scenario.make_inputs is not None
    parameters = request.parameters
    # Equal seed and point give equal data, in whatever order the points come.
    label = f"{scenario.name} {sorted(parameters.items())}"
    rng = np.random.default_rng([request.seed, zlib.crc32(label.encode())])
    file = Path(request.file)
    given: dict[str, Any] = {**parameters, "rng": rng}
    try:
        if FOLDER in argument_names(scenario.make_inputs):
            folder = made_inputs.folder_of(file)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            given[FOLDER] = folder
        inputs = call_with(scenario.make_inputs, given)
        made_inputs.keep_on_disk(made_inputs.folder_of(file))
        found = made_inputs.described(inputs)
        payload_bytes = pointers.data_bytes(inputs)
        found.refuse_waste(payload_bytes)
        if found.nbytes > shutil.disk_usage(file.parent).free:
            return {"needed_bytes": found.nbytes}
        found.save(file)
    except OSError as error:
        return {"outcome": asdict(failure(error, request.path))}
    return {"payload_bytes": payload_bytes}


@task(TrialRequest)
def measure(request: TrialRequest, provided: Provided) -> Answer:
    """One trial."""
    from harness.trial.run import run_trial

    assert not isinstance(provided.page, LinesPage)
    return run_trial(request, provided.page, provided.group)


@task(CeilingsRequest)
def ceilings(request: CeilingsRequest, provided: Provided) -> Answer:
    """What the machine can do at best."""
    from harness.trial.ceilings.measure import measure_ceilings

    return measure_ceilings(request)


@task(VersionsRequest)
def versions(request: VersionsRequest, provided: Provided) -> Answer:
    """What this interpreter is, and how its torch runs."""
    import numpy as np
    import torch

    from harness.trial.device.accelerator import describe_accelerator
    from harness.trial.interpreter import describe_interpreter
    from harness.trial.timing.heap_layout import layout_can_be_drawn

    return {
        **describe_interpreter(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "torch_threads": torch.get_num_threads(),
        "torch_parallel": torch.__config__.parallel_info().splitlines()[0:3],
        "cuda_build": torch.version.cuda,
        "accelerator": describe_accelerator(),
        "layout_drawn": layout_can_be_drawn(),
        "processors": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1,
    }


@task(CaseProfileRequest)
def profile_case(request: CaseProfileRequest, provided: Provided) -> Answer:
    """One call of a strategy, watched."""
    from harness.trial.profiling.targets import case_target

    return _watched(lambda: case_target(request), request.watching, provided)


@task(FileProfileRequest)
def profile_file(request: FileProfileRequest, provided: Provided) -> Answer:
    """One call of a function of a user's file, watched."""
    from harness.trial.profiling.targets import file_target

    return _watched(lambda: file_target(request), request.watching, provided)


def _watched(target: Callable[[], Target], watching: Watching, provided: Provided) -> Answer:
    from harness.trial.profiling.targets import CannotProfileError
    from harness.trial.profiling.watch_call import watch_call

    page = provided.page
    assert page is None or isinstance(page, LinesPage)
    try:
        return watch_call(target(), watching, page)
    except CannotProfileError as error:
        return set_fields(Profiled(outcome=Outcome("ok"), refused=str(error)))


@task(BothWaysRequest)
def time_both_ways(request: BothWaysRequest, provided: Provided) -> Answer:
    """An operation of known duration, timed by the stopwatch and by hand."""
    from harness.trial.planted import reference_loop

    return reference_loop.time_both_ways(request)


@task(LoaderRequest)
def go_through_loader(request: LoaderRequest, provided: Provided) -> Answer:
    """A user's own loader, gone through once."""
    from harness.trial.loader.task import run_loader

    return run_loader(request, provided.page)
