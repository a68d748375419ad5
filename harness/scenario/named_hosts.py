"""Which hosts a scenario names, as its source says without being run.

Hosts take seconds to import torch. What stands in the source as it is gives them a start before
scenarios have been imported, which says for certain. What is computed there is not seen.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

_DECLARES = "variant"


def named_hosts(
    files: Sequence[Path], targets: Sequence[str]
) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Name and environment of each variant that the scenarios of some targets seem to declare.

    Args:
        files: of scenarios, which are mostly called like them.
        targets: scenarios, or ``scenario/strategy``; all scenarios if there are none.
    """
    wanted = dict.fromkeys(target.partition("/")[0] for target in targets)
    for file in files:
        if wanted and file.stem not in wanted:
            continue
        asked = [
            strategy
            for name, _, strategy in (target.partition("/") for target in targets)
            if name == file.stem
        ]
        for name, env, strategies in _variants(file):
            if not asked or "" in asked or set(asked) & set(strategies):
                yield name, env


def _variants(file: Path) -> Iterator[tuple[str, Mapping[str, str], Sequence[str]]]:
    try:
        tree = ast.parse((file / "__init__.py" if file.is_dir() else file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return  # importing it says what is wrong
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == _DECLARES
        ):
            given = {key.arg: _literal(key.value) for key in node.keywords}
            name = _literal(node.args[0]) if node.args else given.get("name")
            env, strategies = given.get("env"), given.get("strategies")
            if isinstance(name, str) and isinstance(env, dict) and isinstance(strategies, tuple):
                yield name, env, strategies


def _literal(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None
