"""The built-in scenarios, loaded as a host loads them, and a way to call one strategy here."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from harness.scenario import Scenario
from harness.scenario.declaration import Strategy, argument_names, call_with
from harness.scenario.discover import built_in_files, load
from harness.scenario.named_arguments import FOLDER
from harness.schema.records import Value
from harness.trial.base import inputs
from harness.trial.base.request import BoundStrategy, prepare

TINY = 4096


@functools.cache
def built_in() -> dict[str, Scenario]:
    """Every built-in scenario by name; calls return the same objects."""
    return {scenario.name: scenario for file in built_in_files() for scenario in load(file)}


class Bench:
    """Calls strategies in this process on inputs that have been saved and loaded, as trials do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made: dict[str, Path] = {}

    def inputs(self, scenario: Scenario, parameters: dict[str, Value]) -> Path:
        key = f"{scenario.name} {sorted(parameters.items())}"
        if key not in self._made:
            assert scenario.make_inputs is not None
            path = self.folder / f"{len(self._made)}.bin"
            given: dict[str, Any] = {**parameters, "rng": np.random.default_rng(1)}
            if FOLDER in argument_names(scenario.make_inputs):
                given[FOLDER] = inputs.folder_of(path)
                inputs.folder_of(path).mkdir()
            inputs.save(call_with(scenario.make_inputs, given), path)
            self._made[key] = path
        return self._made[key]

    def prepare(self, scenario: Scenario, name: str, **changed: Value) -> BoundStrategy:
        """A strategy with its inputs, at its own point of the grid unless told otherwise."""
        strategy = scenario.strategies[name]
        point = {**own_point(scenario, strategy), **changed}
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        return prepare(strategy, self.inputs(scenario, point), dict(point), folder)

    def call(self, scenario: Scenario, name: str, **changed: Value) -> tuple[BoundStrategy, Any]:
        work = self.prepare(scenario, name, **changed)
        return work, work.strategy.function(*work.args)


def own_point(scenario: Scenario, strategy: Strategy) -> dict[str, Value]:
    defaults = {name: parameter.default for name, parameter in scenario.parameters.items()}
    return {**defaults, "size": TINY, **strategy.at}


def verify(scenario: Scenario, work: BoundStrategy, result: Any) -> None:
    """Run the scenario's own check, which raises AssertionError when the result is wrong."""
    work.check(scenario, result)
