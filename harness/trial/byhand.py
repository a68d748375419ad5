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

from harness.model import Effort
from harness.trial import truths
from harness.trial.clock import Stopwatch
from harness.trial.watch import WatchPage

WRITTEN_OUT = 10
SAMPLES = 10  # of each way, in each round


def by_hand_ns(function: Callable[[int], Any], value: int, turns: int) -> float:
    """Nanoseconds a call takes: the mean of ten times ``turns`` calls."""
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


def time_both_ways(request: dict[str, Any], page: WatchPage | None) -> dict[str, Any]:
    """Time one operation of :data:`harness.trial.truths.clock` with the stopwatch and by hand.

    Args:
        request: ``strategy``, its name; ``target_ns``, about how long a call is to take;
            ``rounds``, how often each way has its turn; ``round_s``, how long a turn lasts.
        page: not used.

    Returns:
        ``rounds``: for each, the samples of both ways, ``stopwatch_ns`` and ``by_hand_ns``, in
        nanoseconds a call; ``amount``, what the operation was called with.
    """
    gc.disable()
    function = truths.clock.strategies[request["strategy"]].function
    amount = request["target_ns"]
    if request["strategy"] == "count":
        amount = _amount_for(function, amount)
    watch = Stopwatch(function, (amount,))
    effort = Effort(trials=1, steady_s=request["round_s"], max_samples=SAMPLES)
    call_ns = by_hand_ns(function, amount, 1)
    turns = max(1, round(request["round_s"] * 1e9 / SAMPLES / WRITTEN_OUT / call_ns))

    def by_stopwatch() -> tuple[float, ...]:
        return watch.steady(effort).samples_ns

    def by_hand() -> tuple[float, ...]:
        return tuple(by_hand_ns(function, amount, turns) for _ in range(SAMPLES))

    rounds = []
    for number in range(request["rounds"]):
        if number % 2:
            hand, stopwatch = by_hand(), by_stopwatch()
        else:
            stopwatch, hand = by_stopwatch(), by_hand()
        rounds.append({"stopwatch_ns": stopwatch, "by_hand_ns": hand})
    return {"rounds": rounds, "amount": amount}


def _amount_for(function: Callable[[int], Any], target_ns: int) -> int:
    """How much of an operation whose time grows with its amount lasts about ``target_ns``."""
    amounts = (target_ns // 40, target_ns // 10)
    low, high = (min(by_hand_ns(function, amount, 3) for _ in range(20)) for amount in amounts)
    slope = max(1e-3, (high - low) / (amounts[1] - amounts[0]))
    return max(1, round(amounts[0] + (target_ns - low) / slope))
