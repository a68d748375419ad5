"""What a trial was asked to do: its scenario, strategy and inputs, and the limits it runs under."""

from __future__ import annotations

import inspect
import os
import resource
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
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
from harness.trial.base.outcomes import CannotObeyError, one_line
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
    pristine: tuple[Any, ...]  # the inputs once more where the strategy changes them
    restore: Callable[[], None] = lambda: None  # undoes what the strategy did to its inputs
    unverified: str = ""  # what the check could not judge

    @property
    def file(self) -> str:
        return file_of(self.strategy)

    def check(self, scenario: Scenario, result: Any) -> None:
        """Run the scenario's own check.

        Raises:
            AssertionError: the result is wrong.
        """
        assert scenario.verify is not None
        own = {"strategy": self.strategy.name, "group": self.strategy.group}
        named = {**self.parameters, **own}
        said = scenario.verify(*arguments(scenario.verify, (*self.pristine, result), named))
        if isinstance(said, str):
            self.unverified = one_line(said)
        elif _denies(said):
            raise AssertionError("the check returned False")


def _denies(answer: Any) -> bool:
    """Whether it is False, or holds one; what is no truth says nothing."""
    if isinstance(answer, np.ndarray | torch.Tensor):
        return str(answer.dtype).endswith("bool") and not bool(answer.all())
    return isinstance(answer, bool | np.bool_) and not answer


def prepare(
    strategy: Strategy, fixture: Path, parameters: dict[str, Value], folder: Path | None = None
) -> BoundStrategy:
    """Load the inputs and run the strategy's setup."""
    loaded = made_inputs.load_restorable(fixture)
    work = bind(strategy, _each(loaded.value), parameters, folder)
    if strategy.mutates:
        original = made_inputs.load_restorable(fixture)
        work.pristine = _each(original.value)
        work.restore = partial(loaded.restore, original)
    return work


def load_inputs(fixture: Path) -> tuple[Any, ...]:
    """What a strategy is given first."""
    return _each(made_inputs.load(fixture))


def _each(inputs: Any) -> tuple[Any, ...]:
    return inputs if type(inputs) is tuple else (inputs,)


def bind(
    strategy: Strategy,
    inputs: tuple[Any, ...],
    parameters: dict[str, Value],
    folder: Path | None = None,
) -> BoundStrategy:
    """Run the strategy's setup.

    Args:
        strategy: is to be called later.
        inputs: what it is given first.
        parameters: what it may name.
        folder: an empty one, if it names that.
    """
    given = inputs
    named = parameters if folder is None else {**parameters, FOLDER: folder}
    if strategy.setup is not None:
        given = (*inputs, strategy.setup(*arguments(strategy.setup, inputs, named)))
    args = arguments(strategy.function, given, named)
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
    scratch: Path  # where folders of strategies lie
    bound: LimitRequest | None = None  # what a limit trial is put under
    duet: DuetRequest | None = None  # which half of a pair it is
    layout_seed: int | None = None  # see harness.trial.timing.heap_layout
    group: str = ""  # folder of the control group to enter

    @classmethod
    def of(cls, request: TrialRequest, group: str = "") -> TrialTask:
        scenario = find(request.path, request.scenario)
        strategy = scenario.strategies[request.strategy]
        return cls(
            scenario,
            strategy,
            dict(request.parameters),
            request.kind,
            request.effort,
            Path(request.fixture),
            Path(request.tiny_fixture),
            Path(request.folder),
            request.bound,
            request.duet,
            request.layout_seed,
            group,
        )

    @property
    def timed(self) -> bool:
        return self.kind in TIMED

    def empty_folder(self) -> Path | None:
        """A new one, if the strategy asks for it."""
        if FOLDER not in self.strategy.names:
            return None
        self.scratch.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=self.scratch))

    def prepare(self) -> BoundStrategy:
        return prepare(self.strategy, self.fixture, self.parameters, self.empty_folder())

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
        parameters = {**self.parameters, **changed}
        return prepare(self.strategy, self.tiny_fixture, parameters, self.empty_folder())


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
