"""Time calls so that neither the clock nor the loop is measured along.

A call of 10 µs or more is timed by itself, so that freeing its result stays outside; a shorter
one in a loop (the standard library's timeit, whose statement is inlined) long enough to drown the
clock, with the cost of the empty loop taken off. A loop frees each result as it goes.
"""

from __future__ import annotations

import gc
import statistics
import time
import timeit
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.schema.records import Effort
from harness.trial.base.queued_work import accelerator_in_use, wait_for_accelerator, waited_for
from harness.trial.timing.duet import ALONE, Turns, paced

Clock = Callable[[], int]
"""Returns nanoseconds of a monotonic clock."""

APART_FROM_NS = 10_000
"""Calls at least this long are timed one by one: reading the clock costs well under 1% of it."""
LOOP_NS = 200_000
"""How long one sample of a loop over shorter calls should last."""
WARM_SHARE = 0.2
WARM_BELOW_NS = 2_000_000
"""Shorter calls are preceded by one that is not timed, where another process ran before."""


@dataclass(frozen=True)
class SteadySamples:
    """Steady-state samples of one trial, in nanoseconds per call."""

    samples_ns: tuple[float, ...]
    calls_per_sample: int
    apart: bool
    calls: int  # made for the samples, after the warm-up


@dataclass
class Sampler:
    """Takes samples of one length."""

    sample: Callable[[int], float]  # of so many calls; returns nanoseconds a call
    calls: int
    apart: bool
    call_ns: float
    made: int = 0  # calls

    def one(self) -> float:
        self.made += self.calls
        return self.sample(self.calls)

    def warm(self) -> None:
        """Have caches find again what another process has driven out of them."""
        if self.call_ns < WARM_BELOW_NS:
            self.made += 1
            self.sample(1)

    def steady(self, samples_ns: Sequence[float]) -> SteadySamples:
        return SteadySamples(tuple(samples_ns), self.calls, self.apart, self.made)


def clock_cost_ns(now: Clock = time.perf_counter_ns) -> float:
    """What one pair of readings costs by itself: the median of 201 empty intervals."""
    costs = []
    for _ in range(201):
        start = now()
        costs.append(now() - start)
    return float(statistics.median(costs))


class Stopwatch:
    """Times calls of one function with fixed arguments.

    Args:
        function: what is measured.
        args, kwargs: passed to it each time.
        restore: called before each call, outside the timed region, for functions that change
            their arguments; forces calls to be timed apart.
        now: the clock; tests pass one of their own.

    Attributes:
        accelerator: which one the process uses, as far as is known; each call is then timed until
            nothing is left to do there.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        restore: Callable[[], None] | None = None,
        now: Clock = time.perf_counter_ns,
        kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        self.args = args
        self.kwargs = kwargs or {}
        self.restore = restore
        self.now = now
        self.clock_cost_ns = clock_cost_ns(now)
        self.accelerator, self._looked = "", False
        self._empty = timeit.Timer("pass", "pass", now)
        self._use(function)
        self._look_for_accelerator()

    def _use(self, function: Callable[..., Any]) -> None:
        self.function = function
        names = {f"argument_{index}": value for index, value in enumerate(self.args)}
        named = {f"named_{index}": value for index, value in enumerate(self.kwargs.values())}
        passed = (*names, *(f"{key}={name}" for key, name in zip(self.kwargs, named, strict=True)))
        # timeit switches the collector off; where users' habits are measured, it stays on.
        setup = "gc.enable()" if gc.isenabled() else "pass"
        self._loop = timeit.Timer(
            f"function({', '.join(passed)})",
            setup,
            self.now,
            {**names, **named, "function": function, "gc": gc},
        )

    def _look_for_accelerator(self) -> bool:
        """Have calls end when an accelerator has nothing left to do, if one is in use by now."""
        self.accelerator = accelerator_in_use()
        if self.accelerator:
            self._use(waited_for(self.function))
        return bool(self.accelerator)

    def one_call(self) -> tuple[Any, float]:
        """Call once; return the result and the nanoseconds it took."""
        if self.restore is not None:
            self.restore()
        function, args, kwargs, now = self.function, self.args, self.kwargs, self.now
        start = now()
        result = function(*args, **kwargs)
        end = now()
        if not self._looked:  # the first call may have begun to use one
            self._looked = True
            if not self.accelerator and self._look_for_accelerator():
                wait_for_accelerator()
                end = now()
        return result, max(0.0, end - start - self.clock_cost_ns)

    def _apart(self, calls: int) -> float:
        total = 0.0
        for _ in range(calls):
            total += self.one_call()[1]  # the result dies here, before the next reading
        return total / calls

    def _looped(self, calls: int) -> float:
        return max(0.0, self._loop.timeit(calls) / calls - self._loop_cost_ns)

    def steady(
        self,
        effort: Effort,
        warmed: Callable[[], None] = lambda: None,
        turns: Turns = ALONE,
    ) -> SteadySamples:
        """Sample the steady state for about ``effort.steady_s``.

        Args:
            effort: how long, and how many samples.
            warmed: called once, between the warm-up and the first sample.
            turns: when, if not at once; the warm-up takes a turn of its own.
        """
        if not turns.wait():
            return SteadySamples((), 0, True, 0)
        sampler = self._sampler(effort)
        turns.pass_on()
        warmed()
        samples: list[float] = []
        for _ in paced(effort, turns, self.now):
            if turns is not ALONE:
                sampler.warm()
            samples.append(sampler.one())
        return sampler.steady(samples)

    def _sampler(self, effort: Effort) -> Sampler:
        """Find out how many calls make a sample."""
        budget_ns = effort.steady_s * 1e9
        began = self.now()
        call_ns = self._apart(1)
        while self.now() - began < budget_ns * WARM_SHARE:
            call_ns = min(call_ns, self._apart(1))
        apart = self.restore is not None or call_ns >= APART_FROM_NS
        if apart:
            sample, per_sample = self._apart, 1
        else:
            sample, per_sample = self._looped, self._calibrate()
            call_ns = self._looped(per_sample)
        # Spread the samples over the whole time instead of ending early.
        goal_ns = budget_ns / effort.max_samples
        per_sample = max(per_sample, int(goal_ns / max(call_ns, 1.0)))
        return Sampler(sample, per_sample, apart, call_ns)

    def _calibrate(self) -> int:
        """Calls that last ``LOOP_NS``, and the cost of as many turns of an empty loop."""
        calls = 1
        while (elapsed := self._loop.timeit(calls)) < LOOP_NS and calls < 1_000_000:
            calls *= 2 if elapsed > LOOP_NS / 4 else 4
        self._loop_cost_ns = min(self._empty.timeit(calls) for _ in range(3)) / calls
        return calls
