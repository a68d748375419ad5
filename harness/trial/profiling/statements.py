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
    found: dict[int, int] = {}
    nodes = ast.walk(parsed(file))
    heads = [one for one in nodes if isinstance(one, ast.stmt | ast.ExceptHandler)]
    for node in sorted(heads, key=lambda one: (first_line(one), one.col_offset)):
        for line in range(first_line(node), _last(node) + 1):
            found.setdefault(line, first_line(node))
    return found


def parsed(file: str) -> ast.Module:
    """A file's statements; none where there is no source, or none that this Python understands."""
    try:
        return ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):  # of a notebook's cell with magics, or not Python at all
        return ast.Module([], [])


def first_line(node: ast.stmt | ast.ExceptHandler) -> int:
    """Where a statement begins: that of a decorated function, with its decorators."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(one.lineno for one in decorators)])


def _last(node: ast.stmt | ast.ExceptHandler) -> int:
    """The last line of a statement, or of the head of one that holds others."""
    body = getattr(node, "body", None) or getattr(node, "cases", None)
    if not body:
        return node.end_lineno or node.lineno
    inner = body[0].pattern.lineno if isinstance(body[0], ast.match_case) else first_line(body[0])
    return max(node.lineno, inner - 1)
