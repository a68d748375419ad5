"""A scenario as plain data, for the side that plans, analyses and reports.

The fields are those of :class:`harness.schema.description.ScenarioInfo`.
"""

from __future__ import annotations

import inspect
from typing import Any

from harness.scenario import Scenario
from harness.scenario.declaration import GIVEN, LEVELS, argument_names
from harness.trial.source import source


def describe(scenario: Scenario, path: str) -> dict[str, Any]:
    """The scenario as plain data: what plans, reports and ``ferrybench list`` need."""
    return {
        "name": scenario.name,
        "path": path,
        "question": scenario.question,
        "baseline": scenario.baseline,
        "probe": scenario.probe,
        "epochs": scenario.epochs,
        "weighs": scenario.weighs,
        "trains": scenario.make_step is not None,
        "step_parameters": list(argument_names(scenario.make_step or (lambda: None))),
        "watched": scenario.watched,
        "transfers": scenario.transfers,
        "groups": scenario.groups,
        "possible": scenario.possible,
        "borrows": {other: list(names) for other, names in scenario.borrows.items()},
        "parameters": {
            name: {
                "default": parameter.default,
                "choices": list(parameter.choices),
                **{level: list(parameter.values(level)) for level in LEVELS},
                "axis": parameter.axis,
                "doc": parameter.doc,
                "beside": dict(parameter.beside),
            }
            for name, parameter in scenario.parameters.items()
        },
        "strategies": [
            {
                "name": strategy.name,
                "doc": inspect.getdoc(strategy.function) or "",
                "source": source(strategy),
                "group": strategy.group,
                "shares_memory": strategy.shares_memory,
                "at": dict(strategy.at),
                "max_size": strategy.max_size,
                "names": list(strategy.names),
                "not_quick": list(strategy.not_quick),
                "published": strategy.published,
                "in_quick": strategy.in_quick,
                "on_device": strategy.on_device,
                "crosses": strategy.crosses,
            }
            for strategy in scenario.strategies.values()
        ],
        "variants": [
            {"name": v.name, "env": dict(v.env), "strategies": list(v.strategies), "doc": v.doc}
            for v in scenario.variants
        ],
        "input_parameters": [
            name
            for name in argument_names(scenario.make_inputs or (lambda: None))
            if name not in GIVEN
        ],
    }
