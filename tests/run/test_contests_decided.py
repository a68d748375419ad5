"""A run that goes on with contests that are open: in rounds of their own, within its time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.cases.summaries import summaries
from harness.cli.run_verb import RunOptions
from harness.journal.lines import EndLine
from harness.journal.read import read_journal
from harness.journal.write import Journal
from harness.planning.order import Step
from harness.run.ceilings import Ceilings
from harness.run.runner import Runner
from harness.schema.description import Level
from harness.schema.records import ContestEffort, Effort, Outcome, Trial
from harness.stats.contest import ContestRule
from tests.journals import MIB, header, planned, scenario, strategy, trial

NAMES = ("base", "near", "far")
INFO = scenario([strategy(name) for name in NAMES])
CASES = [planned(name, size, baseline=name == "base") for size in (MIB, 4 * MIB) for name in NAMES]
CLOSE = {0: 1.0, 1: 1.01, 2: 9.0, 3: 1.0, 4: 9.0, 5: 9.0}  # one contest is open, the other not
EFFORT = Effort(3, 0.1, contests=ContestEffort((3, 5, 8, 12), extra_share=1.0))
TRIAL_S = 2.0


class Machine:
    """A clock, a journal and a listener: every trial takes as long, and times what is planted."""

    hosts: dict[str, Any] = {"default": None}  # noqa: RUF012
    between_s = 0.0

    def __init__(self, times_s: Mapping[int, float], failing_from: int = 99) -> None:
        self.times_s, self.failing_from = times_s, failing_from
        self.now, self.renewed = 1000.0, 0
        self.trials: list[Trial] = []
        self.left: list[float] = []
        self.ended = ""
        self.steps = self.run = 0

    def trial(self, step: Step, bound: object = None) -> Trial:
        self.now += TRIAL_S
        failed = step.case == 1 and step.round >= self.failing_from
        outcome = Outcome("timeout", "no answer within 60 s", "hang") if failed else None
        time_s = self.times_s[step.case]
        one = trial(step.case, step.round, time_s, kind=step.kind, outcome=outcome)
        return replace(one, wall_s=TRIAL_S)

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

    def working_on(self, what: str, left_s: float) -> None:
        self.left.append(left_s)

    def next_round(self) -> None:
        self.renewed += 1


@pytest.fixture(autouse=True)
def _without_ceilings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ceilings, "measure", lambda *given: [])
    monkeypatch.setattr(Ceilings, "probe", lambda *given: [])


def carried_out(
    monkeypatch: pytest.MonkeyPatch,
    machine: Machine,
    effort: Effort = EFFORT,
    budget_s: float = 0.0,
    done: Sequence[Trial] = (),
) -> Machine:
    monkeypatch.setattr("harness.run.runner.time.monotonic", lambda: machine.now)
    head = header(CASES, [INFO])
    head = replace(head, plan=replace(head.plan, effort=effort, budget_s=budget_s))
    given: Any = machine
    runner = Runner(head, given, given, None, given, list(done))  # type: ignore[arg-type]
    runner.instrument = given
    runner.run()
    return machine


def timed(machine: Machine) -> Counter[int]:
    return Counter(one.case for one in machine.trials if one.kind == "time")


def test_further_rounds_are_of_what_is_open_and_have_both_sides(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = carried_out(monkeypatch, Machine(CLOSE))
    assert done.ended == "complete"
    assert timed(done) == {0: 8, 1: 8, 2: 3, 3: 3, 4: 3, 5: 3}
    further = [one for one in done.trials if one.round > EFFORT.trials]
    assert Counter(one.round for one in further) == dict.fromkeys(range(4, 9), 2)
    assert done.renewed == 8  # a layout for each round but the first
    assert done.run == done.steps


def test_fixed_trials_are_just_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    done = carried_out(monkeypatch, Machine(CLOSE), replace(EFFORT, contests=None))
    assert timed(done) == dict.fromkeys(range(6), 3)


def test_a_case_that_fails_gets_no_more_and_its_contest_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = carried_out(monkeypatch, Machine(CLOSE, failing_from=5))
    assert done.ended == "complete"
    assert timed(done)[1] == 5
    assert timed(done)[0] <= 5
    assert done.run == done.steps


def test_a_strategy_that_took_too_long_elsewhere_is_no_endless_contest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hanging = [trial(4, 0, kind="memory", outcome=Outcome("timeout", "no answer", "hang"))]
    done = carried_out(monkeypatch, Machine(CLOSE), done=hanging)
    assert done.ended == "complete"
    assert timed(done) == {0: 8, 1: 8, 2: 3, 3: 3, 5: 3}


def test_a_budget_holds_for_contests_too(monkeypatch: pytest.MonkeyPatch) -> None:
    planned_s = TRIAL_S * 6 * 4
    enough = carried_out(monkeypatch, Machine(CLOSE), budget_s=planned_s + 11 * TRIAL_S)
    assert timed(enough)[0] == 8
    little = carried_out(monkeypatch, Machine(CLOSE), budget_s=planned_s + 4 * TRIAL_S)
    assert timed(little) == dict.fromkeys(range(6), 3)
    assert little.ended == "complete"  # all that was planned


@pytest.mark.parametrize("cut", [20, 27, 31])
def test_a_run_that_was_interrupted_goes_on_to_the_same_end(
    cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = carried_out(monkeypatch, Machine(CLOSE))
    rest = carried_out(monkeypatch, Machine(CLOSE), done=whole.trials[:cut])
    counts = timed(rest) + Counter(one.case for one in whole.trials[:cut] if one.kind == "time")
    # A round that was cut in two pairs nothing, and another takes its place.
    assert all(0 <= counts[case] - count <= 1 for case, count in timed(whole).items())
    keys = [(one.case, one.kind, one.round) for one in [*whole.trials[:cut], *rest.trials]]
    assert len(set(keys)) == len(keys)


def test_what_was_beaten_is_spared_planned_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    effort = replace(EFFORT, trials=6, contests=ContestEffort((3, 5, 8, 12), extra_share=0.0))
    done = carried_out(monkeypatch, Machine(CLOSE), effort)
    assert timed(done) == {0: 8, 1: 8, 2: 3, 3: 6, 4: 3, 5: 3}
    assert done.run == done.steps


def test_the_time_left_knows_of_contests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before they begin, all that they may take; then what the open one should."""
    said = carried_out(monkeypatch, Machine(CLOSE)).left
    left = [one for one in said if not math.isnan(one)]  # as it is while ceilings are measured
    assert len(left) == 6 * 4 + 10
    assert left[6 * 4 - 1] == pytest.approx((1 + 6 * 3) * TRIAL_S)  # as long again as was planned
    assert left[-10:] == pytest.approx([count * TRIAL_S for count in range(10, 0, -1)], abs=TRIAL_S)


@pytest.mark.parametrize("level", ["quick", "usual", "full"])
def test_the_plan_says_how_contests_are_decided_unless_trials_are_asked_for(level: Level) -> None:
    usual = RunOptions().settings(level).effort
    assert usual.contests is not None
    assert usual.contests.looks[0] <= usual.trials
    assert RunOptions(trials=usual.trials).settings(level).effort == replace(usual, contests=None)


def test_a_journal_keeps_it(tmp_path: Path) -> None:
    head = header(CASES, [INFO])
    head = replace(head, plan=replace(head.plan, effort=EFFORT))
    with Journal.create(tmp_path / "run.jsonl", head) as journal:
        journal.append(EndLine("complete"))
    run = read_journal(tmp_path / "run.jsonl")
    assert run.header.plan.effort == EFFORT
    assert {row.rule for row in summaries(run)} == {ContestRule(2, 1 + 4)}
