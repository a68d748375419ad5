"""The search for a largest size, against frontiers that are known."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

import pytest

from harness.planning.limit_search import (
    CAP,
    GRID_STEPS,
    MOST_ATTEMPTS,
    Attempt,
    Frontier,
    frontier,
    next_size,
    step_bytes,
)
from harness.schema.records import Outcome

MIB = 1024**2
BUDGET = 512 * MIB
STEP = step_bytes(BUDGET)
LAST = -(-CAP * BUDGET // STEP)
OK, OOM = Outcome("ok"), Outcome("oom", "no memory", "tensor memory")


def searched(
    ends: Callable[[int], Outcome], *predicted: float, budget: int = BUDGET
) -> list[Attempt]:
    """All attempts of a search.

    Args:
        ends: the outcome at a size.
        predicted: where the frontier seems to be at the first attempt, the second and all others.
        budget: of the process.
    """
    attempts: list[Attempt] = []
    guesses = itertools.chain(predicted, itertools.repeat(predicted[-1]))
    while (size := next_size(attempts, budget, next(guesses))) is not None:
        assert size not in {attempt.size_bytes for attempt in attempts}, "tried before"
        assert size > 0
        attempts.append(Attempt(size, ends(size)))
    return attempts


def up_to(size: float) -> Callable[[int], Outcome]:
    return lambda tried: OK if tried <= size else OOM


def found(attempts: list[Attempt], budget: int = BUDGET) -> Frontier:
    edge = frontier(attempts, budget)
    assert edge.done
    return edge


def test_every_frontier_is_found_from_everywhere_in_fifteen_attempts() -> None:
    longest = 0
    for truth in range(LAST + 1):
        for start in range(0, LAST + 2, 11):
            attempts = searched(up_to(truth * STEP), start * STEP)
            edge = found(attempts)
            assert (edge.survived_bytes or 0) == truth * STEP
            assert edge.failed_bytes == (None if truth == LAST else (truth + 1) * STEP)
            assert edge.beyond == (truth == LAST)
            longest = max(longest, len(attempts))
    assert longest <= MOST_ATTEMPTS


def test_a_prediction_that_changes_after_the_first_attempt_costs_no_more() -> None:
    draw = random.Random(1)
    for _ in range(3000):
        truth, first, then = (draw.randint(0, LAST) for _ in range(3))
        attempts = searched(up_to(truth * STEP), first * STEP, then * STEP)
        assert (found(attempts).survived_bytes or 0) == truth * STEP
        assert len(attempts) <= MOST_ATTEMPTS


def test_a_model_that_holds_takes_two_attempts() -> None:
    """One step below the prediction, one above; and a few more where it is off by some steps."""
    for truth in range(20, 200):
        for share in (0.01, 0.5, 0.99):
            exact = searched(up_to((truth + share) * STEP), (truth + share) * STEP)
            assert len(exact) == 2
            near = searched(up_to(truth * STEP), (truth + 3) * STEP)
            assert len(near) <= 5


@pytest.mark.parametrize("budget", [8 * MIB, 64 * MIB, 384 * MIB, 4096 * MIB])
def test_the_frontier_is_known_to_half_a_percent_of_any_budget(budget: int) -> None:
    assert GRID_STEPS == 200
    assert step_bytes(budget) <= max(budget / GRID_STEPS, 64 * 1024)
    assert step_bytes(budget) % 4096 == 0, "a whole number of usual samples"
    for share in (0.013, 0.5, 0.97, 1.6):
        truth = share * budget
        edge = found(searched(up_to(truth), budget / 3, budget=budget), budget)
        assert edge.survived_bytes is not None
        assert edge.failed_bytes is not None
        assert edge.survived_bytes <= truth < edge.failed_bytes
        assert edge.failed_bytes - edge.survived_bytes == step_bytes(budget)


def test_what_needs_no_memory_survives_at_twice_the_budget_at_once() -> None:
    attempts = searched(lambda _: OK, float("inf"))
    assert [attempt.size_bytes for attempt in attempts] == [LAST * STEP]
    assert found(attempts).beyond
    assert LAST * STEP >= 2 * BUDGET


def test_a_search_that_was_interrupted_goes_on_as_if_it_had_not_been() -> None:
    whole = searched(up_to(37 * STEP), 180 * STEP)
    for done in range(len(whole)):
        size = next_size(whole[:done], BUDGET, 180 * STEP)
        assert size == whole[done].size_bytes
        edge = frontier(whole[:done], BUDGET)
        assert not edge.done


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome("wrong", "row 3 differs", "wrong data"),
        Outcome("error", "ValueError: no"),
        Outcome("error", "the disk is full", "disk full"),
        Outcome("skipped", "needs about 90 GiB, and 20 GiB are free"),
    ],
)
def test_what_is_not_about_memory_ends_the_search(outcome: Outcome) -> None:
    attempts = searched(lambda size: OK if size < 100 * STEP else outcome, 90 * STEP)
    assert attempts[-1].outcome is outcome
    edge = found(attempts)
    assert edge.outcome is outcome
    assert edge.survived_bytes is not None, "what had survived before is still known"
    assert edge.survived_bytes < 100 * STEP


@pytest.mark.parametrize(
    "outcome",
    [
        OOM,
        Outcome("crash", "SIGABRT (aborted)", "abort"),
        Outcome("error", "RuntimeError: DataLoader worker is killed", "killed"),
    ],
)
def test_what_may_be_for_want_of_memory_sends_it_to_smaller_sizes(outcome: Outcome) -> None:
    attempts = searched(lambda size: OK if size <= 50 * STEP else outcome, 90 * STEP)
    assert found(attempts).survived_bytes == 50 * STEP
    assert found(attempts).outcome.ok


def test_what_survives_at_no_size_ends_as_it_did_at_the_smallest() -> None:
    crash = Outcome("crash", "SIGABRT (aborted)", "abort")
    attempts = searched(lambda _: crash, 90 * STEP)
    edge = found(attempts)
    assert edge.outcome is crash
    assert edge.survived_bytes is None
    assert edge.failed_bytes == STEP
    assert len(attempts) <= 8


def test_a_hang_is_waited_for_twice_at_most() -> None:
    hang = Outcome("timeout", "no answer within 60 s", "hang")
    attempts = searched(lambda size: OK if size < 20 * STEP else hang, 90 * STEP)
    assert [attempt.outcome.name for attempt in attempts] == ["timeout", "timeout"]
    assert found(attempts).outcome is hang
    next_to_it = searched(lambda size: OK if size <= 90 * STEP else hang, 90 * STEP)
    assert found(next_to_it).outcome.ok, "one hang beside a survivor is a frontier"
    assert found(next_to_it).survived_bytes == 90 * STEP


def test_luck_above_a_failure_is_noted_and_does_not_count() -> None:
    lucky = 95 * STEP
    attempts = [
        Attempt(90 * STEP, OK),
        Attempt(lucky, OK),
        Attempt(91 * STEP, OOM),
    ]
    edge = frontier(attempts, BUDGET)
    assert edge.done
    assert (edge.survived_bytes, edge.failed_bytes) == (90 * STEP, 91 * STEP)
    assert not edge.monotonic


def test_a_frontier_that_comes_and_goes_ends_all_the_same() -> None:
    draw = random.Random(2)
    for _ in range(500):
        attempts = searched(lambda _: OK if draw.random() < 0.5 else OOM, 60.5 * STEP)
        assert len(attempts) <= MOST_ATTEMPTS
