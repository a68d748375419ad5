"""A strategy that takes too long at one point: its other cases come last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from harness.journal.lines import EndLine
from harness.planning.order import Step
from harness.run.ceilings import Ceilings
from harness.run.runner import Runner
from harness.schema.records import Outcome, Trial
from tests.journals import MIB, header, planned, scenario, strategy, trial

CASES = [
    planned(name, size) for size in (MIB, 4 * MIB, 16 * MIB) for name in ("base", "slow", "other")
]
INFO = scenario([strategy(name) for name in ("base", "slow", "other")])
SLOW = {1, 4, 7}
TIMEOUT = Outcome("timeout", "no answer within 60 s", "hang")


class Events:
    """A journal, a listener and a team, of which nothing but the order matters."""

    hosts: dict[str, Any] = {"default": None}  # noqa: RUF012
    between_s = 0.0

    def __init__(self) -> None:
        self.trials: list[Trial] = []
        self.ended = ""
        self.steps = self.run = 0

    def append(self, line: Any) -> None:
        if isinstance(line, EndLine):
            self.ended = line.reason
        else:
            self.trials.append(line)

    def begin(self, steps: int) -> None:
        self.steps = steps

    def finished(self, what: str, trial: Trial, *, declared: bool = False) -> None:
        self.run += 1

    def dropped(self, steps: int) -> None:
        self.run += steps

    def added(self, steps: int) -> None:
        self.steps += steps

    def working_on(self, what: str, left_s: float) -> None: ...

    def next_round(self) -> None: ...


class Instrument:
    """Answers at once; what takes too long does so at every size, or at one."""

    def __init__(self, hanging: set[int]) -> None:
        self.hanging = hanging

    def trial(self, step: Step, bound: object = None) -> Trial:
        outcome = TIMEOUT if step.case in self.hanging else None
        return trial(step.case, step.round, kind=step.kind, outcome=outcome)


def carried_out(
    hanging: set[int], monkeypatch: pytest.MonkeyPatch, done: Sequence[Trial] = ()
) -> Events:
    monkeypatch.setattr(Ceilings, "measure", lambda *given: [])
    monkeypatch.setattr(Ceilings, "probe", lambda *given: [])
    events: Any = Events()
    runner = Runner(header(CASES, [INFO]), events, events, None, events, list(done))  # type: ignore[arg-type]
    runner.instrument = Instrument(hanging)  # type: ignore[assignment]
    assert runner.run() == "complete"
    assert events.ended == "complete"
    assert events.run == events.steps  # a bar that counts them reaches its end
    return events  # type: ignore[no-any-return]


def test_all_the_rest_is_measured_before_another_case_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = carried_out(SLOW, monkeypatch).trials
    order = [one.case in SLOW for one in done]
    first = order.index(True)
    assert order[first + 1 :] == sorted(order[first + 1 :])  # False comes before True
    assert [one.outcome.name for one in done].count("timeout") == len(SLOW)  # once each


def test_what_took_too_long_at_one_point_alone_is_measured_at_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = carried_out({4}, monkeypatch).trials
    rounds = {index: [one.round for one in done if one.case == index] for index in range(9)}
    assert rounds.pop(4) == [0]
    assert all(found == [0, 1, 2, 3] for found in rounds.values())


def test_a_run_that_is_continued_remembers(monkeypatch: pytest.MonkeyPatch) -> None:
    before = [trial(4, 0, outcome=TIMEOUT)]
    done = carried_out(SLOW, monkeypatch, before).trials
    order = [one.case in SLOW for one in done]
    assert order == sorted(order)


def test_without_a_timeout_the_order_is_that_of_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    done = carried_out(set(), monkeypatch).trials
    assert [one.round for one in done] == sorted(one.round for one in done)
