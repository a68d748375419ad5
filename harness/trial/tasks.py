"""What a host can be asked to do in a fresh process, by name."""

from __future__ import annotations

import os
import platform
import sys
import zlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from harness.discover import load
from harness.model import Value
from harness.scenario import Scenario, Strategy, call_with
from harness.trial.describe import describe
from harness.trial.tree import TreePage
from harness.trial.watch import WatchPage

Page = WatchPage | TreePage
Task = Callable[[dict[str, Any], Page | None], dict[str, Any]]


def describe_scenarios(request: dict[str, Any], page: Page | None) -> dict[str, Any]:
    """The scenarios of some modules, as data."""
    found = []
    for path in request["paths"]:
        found += [describe(scenario, path) for scenario in load(Path(path))]
    return {"scenarios": found}


def evaluate_cases(request: dict[str, Any], page: Page | None) -> dict[str, Any]:
    """For each case (path, scenario, strategy, parameters): why to skip it, and its cost model."""
    from harness.trial.work import find

    facts = []
    for case in request["cases"]:
        scenario = find(case["path"], case["scenario"])
        strategy = scenario.strategies[case["strategy"]]
        facts.append(_evaluate(scenario, strategy, case["parameters"]))
    return {"facts": facts}


def _evaluate(
    scenario: Scenario, strategy: Strategy, parameters: dict[str, Value]
) -> dict[str, Any]:
    missing = [package for package in strategy.requires if find_spec(package) is None]
    if missing:
        names = " ".join(missing)
        return {"skip": f"needs {names}, which is not installed: pip install {names}"}
    reason = call_with(strategy.skip, parameters) if strategy.skip else None
    if reason:
        return {"skip": reason}
    copies = strategy.copies
    workers = parameters.get("num_workers", 0)
    return {
        "skip": "",
        "copies": call_with(copies, parameters) if callable(copies) else copies,
        "tree": scenario.watched or (isinstance(workers, int) and workers > 0),
    }


def make_fixture(request: dict[str, Any], page: Page | None) -> dict[str, Any]:
    """Make the inputs of one point of the grid and keep them at ``file``."""
    import numpy as np

    from harness.trial import fixtures, pointers
    from harness.trial.work import find

    scenario = find(request["path"], request["scenario"])
    assert scenario.make_inputs is not None
    parameters = request["parameters"]
    # Equal seed and point give equal data, in whatever order the points come.
    label = f"{scenario.name} {sorted(parameters.items())}"
    rng = np.random.default_rng([request["seed"], zlib.crc32(label.encode())])
    inputs = call_with(scenario.make_inputs, {**parameters, "rng": rng})
    fixtures.save(inputs, Path(request["file"]))
    return {"payload_bytes": pointers.data_bytes(inputs)}


def measure(request: dict[str, Any], page: Page | None) -> dict[str, Any]:
    """One trial."""
    from harness.trial.run import run_trial

    return run_trial(request, page)


def ceilings(request: dict[str, Any], page: Page | None) -> dict[str, Any]:
    """The machine's memory-copy limits."""
    from harness.trial.ceiling import measure_ceilings

    return measure_ceilings(request)


def versions(request: dict[str, Any], page: Page | None) -> dict[str, Any]:
    """What this interpreter is, and how its torch runs."""
    import numpy as np
    import torch

    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "executable": sys.executable,
        "numpy": np.__version__,
        "torch": torch.__version__,
        "torch_threads": torch.get_num_threads(),
        "torch_parallel": torch.__config__.parallel_info().splitlines()[0:3],
        "cuda_build": torch.version.cuda,
        "processors": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1,
    }


def time_both_ways(request: dict[str, Any], page: Page | None) -> dict[str, Any]:
    """An operation of known duration, timed by the stopwatch and by hand."""
    from harness.trial import byhand

    return byhand.time_both_ways(request)


TASKS: dict[str, Task] = {
    "describe": describe_scenarios,
    "evaluate": evaluate_cases,
    "make": make_fixture,
    "measure": measure,
    "ceilings": ceilings,
    "time_both_ways": time_both_ways,
    "versions": versions,
}
