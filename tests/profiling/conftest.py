"""What the tests of profiles share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.host.host import Host
from tests.profiling import programs


@pytest.fixture(scope="session")
def _file(host: Host) -> Iterator[None]:
    assert host._process is not None
    number = host._process.pid
    programs.make_file(number)
    yield
    Path(programs.file_of(number)).unlink()
