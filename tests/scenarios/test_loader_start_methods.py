"""Workers begin by the method that a case is recorded with, whatever this Python's default is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from torch.utils.data import DataLoader

from harness.schema.records import Value
from tests.scenarios.bench import Bench, built_in, own_point

NAME = "start_method"
SCENARIOS = {name: one for name, one in built_in().items() if NAME in one.parameters}
TAKES = [
    (name, strategy)
    for name, scenario in SCENARIOS.items()
    if not scenario.on_device
    for strategy in scenario.strategies
    if NAME in scenario.strategies[strategy].names
]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def loaders(value: Any) -> Iterator[DataLoader[Any]]:
    """A loader, or all that lie in what a setup has returned."""
    if isinstance(value, DataLoader):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from loaders(item)


def test_scenarios_of_workers_have_the_parameter_and_begin_with_fork() -> None:
    counted = {name for name, one in built_in().items() if "num_workers" in one.parameters}
    # Workers of ranks are always forked, and rank_memory names that itself.
    assert (counted - {"rank_memory"}) | {"worker_break_even"} == SCENARIOS.keys()
    assert {one.parameters[NAME].default for one in SCENARIOS.values()} == {"fork"}


@pytest.mark.filterwarnings("ignore:This DataLoader will create 4 worker processes")
@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize(("scenario", "strategy"), TAKES)
def test_workers_begin_as_their_case_says(
    scenario: str, strategy: str, method: str, bench: Bench
) -> None:
    declared = SCENARIOS[scenario]
    changed: dict[str, Value] = {NAME: method}
    if "num_workers" in declared.parameters:
        changed["num_workers"] = 2
    if "access" in own_point(declared, declared.strategies[strategy]):
        changed["access"] = "sequential"
    work = bench.prepare(declared, strategy, **changed)
    made = list(loaders(tuple(work.args)))  # of a setup
    if not made:
        made = list(loaders(work.strategy.function(*work.args)))
    assert made
    assert {one.multiprocessing_context.get_start_method() for one in made} == {method}
