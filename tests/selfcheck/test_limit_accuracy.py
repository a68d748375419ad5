"""Searches find what strategies of known cost survive, and a bent limit is noticed."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any, cast

import pytest

from harness.host.host import Host, Report
from harness.planning.limit_search import MOST_ATTEMPTS
from harness.schema.request import TaskRequest, TrialRequest
from harness.selfcheck.limit_accuracy import LimitCheck, limit_checks
from harness.trial.limit.cgroups import why_no_group
from harness.trial.planted.limits import MULTIPLES

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="limits on memory are put into force on Linux only"
)


def off(checks: list[LimitCheck]) -> list[LimitCheck]:
    return [one for one in checks if not one.check.ok or one.attempts > MOST_ATTEMPTS]


def test_the_frontier_is_within_a_hundredth_of_the_budget(host: Host) -> None:
    checks = list(limit_checks(host, ["data"]))
    assert len(checks) == len(MULTIPLES)
    assert off(checks) == []
    assert max(one.attempts for one in checks if "model" not in one.check.name) <= 5


@pytest.mark.parametrize("limit", ["address_space", "cgroup"])
def test_under_other_limits_too(host: Host, limit: str) -> None:
    if limit == "cgroup" and why_no_group():
        pytest.skip(why_no_group())
    checks = list(limit_checks(host, [limit], strategies=["half_by_numpy", "thrice_by_map"]))
    assert len(checks) == 3, "and the baseline"
    assert off(checks) == []


class BentHost:
    """Puts strategies under a limit 3 % below the one it was asked for; not the truth."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.method = host.method
        self.watches_trees = host.watches_trees
        self.spec = host.spec

    def ask(self, request: TaskRequest) -> dict[str, Any]:
        return self.host.ask(request)

    def call(self, request: TaskRequest, timeout_s: float, **options: Any) -> Report:
        if isinstance(request, TrialRequest) and request.bound and request.strategy != "room":
            bent = replace(request.bound, budget_bytes=round(0.97 * request.bound.budget_bytes))
            request = replace(request, bound=bent)
        return self.host.call(request, timeout_s, **options)


def test_a_limit_that_is_put_too_low_is_caught(host: Host) -> None:
    bent = cast("Host", BentHost(host))
    checks = list(limit_checks(bent, ["data"], strategies=["half_by_torch"]))
    assert len(off(checks)) == 2
