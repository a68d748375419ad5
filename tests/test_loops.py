"""No loop of a test passes because there was nothing to go over.

A loop with assertions in it goes over something that is written there, over a constant of the
module, over ``some(…)``, or over what another assertion of the same test is about.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.some import some

TESTS = Path(__file__).parent


def empty_loops(source: str) -> Iterator[tuple[int, str]]:
    """Lines of loops that may go over nothing, and what they go over."""
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef) and function.name.startswith("test_"):
            for loop in ast.walk(function):
                if isinstance(loop, ast.For) and _asserts(loop) and not _is_sure(loop, function):
                    yield loop.lineno, ast.unparse(loop.iter)


def _asserts(node: ast.AST) -> bool:
    return any(isinstance(inner, ast.Assert) for inner in ast.walk(node))


def _is_sure(loop: ast.For, function: ast.FunctionDef) -> bool:
    over = loop.iter
    written = (ast.Tuple, ast.List, ast.Dict, ast.Set)
    if any(isinstance(node, written) and ast.unparse(node)[1:-1] for node in ast.walk(over)):
        return True
    names = {node.id for node in ast.walk(over) if isinstance(node, ast.Name)}
    if names & {"some", "range"} or any(name.isupper() for name in names):
        return True
    inside = set(ast.walk(loop))
    others = [n for n in ast.walk(function) if isinstance(n, ast.Assert) and n not in inside]
    return any(
        isinstance(node, ast.Name) and node.id in names
        for assertion in others
        for node in ast.walk(assertion)
    )


def test_every_loop_has_something_to_go_over() -> None:
    found = [
        f"{file.relative_to(TESTS)}:{line}: {over}"
        for file in some(TESTS.rglob("test_*.py"))
        for line, over in empty_loops(file.read_text())
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("for x in f():\n  assert x", ["f()"]),
        ("for x in a.b:\n  assert x", ["a.b"]),
        ("for x in []:\n  assert x", ["[]"]),
        ("for x, y in zip(a, b, strict=True):\n  assert x == y", ["zip(a, b, strict=True)"]),
        ("for x in a:\n  for y in x.b:\n    assert y", ["a", "x.b"]),
        ("for x in a:\n  assert x\nassert a", []),
        ("for x in some(f()):\n  assert x", []),
        ("for x in KNOWN:\n  assert x", []),
        ("for x in (1, 2):\n  assert x", []),
        ("for x in f():\n  pass", []),
    ],
)
def test_such_loops_are_found(source: str, found: list[str]) -> None:
    body = source.replace("\n", "\n  ")
    assert [over for _, over in empty_loops(f"def test_it():\n  {body}")] == found


def test_some_of_nothing_fails() -> None:
    assert list(some("ab")) == ["a", "b"]
    assert next(some(itertools.count(1))) == 1  # what never ends is looked at as far as asked
    with pytest.raises(AssertionError, match="nothing to look at"):
        list(some(()))
