"""Which statement a line belongs to: a call may stand on several lines, and ends on the first."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Mapping


def first_lines(file: str) -> Mapping[int, int]:
    """For each line of a file that has code, the first line of its statement.

    Of a compound statement, this is its head. Empty where there is no source, or none that this
    Python understands: each line is then by itself.
    """
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):  # of a notebook's cell with magics, or not Python at all
        return {}
    return _first_lines(tree)


def _first_lines(tree: ast.AST) -> dict[int, int]:
    found: dict[int, int] = {}
    heads = [one for one in ast.walk(tree) if isinstance(one, ast.stmt | ast.ExceptHandler)]
    for node in sorted(heads, key=lambda one: (_first(one), one.col_offset)):
        for line in range(_first(node), _last(node) + 1):
            found.setdefault(line, _first(node))
    return found


def _first(node: ast.stmt | ast.ExceptHandler) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(one.lineno for one in decorators)])


def _last(node: ast.stmt | ast.ExceptHandler) -> int:
    """The last line of a statement, or of the head of one that holds others."""
    body = getattr(node, "body", None) or getattr(node, "cases", None)
    if not body:
        return node.end_lineno or node.lineno
    inner = body[0].pattern.lineno if isinstance(body[0], ast.match_case) else _first(body[0])
    return max(node.lineno, inner - 1)
