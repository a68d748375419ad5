"""What tests share: starting a host imports torch, which takes seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.host.host import Host
from harness.schema.records import HostSpec
from tests.lab import MISBEHAVING, Lab


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    """A host with nothing special about it. Tests must not harm it."""
    with Host(HostSpec()) as started:
        yield started


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where inputs are kept for the whole session."""
    return tmp_path_factory.mktemp("inputs")


@pytest.fixture
def misbehaving(host: Host, scratch: Path) -> Lab:
    """Strategies that crash, hang and litter."""
    return Lab(host, scratch, MISBEHAVING, "misbehaving")


@pytest.fixture
def judged(host: Host, scratch: Path) -> Lab:
    """Strategies whose results are right or wrong in known ways."""
    return Lab(host, scratch, MISBEHAVING, "judged")
