"""The source of a strategy as a user would paste it: with what it needs of its own module."""

from __future__ import annotations

import ast
import dis
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

from harness.scenario.declaration import Strategy

_TAKEN_FOR_GRANTED = {"np", "torch"}
"""Names that every reader has imported."""


def source(strategy: Strategy) -> str:
    """What it refers to of its module (imports, constants, functions, classes), setup, itself.

    Decorators are left out, and its docstring, which reports show by itself.
    """
    parts = [strategy.setup, strategy.function] if strategy.setup else [strategy.function]
    return "\n\n".join([*_helpers(parts), *(_function_source(part) for part in parts)])


def _helpers(functions: list[Callable[..., Any]]) -> list[str]:
    """Sources of what functions refer to, and what that refers to, in the module's order."""
    module = sys.modules.get(functions[0].__module__)
    if module is None or not hasattr(module, "__file__"):
        return []
    known = vars(module)
    needed: set[str] = set()
    unseen = [name for function in functions for name in _globals_of(function)]
    while unseen:
        name = unseen.pop()
        value = known.get(name)
        if value is None or name in needed | _TAKEN_FOR_GRANTED or value in functions:
            continue
        needed.add(name)
        if getattr(value, "__module__", None) == module.__name__:
            unseen += _globals_of(value)
    return list(_definitions(inspect.getsource(module), needed)) if needed else []


def _globals_of(value: Any) -> list[str]:
    """The global names that a function, or any method or base of a class, loads."""
    if inspect.isfunction(value):
        return list(_loaded(value.__code__))
    if inspect.isclass(value):
        methods = [own for own in vars(value).values() if inspect.isfunction(own)]
        bases = [base.__name__ for base in value.__bases__]
        return [*bases, *(name for method in methods for name in _loaded(method.__code__))]
    return []


def _loaded(code: CodeType) -> Iterator[str]:
    # Not co_names, which holds attributes too: torch.tensor is no function named tensor.
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _loaded(constant)


def _definitions(text: str, names: set[str]) -> Iterator[str]:
    """The top-level definitions of some names, as they stand in a module; imports together."""
    body = ast.parse(text).body
    imports = [line for node in body for line in _import(node, names)]
    if imports:
        yield "\n".join(imports)
    for node in body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) if name in names:
                yield _lines(text, node.lineno, node.end_lineno)
            case ast.Assign(targets=[ast.Name(id=name)]) if name in names:
                yield _lines(text, node.lineno, node.end_lineno)
            case ast.Assign(targets=[ast.Tuple(elts=several)]):
                if any(isinstance(one, ast.Name) and one.id in names for one in several):
                    yield _lines(text, node.lineno, node.end_lineno)


def _import(node: ast.stmt, names: set[str]) -> Iterator[str]:
    """An import statement, of the names that are needed alone."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        needed = [one for one in node.names if (one.asname or one.name.split(".")[0]) in names]
        if needed:
            node.names = needed
            yield ast.unparse(node)


def _lines(text: str, first: int, last: int | None) -> str:
    return "\n".join(text.splitlines()[first - 1 : last])


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
