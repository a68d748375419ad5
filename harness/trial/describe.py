"""A scenario as plain data, for the side that plans, analyses and reports."""

from __future__ import annotations

import inspect
from dataclasses import fields, replace

from harness.scenario import Scenario
from harness.scenario.declaration import GIVEN, DeclarationError, Strategy, argument_names
from harness.schema.description import (
    LEVELS,
    DeclaredStrategy,
    Parameter,
    ScenarioInfo,
    StrategyInfo,
)
from harness.trial.ceilings.kind import kinds
from harness.trial.source import source


def describe(scenario: Scenario, path: str) -> ScenarioInfo:
    """What is declared, and what can be said of the functions.

    Raises:
        DeclarationError: a strategy does a kind of work that has no ceiling.
    """
    for strategy in scenario.strategies.values():
        if strategy.work not in kinds():
            raise DeclarationError(
                f"{scenario.name}/{strategy.name}: work={strategy.work!r} is no kind of work "
                f"(there are: {', '.join(sorted(kinds()))})"
            )
    wanted = argument_names(scenario.make_inputs or (lambda: None))
    return ScenarioInfo(
        name=scenario.name,
        path=path,
        question=scenario.question,
        baseline=scenario.baseline,
        probe=scenario.probe,
        parameters={name: _spelt_out(one) for name, one in scenario.parameters.items()},
        strategies=tuple(_described(one) for one in scenario.strategies.values()),
        variants=tuple(scenario.variants),
        input_parameters=tuple(name for name in wanted if name not in GIVEN),
        epochs=scenario.epochs,
        weighs=scenario.weighs,
        trains=scenario.make_step is not None,
        step_parameters=argument_names(scenario.make_step or (lambda: None)),
        watched=scenario.watched,
        borrows=scenario.borrows,
        transfers=scenario.transfers,
        groups=scenario.groups,
        possible=scenario.possible,
        ranks=scenario.ranks,
    )


def _spelt_out(parameter: Parameter) -> Parameter:
    """With the values of every level, the default's where none are declared."""
    quick, usual, full = (parameter.values(level) for level in LEVELS)
    return replace(parameter, quick=quick, usual=usual, full=full)


def _described(strategy: Strategy) -> StrategyInfo:
    declared = {one.name: getattr(strategy, one.name) for one in fields(DeclaredStrategy)}
    return StrategyInfo(
        **declared,
        doc=inspect.getdoc(strategy.function) or "",
        source=source(strategy),
        names=strategy.names,
    )
