"""Carry out a plan: hosts measure, the journal remembers, a listener is told."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from harness.host.environment import Environment, read_environment, usable_processors
from harness.host.host import Host
from harness.host.inputs import FixtureStore
from harness.journal.lines import CeilingLine, EndLine, Header, Plan
from harness.journal.write import Journal
from harness.planning.case_text import case_text
from harness.planning.deciding import Deciding
from harness.planning.estimate import Estimator
from harness.planning.order import Step, in_random_order, steps_left
from harness.run.ceilings import Ceilings
from harness.run.instrument import Instrument
from harness.run.limit_searches import Searches
from harness.schema.description import ScenarioInfo
from harness.schema.records import TIMED, ContestEffort, Effort, HostSpec, PlannedCase, Trial

CEILINGS_SHARE = 1 / 3
"""Of a budget, for what the machine can do at best: what was asked for comes first."""
CONTEST_LOOKS = (3, 4, 5, 6, 7, 9, 11, 13, 15, 18, 22, 27, 33, 40)
"""Rounds after which a contest may end: fewer and fewer of them, since every look may err."""
FORECAST_EVERY_S = 1.0  # adding up what is left takes milliseconds in a long run


class Listener(Protocol):
    """Is told how a run goes on; the command line shows it as a progress bar."""

    def begin(self, steps: int) -> None:
        """``steps`` trials are about to be run."""

    def working_on(self, what: str, left_s: float) -> None:
        """A trial begins; about ``left_s`` seconds remain."""

    def finished(self, what: str, trial: Trial, *, declared: bool = False) -> None:
        """A trial has ended; ``declared``: as its scenario says that it would."""

    def dropped(self, steps: int) -> None:
        """So many trials need not be run: their case has failed already, or was beaten."""

    def added(self, steps: int) -> None:
        """So many more trials are about to be run, since a contest is open."""


@dataclass
class HostPool:
    """The hosts of a run, by name."""

    hosts: Mapping[str, Host]

    @property
    def between_s(self) -> float:
        """How long the next round's hosts should take to start, by how long the first ones did."""
        renewed = self._renewed()
        at_once = min(len(renewed), usable_processors())
        return sum(host.start_s for host in renewed) / max(1, at_once)

    def _renewed(self) -> list[Host]:
        return [host for host in self.hosts.values() if not host.draws_layouts]

    def next_round(self) -> None:
        """New processes for hosts of which trials would have the layout that they inherit."""
        _start_anew(self._renewed())

    def renew(self, layout: Mapping[str, str]) -> None:
        """New processes for all hosts.

        Args:
            layout: of all alike, see :mod:`harness.trial.timing.heap_layout`.
        """
        for host in self.hosts.values():
            host.layout = layout
        _start_anew(self.hosts.values())

    def environment(self, machine: Environment | None = None) -> Environment:
        """This machine, which is looked at now if that has not been done, and what each host is."""
        facts = {
            name: {
                **host.versions(),
                "env": _told(host.spec),
                "method": host.method,
                "revision": host.spec.revision,
            }
            for name, host in self.hosts.items()
        }
        return replace(machine or read_environment(), hosts=facts)


def _start_anew(hosts: Collection[Host]) -> None:
    for host in hosts:
        host.begin_anew()
    for host in hosts:
        host.finish_anew()


def _told(spec: HostSpec) -> dict[str, str]:
    """A host's environment variables; not the path to a checkout, which is new each time."""
    hidden = {"PYTHONPATH"} if spec.revision else set()
    return {name: value for name, value in spec.env.items() if name not in hidden}


@contextmanager
def open_team(
    specs: Iterable[HostSpec],
    files: Sequence[Path],
    method: str | None,
    *,
    many_trials: bool = False,
) -> Iterator[HostPool]:
    """Start hosts, and end them whatever happens."""
    with ExitStack() as stack:
        hosts = {spec.name: Host(spec, files, method) for spec in specs}
        for host in hosts.values():
            stack.callback(host.close)
            host.many_trials = many_trials
            host.launch()  # all at once, since importing torch takes a second
        for host in hosts.values():
            host.get_ready()
            host.preload_scenarios()
        yield HostPool(hosts)


class Runner:
    """Measures every case of a plan, in rounds.

    Args:
        header: the plan and the scenarios.
        journal: where trials are written as they end.
        pool: hosts, by the names the plan uses.
        fixtures: where inputs come from.
        listener: is told about progress.
        done: trials that an interrupted run already has.
        ceilings: what that run has measured of the machine.
    """

    def __init__(
        self,
        header: Header,
        journal: Journal,
        pool: HostPool,
        fixtures: FixtureStore,
        listener: Listener,
        done: list[Trial] | None = None,
        ceilings: Sequence[CeilingLine] = (),
    ) -> None:
        self.plan: Plan = header.plan
        self.infos: dict[str, ScenarioInfo] = {info.name: info for info in header.scenarios}
        self.journal = journal
        self.pool = pool
        self.fixtures = fixtures
        self.listener = listener
        self.done = done or []
        # An attempt of a search that fails says where the search goes on.
        self.failed = {t.case for t in done or () if not t.outcome.ok and t.kind != "limit"}
        self.slow = {self._strategy(t.case) for t in done or () if t.outcome.name == "timeout"}
        self.put_off: list[Step] = []  # of strategies that have taken too long elsewhere
        self.instrument = Instrument(self.plan, self.infos, pool.hosts, fixtures)
        self.searches = Searches(self.plan.cases, self.infos, done or ())
        self.estimator = Estimator(
            self.plan.cases, self.plan.effort, done or (), between_s=pool.between_s
        )
        self.deciding = Deciding(self.plan.cases, self.infos, self.plan.effort, done or ())
        self.ceilings = Ceilings(self.plan, self.infos, self.done, ceilings)
        self.ceilings_s = 0.0
        self._forecast_at = self._ends_at = float("-inf")

    def run(self) -> str:
        """Measure until everything is done or the budget is spent; returns the reason to stop."""
        started = time.monotonic()
        plan = self.plan
        todo = steps_left(plan.cases, self.infos, plan.effort, plan.seed, self.done)
        self.listener.begin(sum(map(len, todo)))
        reason = self._run([*todo, self.put_off], started)
        self.journal.append(EndLine(reason))
        return reason

    def _run(self, todo: list[list[Step]], started: float) -> str:
        """Round by round, then what was put off; at the end, contests that are open."""
        for number, steps in enumerate(todo):
            waiting = self._waiting(steps)
            self.listener.dropped(len(steps) - len(waiting))
            self._begin_round(number, waiting, started)
            last = steps is self.put_off
            if not self._round(waiting, todo[number + 1 :], started, last=last):
                return "budget"
        self._decide(started)
        # What was faster than its ceiling in the last round says that the machine has changed.
        self._measure_ceilings(len(todo), started, probe=False)
        return "complete"

    def _waiting(self, steps: Iterable[Step]) -> list[Step]:
        """Without those of cases that have failed, or need not be timed again."""
        return [step for step in steps if not self._is_spared(step)]

    def _is_spared(self, step: Step) -> bool:
        if step.case in self.failed:
            return True
        return step.kind in TIMED and self.deciding.spares(step.case)

    def _round(
        self,
        waiting: Sequence[Step],
        later: Sequence[Sequence[Step]],
        started: float,
        *,
        last: bool = False,
    ) -> bool:
        """Take the steps of a round; False when the budget was spent before its end.

        Args:
            waiting: the steps.
            later: those of the rounds to come.
            started: when the run was.
            last: whether nothing comes after them that a step may be put off for.
        """
        for position, step in enumerate(waiting):
            if self._passed_over(step, last=last):
                continue
            spent_s = time.monotonic() - started
            if self.plan.budget_s and spent_s + self.estimator.one_s(step) > self.plan.budget_s:
                return False
            left = [waiting[position:], *later]
            self.listener.working_on(self._what(step), self._left_s(left, spent_s))
            if step.kind != "limit":
                self._measure(step)
            elif not self._search(step, started):
                return False
        return True

    def _decide(self, started: float) -> None:
        """More rounds of contests that are open, as far as they should end in the time there is."""
        number = self.deciding.last_round
        while lap := self.deciding.lap(self._time_s, self._contests_s(started)):
            for cases in lap:
                number += 1
                groups = [[Step(case, "time", number) for case in group] for group in cases]
                waiting = self._waiting(in_random_order(groups, self.plan.seed, number))
                self.listener.added(len(waiting))
                began = time.monotonic()
                self.pool.next_round()
                self.estimator.learn_round(time.monotonic() - began)
                if not self._round(waiting, [], started, last=True):
                    return

    def _time_s(self, case: int) -> float:
        return self.estimator.one_s(Step(case, "time", 0))

    def _contests_s(self, started: float, to_come_s: float = 0.0) -> float:
        """How long contests that are open may still take."""
        allowed_s = self.deciding.allowed_s(self._time_s, to_come_s)
        if not self.plan.budget_s:
            return allowed_s
        return min(allowed_s, self.plan.budget_s - (time.monotonic() - started))

    def _begin_round(self, number: int, waiting: Sequence[Step], started: float) -> None:
        """New hosts where layouts cannot be drawn, and what the machine can do at best.

        Trials of the first round tell what the ceilings are to be of.
        """
        if not waiting:
            return
        began = time.monotonic()
        if number:
            self.pool.next_round()
            self.estimator.learn_round(time.monotonic() - began)
        if any(step.kind in TIMED for step in waiting):
            self._measure_ceilings(number, started, probe=self.ceilings_s > 0)

    def _measure_ceilings(self, number: int, started: float, *, probe: bool) -> None:
        """They count towards a budget, of which they take a part at most."""
        # A calibration is about time alone, and says nothing of a machine's limits; nor is there
        # anything to hold against them where no time is measured.
        if self.plan.calibration_runs or not self.plan.effort.trials:
            return
        allowed_s = math.inf
        if self.plan.budget_s:
            left_s = self.plan.budget_s - (time.monotonic() - started)
            allowed_s = min(CEILINGS_SHARE * self.plan.budget_s - self.ceilings_s, left_s)
        began = time.monotonic()
        host = self.pool.hosts[self.plan.hosts[0].name]
        if probe and allowed_s > 0:
            for line in self.ceilings.probe(host, self.fixtures, number):
                self.journal.append(line)
        if self.ceilings.wanted:
            self.listener.working_on("ceilings of this machine", math.nan)
            for line in self.ceilings.measure(host, self.fixtures, number, allowed_s):
                self.journal.append(line)
        self.ceilings_s += time.monotonic() - began

    def _left_s(self, rounds: Sequence[Sequence[Step]], spent_s: float) -> float:
        now = time.monotonic()
        if now - self._forecast_at > FORECAST_EVERY_S:
            self._forecast_at = now
            waiting = [self._waiting(steps) for steps in rounds]
            total_s = self.estimator.total_s(waiting) + self._further_s(waiting)
            if any(step.kind in TIMED for steps in rounds[1:] for step in steps):
                total_s += self.ceilings.expected_s()
            left_s = self.plan.budget_s - spent_s if self.plan.budget_s else total_s
            self._ends_at = now + min(total_s, left_s)
        return max(0.0, self._ends_at - now)

    def _further_s(self, waiting: Sequence[Sequence[Step]]) -> float:
        """What contests should take beyond the steps that are waiting."""
        timed = [step for steps in waiting for step in steps if step.kind in TIMED]
        to_come_s = math.fsum(map(self.estimator.one_s, timed))
        planned = any(step.round <= self.plan.effort.trials for step in timed)
        return self.deciding.further_s(self._time_s, to_come_s, planned=planned)

    def _passed_over(self, step: Step, *, last: bool) -> bool:
        """Whether a step is put off, or not taken at all.

        A strategy that took too long at one point may do so at every other, and each costs the
        whole of its limit: all the rest is measured first.
        """
        if last:
            spared = self._is_spared(step)
            if spared:
                self.listener.dropped(1)
            return spared
        if self._strategy(step.case) in self.slow:
            self.put_off.append(step)
            return True
        return False

    def _case(self, step: Step) -> PlannedCase:
        return self.plan.cases[step.case]

    def _what(self, step: Step) -> str:
        case = self._case(step).case
        return case_text(case, self.infos[case.scenario])

    def _strategy(self, case: int) -> tuple[str, str]:
        planned = self.plan.cases[case].case
        return planned.scenario, planned.strategy

    def _measure(self, step: Step) -> None:
        planned, began = self._case(step), time.monotonic()
        trial = self.instrument.trial(step)
        self.journal.append(trial)
        self.ceilings.note(trial)
        self.deciding.note(trial)
        self.estimator.learn(trial, time.monotonic() - began)
        if not trial.outcome.ok:
            self.failed.add(step.case)
        if trial.outcome.name == "timeout":
            self.slow.add(self._strategy(step.case))
        self.listener.finished(self._what(step), trial, declared=planned.refuses_by(trial.outcome))

    def _search(self, step: Step, started: float) -> bool:
        """Find the largest size that a case survives; False when the budget was spent before.

        Each attempt is a trial of its own, so that one at most is lost.
        """
        began = time.monotonic()
        while (bound := self.searches.next_bound(step.case)) is not None:
            if self.plan.budget_s and time.monotonic() - started > self.plan.budget_s:
                return False
            attempt = Step(step.case, "limit", self.searches.number(step.case))
            trial = self.instrument.trial(attempt, bound)
            self.journal.append(trial)
            self.searches.note(trial)
        whole = self.searches.whole(step.case)
        # Most of it goes into inputs of ever new sizes, which no other step has to make.
        self.estimator.learn(replace(whole, wall_s=time.monotonic() - began))
        self.listener.finished(self._what(step), whole)
        return True


def default_effort(level: str) -> Effort:
    """Processes per case and time per process, by level of sweep."""
    return {
        "quick": Effort(
            trials=3,
            steady_s=0.02,
            min_samples=3,
            max_samples=20,
            contests=ContestEffort(CONTEST_LOOKS, extra_share=0.75),
        ),
        "usual": Effort(
            trials=5, steady_s=0.2, contests=ContestEffort(CONTEST_LOOKS, extra_share=0.0)
        ),
        "full": Effort(
            trials=10,
            steady_s=0.5,
            timeout_s=600.0,  # gigabytes take their time
            contests=ContestEffort(CONTEST_LOOKS, extra_share=0.0),
        ),
    }[level]
