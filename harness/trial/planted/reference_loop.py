"""The stopwatch beside a loop written by hand, in one process and in turns.

Taking turns lets a drift of the machine touch both alike. The loop shares no code with what it is
to confirm: with ten calls written out for each of its turns, its own cost is about a nanosecond a
call, and nothing has to be subtracted.
"""

from __future__ import annotations

import gc
import itertools
import time
from collections.abc import Callable
from typing import Any

from harness.schema.records import Effort
from harness.schema.request import BothWaysRequest
from harness.trial.planted import memory
from harness.trial.timing.clock import Stopwatch

WRITTEN_OUT = 10
SAMPLES = 5  # of each way, in each round
ROUND_S = 0.002
"""How long each way has its turn, where calls are short: less than a time slice of the system."""
LONG_NS = 10_000  # calls beside which the cost of a loop is nothing


def by_hand_ns(function: Callable[[int], Any], value: int, calls: int) -> float:
    """Nanoseconds a short call takes: the mean of about ``calls`` calls."""
    turns = max(1, calls // WRITTEN_OUT)
    start = time.perf_counter_ns()
    for _ in itertools.repeat(None, turns):
        function(value)
        function(value)
        function(value)
        function(value)
        function(value)
        function(value)
        function(value)
        function(value)
        function(value)
        function(value)
    return (time.perf_counter_ns() - start) / (turns * WRITTEN_OUT)


def long_by_hand_ns(function: Callable[[int], Any], value: int, calls: int) -> float:
    """Nanoseconds a long call takes: the mean of ``calls`` calls."""
    start = time.perf_counter_ns()
    for _ in itertools.repeat(None, calls):
        function(value)
    return (time.perf_counter_ns() - start) / calls


def time_both_ways(request: BothWaysRequest) -> dict[str, Any]:
    """Time one operation of :data:`harness.trial.planted.memory.clock` with the stopwatch and by
    hand.

    Returns:
        ``rounds``: for each, the samples of both ways, ``stopwatch_ns`` and ``by_hand_ns``, in
        nanoseconds a call; ``amount``, what the operation was called with.
    """
    gc.disable()
    function = memory.clock.strategies[request.strategy].function
    target_ns = request.target_ns
    amount = _amount_for(function, target_ns) if request.strategy == "count" else target_ns
    watch = Stopwatch(function, (amount,))
    effort = Effort(trials=1, steady_s=ROUND_S, max_samples=SAMPLES)
    loop = by_hand_ns if target_ns < LONG_NS else long_by_hand_ns
    calls = max(1, round(ROUND_S * 1e9 / SAMPLES / target_ns))

    def by_stopwatch() -> tuple[float, ...]:
        return watch.steady(effort).samples_ns

    def by_hand() -> tuple[float, ...]:
        return tuple(loop(function, amount, calls) for _ in range(SAMPLES))

    rounds: list[dict[str, tuple[float, ...]]] = []
    end = time.monotonic() + request.total_s
    while len(rounds) < 2 or time.monotonic() < end:
        if len(rounds) % 2:
            hand, stopwatch = by_hand(), by_stopwatch()
        else:
            stopwatch, hand = by_stopwatch(), by_hand()
        rounds.append({"stopwatch_ns": stopwatch, "by_hand_ns": hand})
    return {"rounds": rounds, "amount": amount}


def _amount_for(function: Callable[[int], Any], target_ns: int) -> int:
    """How much of an operation whose time grows with its amount lasts about ``target_ns``."""
    amount = max(1, target_ns // 20)
    for _ in range(4):  # a small amount also costs the call itself, so one step is not enough
        call_ns = min(by_hand_ns(function, amount, WRITTEN_OUT) for _ in range(50))
        amount = max(1, round(amount * target_ns / call_ns))
    return amount
