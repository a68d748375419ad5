"""What a test and the command line ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from harness.errors import FerrybenchError, UsageError
from harness.inline.budget import Budget
from harness.units import parse_duration

MARKER = "ferrybench"
ALLOW_SHARED = "allow_shared"
"""Of the marker: not a budget, but what may be measured."""
Made = TypeVar("Made")


def budget_of(node: pytest.Item) -> Budget | None:
    """What the test's markers allow, the closest first; None without one.

    Raises:
        UsageError: a keyword or a size in them that makes no sense.
    """
    markers = list(node.iter_markers(MARKER))
    if not markers:
        return None
    keywords: dict[str, Any] = {}
    for marker in reversed(markers):
        if marker.args:
            raise UsageError("give budgets as keywords: @pytest.mark.ferrybench(copies=1)")
        keywords |= marker.kwargs
    keywords.pop(ALLOW_SHARED, None)
    return Budget.of(keywords)


def allows_shared(node: pytest.Item) -> bool:
    """Whether the closest marker that says so allows memory that is shared with others."""
    given = (marker.kwargs.get(ALLOW_SHARED) for marker in node.iter_markers(MARKER))
    return bool(next((one for one in given if one is not None), False))


def timeout_of(config: pytest.Config) -> float:
    """Seconds that a measured function may take.

    Raises:
        pytest.UsageError: the option is no duration.
    """
    try:
        return parse_duration(config.getoption("ferrybench_timeout"))
    except ValueError as error:
        raise pytest.UsageError(f"--ferrybench-timeout: {error}") from error


def fail_cleanly(task: Callable[[], Made]) -> Made:
    """Carry out a task; what cannot be done fails the test in one line."""
    __tracebackhide__ = True
    try:
        return task()
    except FerrybenchError as error:
        reason = str(error)
    pytest.fail(f"ferrybench: {reason}", pytrace=False)
