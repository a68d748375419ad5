"""What the tests of the plugin share."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.suites import Suite


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Suite:
    """An empty suite."""
    return Suite(pytester)
