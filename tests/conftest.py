"""What tests share: starting a host imports torch, which takes seconds."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from harness.host.host import BOOTSTRAP, Host
from harness.schema.records import HostSpec
from tests.lab import MISBEHAVING, Lab
from tests.warm import Warm, needs_a_new_one

BENCHMARKS = Path(__file__).parent / "benchmarks"
LAUNCH = Host._launch

# Sessions of pytest that tests start are no workers: pytest-benchmark measures nothing in one.
for name in [name for name in os.environ if name.startswith("PYTEST_XDIST_")]:
    del os.environ[name]


@contextmanager
def new_host(files: Sequence[Path] = ()) -> Iterator[Host]:
    """A host that is a new interpreter, for what depends on the state of a heap."""
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Host, "_launch", LAUNCH)
            started = stack.enter_context(Host(HostSpec(), files))
        yield started


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    """A host with nothing special about it, and a new interpreter. Tests must not harm it."""
    with new_host() as started:
        yield started


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where inputs are kept for the whole session."""
    return tmp_path_factory.mktemp("inputs")


@pytest.fixture(scope="session")
def warm_python() -> Iterator[Warm]:
    """What forks interpreters that have torch already."""
    with Warm() as started:
        yield started


@pytest.fixture(scope="session", autouse=True)
def _what_is_collected_stays() -> None:
    """Thousands of tests live until the end: no collection need look through them, and torch."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _warm_hosts(warm_python: Warm, request: pytest.FixtureRequest) -> Iterator[None]:
    """Hosts need not import torch, wherever new interpreters would be no different for it.

    Those of one layout have it in common without being told to: that of what they are forked from.
    """
    if any(BENCHMARKS in item.path.parents for item in request.session.items):
        yield  # what is timed is what users would have
        return

    def launch(host: Host) -> None:
        if host.spec.python or host.method != "fork" or needs_a_new_one(host.spec.env):
            LAUNCH(host)
            return
        command = [str(BOOTSTRAP), "server", host.method]
        process = warm_python.pipe(command, {**os.environ, **host.spec.env}, host._stderr)
        host._process = process  # type: ignore[assignment]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Host, "_launch", launch)
        yield


@pytest.fixture(autouse=True)
def _new_hosts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("new_hosts"):
        monkeypatch.setattr(Host, "_launch", LAUNCH)


@pytest.fixture
def misbehaving(host: Host, scratch: Path) -> Lab:
    """Strategies that crash, hang and litter."""
    return Lab(host, scratch, MISBEHAVING, "misbehaving")


@pytest.fixture
def judged(host: Host, scratch: Path) -> Lab:
    """Strategies whose results are right or wrong in known ways."""
    return Lab(host, scratch, MISBEHAVING, "judged")
