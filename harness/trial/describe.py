"""A scenario as plain data, for the side that plans, analyses and reports.

The fields are those of :class:`harness.description.ScenarioInfo`.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from harness.scenario import LEVELS, Scenario, Strategy, argument_names


def describe(scenario: Scenario, path: str) -> dict[str, Any]:
    """The scenario as plain data: what plans, reports and ``ferrybench list`` need."""
    return {
        "name": scenario.name,
        "path": path,
        "question": scenario.question,
        "baseline": scenario.baseline,
        "probe": scenario.probe,
        "parameters": {
            name: {
                "default": parameter.default,
                "choices": list(parameter.choices),
                **{level: list(parameter.values(level)) for level in LEVELS},
                "axis": parameter.axis,
                "doc": parameter.doc,
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
            }
            for strategy in scenario.strategies.values()
        ],
        "variants": [
            {"name": v.name, "env": dict(v.env), "strategies": list(v.strategies), "doc": v.doc}
            for v in scenario.variants
        ],
        "input_parameters": [
            name for name in argument_names(scenario.make_inputs or (lambda: None)) if name != "rng"
        ],
    }


def source(strategy: Strategy) -> str:
    """What a user would paste: the function without its decorator and docstring."""
    parts = [strategy.setup, strategy.function] if strategy.setup else [strategy.function]
    return "\n\n".join(_function_source(part) for part in parts)


def _function_source(function: Callable[..., Any]) -> str:
    text = textwrap.dedent(inspect.getsource(function))
    try:
        node = ast.parse(text).body[0]
    except SyntaxError:  # a lambda in the middle of a statement
        return text.rstrip()
    if not isinstance(node, ast.FunctionDef):
        return text.rstrip()
    lines = text.splitlines()
    first_statement = node.body[0]
    drop: range = range(0)
    if ast.get_docstring(node) is not None and len(node.body) > 1:
        drop = range(first_statement.lineno, (first_statement.end_lineno or 0) + 1)
    kept = [
        line
        for number, line in enumerate(lines, start=1)
        if number >= node.lineno and number not in drop
    ]
    return "\n".join(kept).rstrip()
