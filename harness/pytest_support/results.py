"""Keeps what was found about a test until it is shown in a table or written to a file."""

from __future__ import annotations

from typing import Any

import pytest

from harness.pytest_support.facts import EXTRA_INFO


def note(node: pytest.Item, found: dict[str, Any], label: str = "", benchmark: Any = None) -> None:
    """Keep it with the test, which also takes it from a worker of xdist to the terminal.

    Args:
        node: the test.
        found: plain data; see :mod:`harness.pytest_support.facts`.
        label: which of several measurements of the test it is.
        benchmark: the fixture of pytest-benchmark, whose files are to have it too.
    """
    node.user_properties.append((EXTRA_INFO, {"label": label, **found}))
    if benchmark is not None:
        benchmark.extra_info[EXTRA_INFO] = found
