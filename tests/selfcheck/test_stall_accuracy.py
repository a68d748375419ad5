"""Stall fractions agree with sleeps that were noted elsewhere, and bent ones do not."""

from __future__ import annotations

from typing import Any, cast

import pytest

from harness.host.host import Host, Report
from harness.schema.request import TaskRequest
from harness.selfcheck.stall_accuracy import (
    LOADERS,
    POINTS,
    prefetched_stall,
    stall_checks,
    waiting_stall,
)

ATTEMPTS = 3  # at sleeps that were cut short or drawn out by what else the machine does


@pytest.mark.parametrize("sleeps_ms", [(2.0, 8.0), (8.0, 2.0)])
def test_stalls_are_what_sleeps_make_them(sleeps_ms: tuple[float, float], host: Host) -> None:
    off: list[Any] = []
    for _ in range(ATTEMPTS):
        checks = list(stall_checks(host, sleeps_ms=(sleeps_ms,), steady_s=0.1))
        assert len(checks) == len(LOADERS)
        off = [check for check in checks if not check.ok]
        if not off:
            break
    assert off == []


class BentHost:
    """Answers like a host that takes a quarter of every step for waiting."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def ask(self, request: TaskRequest) -> dict[str, Any]:
        return self.host.ask(request)

    def call(self, *arguments: Any, **options: Any) -> Report:
        report = self.host.call(*arguments, **options)
        assert report.answer is not None
        for epoch in report.answer["loading"]["steady"]:
            epoch["batches_s"] += epoch["step_s"] / 4
            epoch["step_s"] *= 3 / 4
        return report


def test_a_step_that_is_taken_for_waiting_is_caught(host: Host) -> None:
    bent = cast("Host", BentHost(host))
    checks = list(stall_checks(bent, sleeps_ms=((2.0, 8.0),), steady_s=0.1))
    assert [check.ok for check in checks] == [False, False]
    assert all(check.error > POINTS for check in checks)


# What sleeps make of an epoch


def test_without_prefetching_every_delay_is_waited_for() -> None:
    assert waiting_stall([2, 3, 5], [10, 10, 20]) == 0.2


@pytest.mark.parametrize(("delay", "step"), [(2.0, 8.0), (5.0, 5.0), (8.0, 2.0)])
def test_of_equal_sleeps_the_difference_is_waited_for_but_for_the_first(
    delay: float, step: float
) -> None:
    count = 1000
    stall = prefetched_stall([delay] * count, [step] * count)
    assert stall == pytest.approx(max(0.0, delay - step) / max(delay, step), abs=0.002)
    waited = delay + (count - 1) * max(0.0, delay - step)
    assert stall == pytest.approx(waited / (waited + count * step))


def test_one_batch_is_put_by_and_no_more() -> None:
    # Ready at 1; the second at 2, put by. The third is ready at 3, and must wait to be put until
    # the second is taken at 11: so the fourth, of delay 9, comes at 20, and only just in time
    # for the step that ends at 21.
    assert prefetched_stall([1, 1, 1, 9], [10, 10, 10, 10]) == pytest.approx(1 / 41)
    # Were it begun when the third was ready, a delay of 27 would be hidden; it begins at 11.
    assert prefetched_stall([1, 1, 1, 27], [10, 10, 10, 10]) == pytest.approx(8 / 48)
