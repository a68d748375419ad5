"""The built-in scenarios as benchmarks: time in this process, memory in processes of their own.

``pytest --benchmark-only`` runs them; a plain ``pytest`` does not collect them. See docs/pytest.md.
"""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from harness.pytest_support import facts
from harness.pytest_support.results import note
from harness.scenario.discover import built_in_files
from harness.schema.records import Outcome
from tests.benchmarks.in_process import in_this_process
from tests.benchmarks.scenario_benchmarks import ScenarioBenchmarks

BRIEF: dict[str, float] = {"max_time": 0.05, "min_rounds": 3}
"""Settings of pytest-benchmark where nobody has chosen others."""
_SESSION = pytest.StashKey[ScenarioBenchmarks]()


def benchmarks_of(config: pytest.Config) -> ScenarioBenchmarks:
    """Started when it is first wanted, and ended with the session."""
    if _SESSION not in config.stash:
        made = ScenarioBenchmarks(built_in_files(), config.getoption("ferrybench_scenarios"))
        config.stash[_SESSION] = made
        config.add_cleanup(made.close)
    return config.stash[_SESSION]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    cases = benchmarks_of(metafunc.config).cases
    parameters = [
        pytest.param(number, id=named.name, marks=settings(metafunc.config))
        for number, named in enumerate(cases)
    ]
    metafunc.parametrize("number", parameters)


def settings(config: pytest.Config) -> pytest.MarkDecorator:
    """Shorter than usual, as there are many; what the command line says comes first."""
    usual = {"max_time": 1.0, "min_rounds": 5.0}
    given = {name: float(config.getoption(f"benchmark_{name}")) for name in usual}
    return pytest.mark.benchmark(
        **{name: brief for name, brief in BRIEF.items() if given[name] == usual[name]}
    )


def test_scenario(benchmark: Any, number: int, request: pytest.FixtureRequest) -> None:
    scenarios = benchmarks_of(request.config)
    named = scenarios.cases[number]
    case = named.planned.case
    benchmark.group = named.group
    about = {"scenario": case.scenario, "strategy": case.strategy}
    benchmark.params = {**about, **case.parameters}
    trial = scenarios.isolated(number)
    note(request.node, {**about, **facts.of_trial(trial)}, benchmark=benchmark)
    accept(trial.outcome, scenarios.published(named))
    why_not = scenarios.not_here(named)
    if why_not:
        pytest.skip(why_not)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a strategy warns of stands in the journal of a run
        with in_this_process(scenarios, named) as ready:
            accept(ready.outcome, scenarios.published(named))
            ready.time(benchmark)


def accept(outcome: Outcome, published: str) -> None:
    """Go on only with what is right; of what is kept as published, no more is expected."""
    if outcome.ok:
        return
    text = f"{outcome.name}: {outcome.reason}"
    if outcome.name == "skipped":
        pytest.skip(outcome.reason)
    if published:
        pytest.xfail(f"{text}; kept as published: {published}")
    pytest.fail(text, pytrace=False)
