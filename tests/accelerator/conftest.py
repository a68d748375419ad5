"""Tests here put devices in torch's place; what was found out about those must not outlive them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.trial.device.accelerator import why_none


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    why_none.cache_clear()
    yield
    why_none.cache_clear()
