"""Every built-in scenario is documented, grouped, pasteable, and right at its own point."""

from __future__ import annotations

import ast
import builtins
import itertools
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import torch.distributed as dist

from harness.scenario import Scenario
from harness.scenario.declaration import Strategy, call_with
from harness.scenario.discover import built_in_files
from harness.schema.description import ScenarioInfo
from harness.schema.request import DescribeRequest
from harness.schema.strict import from_fields
from harness.trial.base import pointers
from harness.trial.base.outcomes import failure
from harness.trial.describe import describe
from harness.trial.source import source
from harness.trial.tasks import Provided, describe_scenarios, why_skipped
from tests.scenarios.bench import Bench, built_in, own_point, verify

EVERY = [(s, name) for s in built_in().values() for name in s.strategies]
IDS = [f"{scenario.name}/{name}" for scenario, name in EVERY]
each_strategy = pytest.mark.parametrize(("scenario", "name"), EVERY, ids=IDS)
# torch warns of read-only arrays and of lists of arrays: that is what these strategies are about.
torch_may_warn = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("inputs"))


def test_the_built_in_scenarios_are_one_a_file() -> None:
    assert [file.stem for file in built_in_files()] == list(built_in())
    assert {"tensor_from_array", "array_from_tensor"} <= built_in().keys()
    assert {name for name, scenario in built_in().items() if scenario.probe} == {
        "matrix_array_to_tensor",
        "matrix_tensor_to_array",
    }


def test_scenarios_come_in_the_order_that_they_declare(tmp_path: Path) -> None:
    paths = [str(file) for file in built_in_files()]
    named = (("last", ""), ("second", ", order=15"), ("first", ", order=5"))
    for name, order in named:
        text = f'from harness import Scenario\ns = Scenario("{name}", question="?", baseline="a"'
        text += f"{order})\n@s.inputs\ndef i(size):\n    return 1\n@s.strategy()\ndef a(i):\n"
        text += "    return i\n@s.check\ndef c(i, result):\n    pass\n"
        (tmp_path / f"{name}.py").write_text(text)
        paths.append(str(tmp_path / f"{name}.py"))
    with patch.dict(sys.modules):  # loaded once more, beside those that other tests pickle from
        described = describe_scenarios(DescribeRequest(tuple(paths)), Provided())
    names = [info["name"] for info in described["scenarios"]]
    assert names[:4] == ["first", "tensor_from_array", "second", "array_from_tensor"]
    assert names[-1] == "last"


@pytest.mark.parametrize("scenario", built_in().values(), ids=lambda scenario: scenario.name)
def test_a_scenario_asks_a_question_and_survives_the_wire(scenario: Scenario) -> None:
    described = describe(scenario, "scenario.py")
    assert described.question.endswith("?")
    assert from_fields(ScenarioInfo, json.loads(json.dumps(asdict(described)))) == described


@each_strategy
def test_a_strategy_is_documented_in_one_line_and_grouped(scenario: Scenario, name: str) -> None:
    strategy = scenario.strategies[name]
    doc = strategy.function.__doc__ or ""
    assert doc.endswith(".")
    assert "\n" not in doc
    assert len(doc) <= 90
    assert strategy.group


@each_strategy
def test_a_strategy_can_be_pasted(scenario: Scenario, name: str) -> None:
    text = source(scenario.strategies[name])
    tree = ast.parse(text)
    # NumPy, torch and what the function is given must be enough.
    known = {"np", "torch"} | set(dir(builtins)) | set(_defined(tree))
    stored = {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and _is_store(node)
    } | {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert used <= known | stored


def _defined(tree: ast.Module) -> Iterator[str]:
    """Functions, classes and imported names of a piece of code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (one.asname or one.name.split(".")[0] for one in node.names)


def _is_store(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


@each_strategy
def test_skips_and_cost_models_answer_at_every_point(scenario: Scenario, name: str) -> None:
    strategy = scenario.strategies[name]
    defaults = {key: parameter.default for key, parameter in scenario.parameters.items()}
    grid = {key: parameter.values("full") for key, parameter in scenario.parameters.items()}
    pairs = itertools.combinations(grid, 2) if len(grid) > 1 else [(*grid, *grid)]
    points = [
        {**defaults, first: one, second: other}
        for first, second in pairs
        for one in grid[first]
        for other in grid[second]
    ]
    assert points
    for point in points:
        reason = call_with(strategy.skip, point) if strategy.skip else None
        assert reason is None or (isinstance(reason, str) and "\n" not in reason)
        if reason is None and callable(strategy.copies):
            assert 0 <= call_with(strategy.copies, point) < 100


@each_strategy
def test_no_strategy_skips_its_own_point(scenario: Scenario, name: str) -> None:
    strategy = scenario.strategies[name]
    defaults = {key: parameter.default for key, parameter in scenario.parameters.items()}
    point = {**defaults, **strategy.at}
    reason = call_with(strategy.skip, point) if strategy.skip else None
    assert reason is None


def test_what_needs_an_accelerator_is_declared_so() -> None:
    needing = {f"{s.name}/{name}" for s, name in EVERY if s.strategies[name].on_device}
    whole = ("host_to_device", "device_to_host", "device_training")
    assert {one for one in needing if not one.startswith(whole)} == {
        "preprocess/cast_on_device",
        "preprocess/cast_before_device",
        "array_from_loader/cpu_each",
        "array_from_loader/cat_on_device",
        "array_from_loader/pinned_staging",
    }
    # Whoever names the accelerator in his code needs one.
    every = [(name, scenario.strategies[name]) for scenario, name in EVERY]
    naming = [
        (name, strategy)
        for name, strategy in every
        if {"torch.accelerator", "torch.cuda"} & set(re.findall(r"torch\.\w+", source(strategy)))
    ]
    assert naming
    for name, strategy in naming:
        assert strategy.on_device, name


@pytest.fixture
def one_rank(scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process group of this process alone, for strategies that run in ranks."""
    if not scenario.ranks:
        yield
        return
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "lo")
    store = f"file://{tmp_path / 'store'}"
    dist.init_process_group("gloo", init_method=store, rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@torch_may_warn
@each_strategy
@pytest.mark.usefixtures("one_rank")
def test_a_strategy_is_right_at_its_own_point(scenario: Scenario, name: str, bench: Bench) -> None:
    strategy = scenario.strategies[name]
    for package in strategy.requires:
        pytest.importorskip(package)
    if strategy.published:
        pytest.skip("kept as published; what comes of it has tests of its own")
    point = own_point(scenario, strategy)
    if reason := why_skipped(strategy, point):
        pytest.skip(reason)
    # WHEN it is called as in a trial, twice, since the first call may have touched its inputs
    work = bench.prepare(scenario, name)
    try:
        results = [strategy.function(*work.args) for _ in range(2)]
    except ValueError:
        if name != "np_asarray_no_copy":
            raise
        pytest.skip("torch 2.13 refuses copy=False even where it need not copy")
    # THEN the result passes the check and shares memory just as declared
    assert len(results) == 2
    for result in results:
        verify(scenario, work, result)
    if strategy.shares_memory is not None:
        made = strategy.function(*work.args) if scenario.epochs else results[0]
        first = next(iter(made)) if scenario.epochs else made
        assert pointers.overlap(work.inputs, first) == strategy.shares_memory


def aborts(strategy: str, point: dict[str, Any]) -> bool:
    """What ends the process in torch 2.13, and is left to tests with a host."""
    return strategy in ("from_dlpack", "from_dlpack_no_copy") and point["layout"] == "negative"


@torch_may_warn
@pytest.mark.parametrize("name", ["tensor_from_array", "array_from_tensor"])
@pytest.mark.parametrize("vary", ["dtype", "layout"])
def test_elsewhere_a_strategy_is_right_or_raises(name: str, vary: str, bench: Bench) -> None:
    scenario = built_in()[name]
    wrong = set()
    for strategy in scenario.strategies.values():
        for value in scenario.parameters[vary].choices:
            outcome = _outcome(scenario, strategy, {vary: value}, bench)
            if outcome == "wrong":
                wrong.add((strategy.name, value))
    # frombuffer cannot see a byte order, which is why its outcome there is wrong and stays so.
    known = (
        {("frombuffer", "bigendian")} if (name, vary) == ("tensor_from_array", "layout") else set()
    )
    assert wrong == known


def _outcome(scenario: Scenario, strategy: Strategy, changed: dict[str, Any], bench: Bench) -> str:
    defaults = {key: parameter.default for key, parameter in scenario.parameters.items()}
    point = {**defaults, **strategy.at, **changed}
    if strategy.skip and call_with(strategy.skip, point):
        return "skipped"
    if strategy.requires or aborts(strategy.name, point):
        return "not tried"
    try:
        work, result = bench.call(scenario, strategy.name, **changed)
    except Exception as error:  # noqa: BLE001 — to raise is one of the two things allowed
        return failure(error).name
    try:
        verify(scenario, work, result)
    except AssertionError:
        return "wrong"
    return "ok"
