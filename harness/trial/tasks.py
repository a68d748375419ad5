"""What a host can be asked to do in a fresh process, by name."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from harness.scenario import Scenario
from harness.scenario.declaration import Strategy, argument_names, call_with
from harness.scenario.discover import load
from harness.schema.records import Value
from harness.trial.describe import describe
from harness.trial.limit.cost_model import copies_at_frontier
from harness.trial.limit.memory_limit import LimitPage, why_not
from harness.trial.meters.peak_watch import WatchPage
from harness.trial.meters.process_tree import TreePage

Page = WatchPage | TreePage | LimitPage
Task = Callable[[dict[str, Any], Page | None], dict[str, Any]]


def describe_scenarios(request: dict[str, Any], page: Page | None) -> dict[str, Any]:
    """The scenarios of some files and folders, as data, in their order."""
    found = [(scenario, path) for path in request["paths"] for scenario in load(Path(path))]
    found.sort(key=lambda one: one[0].order)
    return {"scenarios": [describe(scenario, path) for scenario, path in found]}


def evaluate_cases(request: dict[str, Any], page: Page | None) -> dict[str, Any]:
    """For each case (path, scenario, strategy, parameters): why to skip it, and its cost model."""
    from harness.trial.base.request import find

    facts = []
    for case in request["cases"]:
        scenario = find(case["path"], case["scenario"])
        strategy = scenario.strategies[case["strategy"]]
        fact = _evaluate(scenario, strategy, case["parameters"])
        if case.get("within"):
            fact |= _within(strategy, case["parameters"], case["within"])
        facts.append(fact)
    return {"facts": facts}


def _evaluate(
    scenario: Scenario, strategy: Strategy, parameters: dict[str, Value]
) -> dict[str, Any]:
    reason = why_skipped(strategy, parameters)
    if reason:
        return {"skip": reason}
    copies = strategy.copies
    workers = parameters.get("num_workers", 0)
    return {
        "skip": "",
        "copies": call_with(copies, parameters) if callable(copies) else copies,
        "tree": scenario.watched or (isinstance(workers, int) and workers > 0),
        "on_device": strategy.on_device,
    }


def why_skipped(strategy: Strategy, parameters: dict[str, Value]) -> str:
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


def _within(
    strategy: Strategy, parameters: dict[str, Value], within: dict[str, Any]
) -> dict[str, Any]:
    """What is otherwise under a limit: it may not be possible, and a cost model depend on size."""
    if strategy.on_device:
        return {"skip": "works on an accelerator, whose driver does not start under such a limit"}
    not_here = why_not(within["limit"])
    if not_here:
        return {"skip": not_here}
    copies = strategy.copies
    if not callable(copies) or within["free_bytes"] < within["step_bytes"]:
        return {}
    found, depends = copies_at_frontier(
        lambda size: call_with(copies, {**parameters, "size": size}),
        within["free_bytes"],
        within["step_bytes"],
    )
    return {"copies": found, "size_dependent": depends}


def make_fixture(request: dict[str, Any], page: Page | None) -> dict[str, Any]:
    """Make the inputs of one point of the grid and keep them at ``file``.

    Where the system has no room for them, the answer is an ``outcome``.
    """
    import numpy as np

    from harness.trial.base import inputs as made_inputs
    from harness.trial.base import pointers
    from harness.trial.base.outcomes import failure
    from harness.trial.base.request import FOLDER, find

    scenario = find(request["path"], request["scenario"])
    assert scenario.make_inputs is not None
    parameters = request["parameters"]
    # Equal seed and point give equal data, in whatever order the points come.
    label = f"{scenario.name} {sorted(parameters.items())}"
    rng = np.random.default_rng([request["seed"], zlib.crc32(label.encode())])
    file = Path(request["file"])
    given = {**parameters, "rng": rng}
    try:
        if FOLDER in argument_names(scenario.make_inputs):
            folder = made_inputs.folder_of(file)
            folder.mkdir(parents=True)
            given[FOLDER] = str(folder)
        inputs = call_with(scenario.make_inputs, given)
        made_inputs.keep_on_disk(made_inputs.folder_of(file))
        made_inputs.save(inputs, file)
    except OSError as error:
        return {"outcome": asdict(failure(error, request["path"]))}
    return {"payload_bytes": pointers.data_bytes(inputs)}


def measure(request: dict[str, Any], page: Page | None) -> dict[str, Any]:
    """One trial."""
    from harness.trial.run import run_trial

    return run_trial(request, page)


def ceilings(request: dict[str, Any], page: Page | None) -> dict[str, Any]:
    """The machine's memory-copy limits."""
    from harness.trial.ceilings.memory_copy import measure_ceilings

    return measure_ceilings(request)


def disk(request: dict[str, Any], page: Page | None) -> dict[str, Any]:
    """How fast files are read that are not in memory."""
    from harness.trial.ceilings.disk_read import measure_disk

    return measure_disk(request)


def device_ceilings(request: dict[str, Any], page: Page | None) -> dict[str, Any]:
    """How fast data gets to an accelerator and back."""
    from harness.trial.ceilings.device_copy import measure_device_ceilings

    return measure_device_ceilings(request)


def versions(request: dict[str, Any], page: Page | None) -> dict[str, Any]:
    """What this interpreter is, and how its torch runs."""
    import numpy as np
    import torch

    from harness.trial.device.accelerator import describe_accelerator
    from harness.trial.interpreter import describe_interpreter

    return {
        **describe_interpreter(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "torch_threads": torch.get_num_threads(),
        "torch_parallel": torch.__config__.parallel_info().splitlines()[0:3],
        "cuda_build": torch.version.cuda,
        "accelerator": describe_accelerator(),
        "processors": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1,
    }


def time_both_ways(request: dict[str, Any], page: Page | None) -> dict[str, Any]:
    """An operation of known duration, timed by the stopwatch and by hand."""
    from harness.trial.planted import reference_loop

    return reference_loop.time_both_ways(request)


TASKS: dict[str, Task] = {
    "describe": describe_scenarios,
    "device_ceilings": device_ceilings,
    "evaluate": evaluate_cases,
    "make": make_fixture,
    "measure": measure,
    "ceilings": ceilings,
    "disk": disk,
    "time_both_ways": time_both_ways,
    "versions": versions,
}
