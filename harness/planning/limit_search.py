"""The search for the largest size that survives under a limit: which size next, and when to stop.

Sizes lie on a grid of a 200th of the budget, so that strategies can share inputs. The search
begins where the cost model says the frontier is and looks one step beyond it; where the model is
off it gallops away in growing strides, then halves what is left between survivor and failure.
What was tried so far is all it knows, so a search that was interrupted goes on by itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from harness.schema.records import Outcome, Trial
from harness.units import format_size

GRID_STEPS = 200
"""Grid points in a budget: the frontier is known to half a percent of it."""
MOST_ATTEMPTS = 15
CAP = 2
"""Budgets: what survives at so many times its budget needs no memory for its data."""
UNIT_BYTES = 64 * 1024  # every size is a multiple, and so a whole number of usual samples
STRIDE = 4  # each stride of a gallop is so many times the one before
MOST_TIMEOUTS = 2  # each takes as long as a trial may


_DEATHS = ("abort", "segmentation fault", "bus error", "killed")


@dataclass(frozen=True)
class Attempt:
    """A size that was tried, and how that ended."""

    size_bytes: int
    outcome: Outcome

    @property
    def survived(self) -> bool:
        return self.outcome.ok

    @property
    def gave_way(self) -> bool:
        """Whether it failed in a way that a smaller size may not.

        A program that cannot have memory may also crash, lose a worker that could not, or wait
        for it.
        """
        return self.outcome.name in ("oom", "crash", "timeout") or self.outcome.kind in _DEATHS


@dataclass(frozen=True)
class Frontier:
    """What attempts say of the largest size that survives."""

    outcome: Outcome  # ok where it was found
    survived_bytes: int | None  # the largest that survived below every failure
    failed_bytes: int | None  # the smallest that failed
    beyond: bool = False  # the largest size of all survived
    monotonic: bool = True  # nothing survived above a failure
    done: bool = True  # another attempt would say no more


def step_bytes(budget_bytes: int) -> int:
    """The distance between neighbouring sizes."""
    return max(1, budget_bytes // GRID_STEPS // UNIT_BYTES) * UNIT_BYTES


def _last(budget_bytes: int) -> int:
    """The grid's last index."""
    return math.ceil(CAP * budget_bytes / step_bytes(budget_bytes))


@dataclass(frozen=True)
class _Bracket:
    """What is known, as indexes into the grid."""

    survived: list[int]  # below every failure
    failed: list[int]
    last: int

    @classmethod
    def of(cls, attempts: Sequence[Attempt], budget_bytes: int) -> _Bracket:
        step = step_bytes(budget_bytes)
        failed = [attempt.size_bytes // step for attempt in attempts if attempt.gave_way]
        lowest = min(failed, default=math.inf)
        survived = [attempt.size_bytes // step for attempt in attempts if attempt.survived]
        below = [index for index in survived if index < lowest]
        return cls(below, failed, _last(budget_bytes))

    @property
    def low(self) -> int:
        """The largest survivor; 0 without one."""
        return max(self.survived, default=0)

    @property
    def high(self) -> int:
        """The smallest failure; past the grid's end without one."""
        return min(self.failed, default=self.last + 1)


def frontier(attempts: Sequence[Attempt], budget_bytes: int) -> Frontier:
    """What is known after some attempts."""
    bracket = _Bracket.of(attempts, budget_bytes)
    low, high = bracket.low, bracket.high
    closed = high - low <= 1
    step = step_bytes(budget_bytes)
    found = Frontier(
        outcome=Outcome("ok"),
        survived_bytes=low * step if low else None,
        failed_bytes=high * step if bracket.failed else None,
        beyond=low == bracket.last,
        monotonic=sum(attempt.survived for attempt in attempts) == len(bracket.survived),
        done=closed or _is_over(attempts),
    )
    stopped = next((one for one in attempts if not (one.survived or one.gave_way)), None)
    if stopped is not None:
        return replace(found, outcome=stopped.outcome)
    if low and (closed or not _too_slow(attempts)):
        return found
    failures = [one for one in attempts if one.gave_way]
    if not failures:
        return found
    smallest = min(failures, key=lambda one: one.size_bytes)
    return replace(found, outcome=smallest.outcome)


def _too_slow(attempts: Sequence[Attempt]) -> bool:
    return sum(one.outcome.name == "timeout" for one in attempts) >= MOST_TIMEOUTS


def _is_over(attempts: Sequence[Attempt]) -> bool:
    """Whether to give up: one ended in a way that says nothing of memory, or enough were made."""
    stopped = any(not (one.survived or one.gave_way) for one in attempts)
    return stopped or len(attempts) >= MOST_ATTEMPTS or _too_slow(attempts)


def next_size(attempts: Sequence[Attempt], budget_bytes: int, predicted_bytes: float) -> int | None:
    """The size to try next; None when the frontier is found, or the search has ended without.

    Args:
        attempts: what was tried so far, under this budget.
        budget_bytes: what the process may have.
        predicted_bytes: where the frontier should be, by what is known at this moment.
    """
    if frontier(attempts, budget_bytes).done:
        return None
    bracket = _Bracket.of(attempts, budget_bytes)
    step = step_bytes(budget_bytes)
    start = max(1, int(min(predicted_bytes / step, bracket.last)))
    return _next_index(bracket, start) * step


def _next_index(bracket: _Bracket, start: int) -> int:
    low, high = bracket.low, bracket.high
    if low < start < high:
        return start
    # The prediction was tried, or is ruled out: go on from there in strides.
    if start <= low:
        strides = sum(index >= start for index in bracket.survived)
        reached = low + int(STRIDE ** (strides - 1))
    else:
        strides = sum(index <= start for index in bracket.failed)
        reached = high - int(STRIDE ** (max(1, strides) - 1))
    if bracket.survived and bracket.failed:
        middle = (low + high) // 2
        return min(reached, middle) if start <= low else max(reached, middle)
    return min(max(reached, 1), bracket.last)


def attempts_of(trials: Iterable[Trial]) -> list[Trial]:
    """The attempts of a search, in their order."""
    found = (trial for trial in trials if trial.kind == "limit" and trial.limit)
    return sorted(found, key=lambda trial: trial.round)


def as_attempt(trial: Trial) -> Attempt:
    """What a search needs to know of a trial."""
    assert trial.limit is not None
    return Attempt(trial.limit.size_bytes, trial.outcome)


def limit_outcome(trials: Sequence[Trial]) -> Outcome | None:
    """The outcome of a search: ok where it found the frontier; None where nothing was tried."""
    found = attempts_of(trials)
    if not found:
        return None
    edge = frontier_of(found)
    if edge.done:
        return edge.outcome
    known = {"survived": edge.survived_bytes, "did not": edge.failed_bytes}
    said = ", ".join(f"{format_size(size)} {what}" for what, size in known.items() if size)
    return Outcome("skipped", f"the search was cut short: {said}")


def searched(trials: Iterable[Trial]) -> set[int]:
    """The cases whose search is over."""
    attempts: dict[int, list[Trial]] = {}
    for trial in trials:
        if trial.kind == "limit":
            attempts.setdefault(trial.case, []).append(trial)
    return {
        case
        for case, own in attempts.items()
        if (found := attempts_of(own)) and frontier_of(found).done
    }


def frontier_of(found: Sequence[Trial]) -> Frontier:
    """What the attempts of a search say, of which there is one at least."""
    assert found[0].limit is not None
    return frontier([as_attempt(trial) for trial in found], found[0].limit.budget_bytes)


def held_multiple(trials: Iterable[Trial]) -> float:
    """What was held before the call, as a multiple of the inputs; NaN where none came so far.

    Of the largest inputs, beside which the interpreter's own pages are least.
    """
    held = (
        (trial.payload_bytes, trial.limit.held_bytes / trial.payload_bytes)
        for trial in trials
        if trial.limit and trial.limit.held_bytes is not None and trial.payload_bytes
    )
    return max(held, default=(0, math.nan))[1]


def predicted_multiple(copies: float | None, trials: Sequence[Trial]) -> tuple[float, float]:
    """What the data needs, as a multiple; and how much of the inputs the size asked for is.

    A cost model counts what a call adds to what is there already. Inputs may be larger than the
    size asked for: labels come on top of it.
    """
    if copies is None:
        return math.nan, 1.0
    held = held_multiple(trials)
    known = next((trial for trial in trials if trial.limit and trial.payload_bytes), None)
    scale = known.limit.size_bytes / known.payload_bytes if known and known.limit else 1.0
    return (1.0 if math.isnan(held) else held) + copies, scale


def predicted_size(free_bytes: float, multiple: float) -> float:
    """The largest size that fits in so much memory; infinite where none is needed."""
    if multiple <= 0:
        return math.inf
    return max(0.0, free_bytes) / multiple
