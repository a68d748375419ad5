"""What the tests of the plugin share."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.suites import Suite, search_path
from tests.warm import Warm


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, warm_python: Warm) -> Suite:
    """An empty suite."""
    monkeypatch.setenv("PYTHONPATH", search_path(pytester.path))
    return Suite(pytester, warm_python)
