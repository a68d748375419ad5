"""What a trial was asked to do: its scenario, strategy and inputs, and the limits it runs under."""

from __future__ import annotations

import copy
import inspect
import os
import resource
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np
import torch

from harness.scenario import Scenario
from harness.scenario.declaration import TINY_BYTES, Strategy, arguments
from harness.scenario.discover import is_part, load
from harness.scenario.named_arguments import FOLDER
from harness.schema.records import TIMED, Effort, TrialKind, Value
from harness.schema.request import SCENARIO_FILE, DuetRequest, LimitRequest, TrialRequest
from harness.trial.base import inputs as made_inputs
from harness.trial.base.outcomes import CannotObeyError
from harness.trial.base.source_line import remember

_LOADED: dict[str, list[Scenario]] = {}


def scenarios_in(path: str) -> list[Scenario]:
    """The scenarios of a file or folder; imported once, and inherited by forked trials."""
    if path not in _LOADED:
        _LOADED[path] = load(Path(path))
        remember(path)
    return _LOADED[path]


def find(path: str, name: str) -> Scenario:
    return next(scenario for scenario in scenarios_in(path) if scenario.name == name)


def file_of(strategy: Strategy) -> str:
    """The file that a strategy stands in, as tracebacks name it, or its scenario's folder."""
    code: CodeType = inspect.unwrap(strategy.function).__code__
    file = code.co_filename
    return next((path for path in _LOADED if is_part(file, path)), file)


@dataclass
class BoundStrategy:
    """A strategy bound to inputs, ready to be called."""

    strategy: Strategy
    inputs: tuple[Any, ...]
    args: tuple[Any, ...]
    parameters: dict[str, Value]
    pristine: tuple[Any, ...]  # copies of the inputs where the strategy changes them

    @property
    def file(self) -> str:
        return file_of(self.strategy)

    def restore(self) -> None:
        """Undo what the strategy did to its inputs."""
        for value, original in zip(self.inputs, self.pristine, strict=True):
            if isinstance(value, np.ndarray | torch.Tensor):
                value[...] = original

    def check(self, scenario: Scenario, result: Any) -> None:
        """Run the scenario's own check.

        Raises:
            AssertionError: the result is wrong.
        """
        assert scenario.verify is not None
        own = {"strategy": self.strategy.name, "group": self.strategy.group}
        named = {**self.parameters, **own}
        scenario.verify(*arguments(scenario.verify, (*self.pristine, result), named))


def prepare(strategy: Strategy, fixture: Path, parameters: dict[str, Value]) -> BoundStrategy:
    """Load the inputs and run the strategy's setup."""
    inputs = load_inputs(fixture)
    work = bind(strategy, inputs, parameters)
    if strategy.mutates:
        work.pristine = tuple(copy.deepcopy(value) for value in inputs)
    return work


def load_inputs(fixture: Path) -> tuple[Any, ...]:
    """What a strategy is given first."""
    loaded = made_inputs.load(fixture)
    return loaded if isinstance(loaded, tuple) else (loaded,)


def bind(
    strategy: Strategy, inputs: tuple[Any, ...], parameters: dict[str, Value]
) -> BoundStrategy:
    """Run the strategy's setup."""
    given = inputs
    if strategy.setup is not None:
        given = (*inputs, strategy.setup(*arguments(strategy.setup, inputs, parameters)))
    args = arguments(strategy.function, given, parameters)
    return BoundStrategy(strategy, inputs, args, parameters, inputs)


@dataclass(frozen=True)
class TrialTask:
    """One trial as it was asked for."""

    scenario: Scenario
    strategy: Strategy
    parameters: dict[str, Value]
    kind: TrialKind
    effort: Effort
    fixture: Path
    tiny_fixture: Path
    bound: LimitRequest | None = None  # what a limit trial is put under
    duet: DuetRequest | None = None  # which half of a pair it is
    heap_offset_bytes: int | None = None  # see harness.planning.order.Step
    group: str = ""  # folder of the control group to enter

    @classmethod
    def of(cls, request: TrialRequest, group: str = "") -> TrialTask:
        scenario = find(request.path, request.scenario)
        strategy = scenario.strategies[request.strategy]
        parameters = dict(request.parameters)
        if FOLDER in strategy.names:
            own = Path(request.folder) / str(os.getpid())
            own.mkdir(parents=True)
            parameters[FOLDER] = str(own)
        return cls(
            scenario,
            strategy,
            parameters,
            request.kind,
            request.effort,
            Path(request.fixture),
            Path(request.tiny_fixture),
            request.bound,
            request.duet,
            request.heap_offset_bytes,
            group,
        )

    @property
    def timed(self) -> bool:
        return self.kind in TIMED

    def prepare(self) -> BoundStrategy:
        return prepare(self.strategy, self.fixture, self.parameters)

    def prepare_tiny(self) -> BoundStrategy:
        """The strategy bound to the smallest inputs, and told so: it may allocate by its ``size``.

        Without workers: what it costs to start the first is a part of the first epoch.
        """
        changed: dict[str, Value] = {}
        size = self.parameters.get("size")
        if isinstance(size, int):
            changed["size"] = min(size, TINY_BYTES)
        if "num_workers" in self.parameters:
            changed["num_workers"] = 0
        return prepare(self.strategy, self.tiny_fixture, {**self.parameters, **changed})


def put_into_force(parameters: dict[str, Value], threads: int, scenario_file: str) -> None:
    """Obey the parameters that concern the whole process; see
    :data:`harness.scenario.declaration.PROCESS_PARAMETERS`.

    Args:
        parameters: of the case.
        threads: how many torch may use; 0 leaves that to the environment.
        scenario_file: what workers in new interpreters import, to find the classes they are sent.

    Raises:
        CannotObeyError: a limit above what the system allows.
    """
    os.environ[SCENARIO_FILE] = scenario_file
    if threads:
        torch.set_num_threads(threads)
    if "sharing_strategy" in parameters and parameters.get("num_workers"):
        _share_by(str(parameters["sharing_strategy"]))
    if "open_files" in parameters:
        wanted = int(parameters["open_files"])
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and wanted > hard:
            raise CannotObeyError(f"open_files={wanted} is above this system's limit of {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _share_by(strategy: str) -> None:
    offered: Callable[[], set[str]] = torch.multiprocessing.get_all_sharing_strategies
    if strategy not in offered():
        raise CannotObeyError(f"sharing_strategy={strategy} is not offered by this system's torch")
    share: Callable[[str], None] = torch.multiprocessing.set_sharing_strategy
    share(strategy)
