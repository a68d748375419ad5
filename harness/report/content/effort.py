"""How much code a strategy is, counted in what its page shows of it."""

from __future__ import annotations

import ast

from harness.schema.description import StrategyInfo
from harness.units import plural


def effort_text(strategy: StrategyInfo) -> str:
    """``1 line``, ``8 lines, and 12 that they need``; "" where the source cannot be read.

    Lines of the function's body without its docstring, and of all else in its source but imports.
    """
    try:
        module = ast.parse(strategy.source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    own = next(
        (
            one
            for one in module.body
            if isinstance(one, ast.FunctionDef) and one.name == strategy.name
        ),
        None,
    )
    if own is None:
        return ""
    body = own.body[1:] if ast.get_docstring(own) is not None else own.body
    lines = sum(map(_lines, body))
    needed = sum(
        _lines(one)
        for one in module.body
        if one is not own and not isinstance(one, ast.Import | ast.ImportFrom)
    )
    more = f", and {needed} that {'it needs' if lines == 1 else 'they need'}" if needed else ""
    return f"{plural(lines, 'line')}{more}" if lines else ""


def _lines(statement: ast.stmt) -> int:
    return (statement.end_lineno or statement.lineno) - statement.lineno + 1
