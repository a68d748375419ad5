"""What an A/B run asks of its hosts and writes down, played without any."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

import harness.ab.runner
from harness.ab.runner import MEMORY_BATCHES, MOST_LAPS_AGAIN, AbRunner, contenders
from harness.ab.session import BASE, CANDIDATE
from harness.ab.stopping import StoppingRule
from harness.comparison.paired import Duets, first_word
from harness.comparison.tolerance import Tolerance
from harness.journal.lines import EndLine, Header, Sides
from harness.planning.order import Step
from harness.schema.records import HostSpec, PlannedCase, Rss, Trial
from tests.journals import MIB, header, planned, scenario, strategy, trial

STRATEGIES = ("base", "slow")


def on(host: str, name: str) -> PlannedCase:
    here = planned(name)
    return replace(here, case=replace(here.case, host=host))


def two_sides() -> Header:
    """Two cases, of which the second takes half as long again on the candidate's side."""
    cases = [on(host, name) for host in (BASE, CANDIDATE) for name in STRATEGIES]
    head = header(cases, [scenario([strategy(name) for name in STRATEGIES])])
    specs = (HostSpec(BASE), HostSpec(CANDIDATE))
    sides = Sides(BASE, CANDIDATE, "before", "after")
    return replace(head, plan=replace(head.plan, hosts=specs, sides=sides))


SECONDS = {0: 1e-3, 1: 1e-3, 2: 1e-3, 3: 1.5e-3}  # by case


@dataclass
class Played:
    """A journal, a listener and hosts that answer at once; remembers what it was asked."""

    trials: list[Trial] = field(default_factory=list)
    pairs: list[tuple[Step, Step]] = field(default_factory=list)
    looks: list[Step] = field(default_factory=list)
    ended: str = ""
    renewals: int = 0
    hosts: Any = None

    def __enter__(self) -> Played:
        return self

    def __exit__(self, *raised: object) -> None: ...

    def measure(self, base: Step, candidate: Step) -> tuple[Trial, Trial]:
        self.pairs.append((base, candidate))
        return answered(base), answered(candidate)

    def trial(self, step: Step) -> Trial:
        self.looks.append(step)
        return answered(step)

    def append(self, line: Trial | EndLine) -> None:
        if isinstance(line, EndLine):
            self.ended = line.reason
        else:
            self.trials.append(line)

    def renew(self, layout: object) -> None:
        self.renewals += 1

    def begin(self, steps: int) -> None: ...

    def working_on(self, what: str, left_s: float) -> None: ...

    def finished(self, what: str, trial: Trial, *, declared: bool = False) -> None: ...


def answered(step: Step) -> Trial:
    one = trial(step.case, step.round, SECONDS[step.case], kind="time")
    return replace(one, kind=step.kind)


def play(found: Any, monkeypatch: pytest.MonkeyPatch) -> AbRunner:
    """A whole run."""
    monkeypatch.setattr(harness.ab.runner, "PairMeasuring", lambda *given: found)
    head = two_sides()
    runner = AbRunner(head, found, found, None, found, Tolerance())  # type: ignore[arg-type]
    runner.instrument = found
    assert runner.run(StoppingRule(contenders(head), 0.02, 20, seed=1)) == found.ended == "complete"
    return runner


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    found = Played()
    play(found, monkeypatch)
    return found


@dataclass
class MissedAgain(Played):
    """Memory is more on the candidate's side, and is not known when it is measured again."""

    def measure(self, base: Step, candidate: Step) -> tuple[Trial, Trial]:
        one, other = super().measure(base, candidate)
        return with_more(one), with_more(other)

    def trial(self, step: Step) -> Trial:
        one = with_more(super().trial(step))
        return one if step.round < MEMORY_BATCHES else replace(one, ledger=None)


def with_more(one: Trial) -> Trial:
    assert one.ledger is not None
    more = Rss(anon_bytes=one.ledger.peak.anon_bytes + 64 * MIB * (one.case == 2))
    return replace(one, ledger=replace(one.ledger, peak=more))


def test_what_no_new_reading_decides_is_not_measured_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = MissedAgain()
    runner = play(found, monkeypatch)
    assert runner._unconfirmed() == [0]
    again = [one for one in found.looks if one.round >= MEMORY_BATCHES]
    assert len(again) == 2 * MOST_LAPS_AGAIN


def test_both_halves_of_a_pair_have_one_luck_and_other_pairs_another(played: Played) -> None:
    seeds = [[step.layout_seed for step in pair] for pair in played.pairs]
    assert all(one == other is not None for one, other in seeds)
    assert len({one for one, _ in seeds}) > len(seeds) / 2
    by_look: dict[tuple[int, int, str], list[int | None]] = {}
    for step in played.looks:
        key = (step.round, step.case % len(STRATEGIES), step.kind)
        by_look.setdefault(key, []).append(step.layout_seed)
    assert all(one == other is not None for one, other in by_look.values())


def test_the_journal_tells_what_flagged_a_case_from_what_confirmed_it(played: Played) -> None:
    sides = [[t for t in played.trials if t.case == case] for case in (1, 3)]
    duets = Duets.of(*sides)
    assert duets is not None
    assert first_word(duets.first, 0.02) == "slower"
    assert len(duets.again) > len(duets.first)
    measured = sum(base.case == 1 for base, _ in played.pairs)
    assert len(duets.first) + len(duets.again) == measured
    same = Duets.of(*([t for t in played.trials if t.case == case] for case in (0, 2)))
    assert same is not None
    assert same.again == ()


def test_no_duet_has_the_round_of_another(played: Played) -> None:
    """Halves find each other by it; none would be missed if two had one."""
    duets = [(one.case, one.round) for one in played.trials if one.kind == "duet"]
    assert len(duets) == 2 * len(played.pairs) == len(set(duets))
