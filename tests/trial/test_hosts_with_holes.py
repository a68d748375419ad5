"""Trials forked from a host whose heap has holes, against memory of known size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.host.host import Host
from harness.schema.records import HostSpec
from tests.lab import Lab

MIB = 1024**2
LOT = 8 * MIB
FILE = Path(__file__).with_name("hosts_with_holes.py")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Host(HostSpec(), [FILE]) as host:
        host.preload_scenarios()
        yield Lab(host, tmp_path_factory.mktemp("holes"), FILE, "made")


def ledger(lab: Lab, strategy: str, kind: Any) -> Any:
    answer = lab.measure(strategy, kind=kind, observe="peak" if kind == "memory" else "").answer
    assert answer is not None
    assert answer["outcome"]["name"] == "ok", answer
    return answer["ledger"]


@pytest.mark.new_hosts
@pytest.mark.parametrize("strategy", ["arrays", "objects"])
@pytest.mark.parametrize("kind", ["memory", "probe"])
def test_holes_of_the_host_do_not_serve_its_trials(lab: Lab, kind: str, strategy: str) -> None:
    found = ledger(lab, strategy, kind)
    assert not found.get("at_least")
    assert found["peak"]["anon_bytes"] == pytest.approx(LOT, rel=0.07)


@pytest.mark.new_hosts
def test_trials_that_are_timed_do_not_give_a_figure(lab: Lab) -> None:
    """They use the heap as users' calls do, so what they find out of memory may be too low."""
    found = ledger(lab, "arrays", "time")
    assert "of freed memory was available" in found["at_least"]
