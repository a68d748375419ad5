"""The time left that a run shows, by a clock that stands still but for what is planted."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from harness.journal.lines import EndLine
from harness.planning.order import Step
from harness.run.runner import CEILINGS_SHARE, Runner
from harness.schema.records import Outcome, Trial
from tests.journals import MIB, header, planned, scenario, strategy, trial

NAMES = [f"way_{number}" for number in range(12)]
INFO = scenario([strategy(name) for name in NAMES])
CASES = [planned(name, size) for size in (MIB, 4 * MIB, 16 * MIB) for name in NAMES]
RENEWAL_S, CEILINGS_S, PROBE_S = 6.0, 3.0, 0.01
FROM, WITHIN = 1 / 3, 0.25


class Planted:
    """A machine, a journal and a listener: every trial takes a time that was drawn for it."""

    hosts: dict[str, Any] = {"default": None}  # noqa: RUF012
    between_s = RENEWAL_S

    def __init__(self, seconds: Callable[[Step], float], failing: set[int] | None = None) -> None:
        self.now = 1000.0
        self.seconds = seconds
        self.failing = failing or set()
        self.said: list[tuple[float, float]] = []
        self.ceilings: list[tuple[int, float]] = []
        self.wanted = False
        self.trials = 0

    def trial(self, step: Step, bound: object = None) -> Trial:
        making_s = 0.2 if step.round == 0 else 0.0
        self.now += making_s + self.seconds(step)
        outcome = Outcome("error", "no") if step.case in self.failing else None
        one = trial(step.case, step.round, kind=step.kind, outcome=outcome)
        return replace(one, wall_s=self.seconds(step))

    def next_round(self) -> None:
        self.now += RENEWAL_S

    # It is its own ceilings, too.

    def note(self, trial: Trial) -> None:
        self.wanted = self.wanted or not self.ceilings

    def expected_s(self) -> float:
        return CEILINGS_S if self.wanted else 0.0

    def measure(self, *given: Any) -> Iterator[Any]:
        allowed_s = given[-1]
        self.ceilings.append((self.trials, allowed_s))
        self.now += max(0.0, min(CEILINGS_S, allowed_s))
        self.wanted = False
        yield from ()

    def probe(self, *given: Any) -> Iterator[Any]:
        self.now += PROBE_S
        yield from ()

    def append(self, line: Any) -> None:
        self.trials += isinstance(line, Trial)
        if isinstance(line, EndLine):
            self.ended = line.reason

    def working_on(self, what: str, left_s: float) -> None:
        if left_s == left_s:  # not while ceilings are measured
            self.said.append((self.now, left_s))

    def begin(self, steps: int) -> None: ...

    def finished(self, what: str, trial: Trial, *, declared: bool = False) -> None: ...

    def dropped(self, steps: int) -> None: ...
    def added(self, steps: int) -> None: ...


def carried_out(
    planted: Planted, monkeypatch: pytest.MonkeyPatch, *, budget_s: float = 0.0, trials: int = 3
) -> float:
    """Have a run of planted times; returns how long it took."""
    monkeypatch.setattr("harness.run.runner.time.monotonic", lambda: planted.now)
    head = header(CASES, [INFO], trials)
    head = replace(head, plan=replace(head.plan, budget_s=budget_s))
    machine: Any = planted
    runner = Runner(head, machine, machine, None, machine)  # type: ignore[arg-type]
    runner.instrument = runner.ceilings = machine
    began = planted.now
    runner.run()
    return planted.now - began


def uneven(step: Step) -> float:
    """A few are long; timing adds to each what it adds to all; and nothing takes equally long."""
    draw = random.Random(step.case)
    one_s = 0.3 * draw.lognormvariate(0, 0.8)
    again = random.Random(f"{step.case} {step.round}").uniform(0.9, 1.1)
    return again * (one_s if step.kind == "memory" else 1.3 * one_s + 0.1)


def heavy(step: Step) -> float:
    return 12.0 if step.case % 9 == 0 else 0.2


def drifting(step: Step) -> float:
    return 0.5 * (1 + 0.1 * step.round)


@pytest.mark.parametrize("seconds", [uneven, heavy, drifting])
@pytest.mark.parametrize("failing", [set(), {3, 17, 31}])
def test_from_a_third_of_a_run_on_it_is_right_within_a_quarter(
    seconds: Callable[[Step], float], failing: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = Planted(seconds, failing)
    took_s = carried_out(planted, monkeypatch)
    assert planted.trials == 4 * len(CASES) - 3 * len(failing)
    ends = planted.now
    began = ends - took_s
    judged = [
        (left_s, ends - at)
        for at, left_s in planted.said
        if at - began >= FROM * took_s and ends - at > 0.05 * took_s
    ]
    assert len(judged) > 20
    for left_s, true_s in judged:
        assert left_s == pytest.approx(true_s, rel=WITHIN)


def test_a_budget_is_what_is_left_where_it_is_less(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = Planted(lambda step: 1.0)
    took_s = carried_out(planted, monkeypatch, budget_s=60.0)
    assert planted.ended == "budget"
    assert 50 < took_s <= 60
    assert [left_s for _, left_s in planted.said][-1] < 5


@pytest.mark.parametrize("budget_s", [6.0, 30.0, 300.0])
def test_ceilings_take_a_third_of_a_budget_at_most(
    budget_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = Planted(lambda step: 0.5)
    carried_out(planted, monkeypatch, budget_s=budget_s)
    assert planted.trials  # so that something was measured
    for _, allowed_s in planted.ceilings:
        assert allowed_s <= CEILINGS_SHARE * budget_s + 1e-9


def test_the_first_thing_that_is_measured_is_a_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = Planted(lambda step: 0.5)
    carried_out(planted, monkeypatch, budget_s=300.0)
    ((trials, allowed_s),) = planted.ceilings  # once, and when the first times are to come
    assert trials == len(CASES)
    assert allowed_s == pytest.approx(CEILINGS_SHARE * 300.0)


def test_the_time_left_counts_ceilings_that_are_still_to_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    planted = Planted(lambda step: 0.5)
    carried_out(planted, monkeypatch)
    before, after = [
        [left_s for at, left_s in planted.said if (at < ends) == early][-1 if early else 0]
        for ends in [planted.said[len(CASES)][0]]
        for early in (True, False)
    ]
    assert before - after == pytest.approx(0.5 + RENEWAL_S + CEILINGS_S + PROBE_S, abs=2.0)


def test_without_a_time_there_is_nothing_to_hold_against_ceilings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    planted = Planted(lambda step: 0.5)
    carried_out(planted, monkeypatch, trials=0)
    assert planted.trials == len(CASES)
    assert planted.ceilings == []
