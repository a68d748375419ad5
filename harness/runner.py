"""Carry out a plan: hosts measure, the journal remembers, a listener is told."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import msgspec

from harness.ceilings import measure_ceilings
from harness.description import ScenarioInfo
from harness.environment import Environment, available_bytes, read_environment, usable_processors
from harness.estimate import Estimator
from harness.fixtures import FixtureStore
from harness.forecast import too_big
from harness.host import OBSERVED, Host, Report
from harness.journal import EndLine, Header, Journal, Plan
from harness.model import Effort, HostSpec, Outcome, PlannedCase, Trial
from harness.order import Step, rounds

FORECAST_EVERY_S = 1.0  # adding up what is left takes milliseconds in a long run


class Listener(Protocol):
    """Is told how a run goes on; the command line shows it as a progress bar."""

    def begin(self, steps: int) -> None:
        """``steps`` trials are about to be run."""

    def working_on(self, what: str, left_s: float) -> None:
        """A trial begins; about ``left_s`` seconds remain."""

    def finished(self, planned: PlannedCase, trial: Trial) -> None:
        """A trial has ended."""

    def dropped(self, steps: int) -> None:
        """So many trials need not be run: their case has failed already."""


@dataclass
class Team:
    """The hosts of a run, by name."""

    hosts: Mapping[str, Host]

    def environment(self) -> Environment:
        """This machine and what each host is."""
        facts = {
            name: {
                **host.ask("versions", {}),
                "env": dict(host.spec.env),
                "method": host.method,
            }
            for name, host in self.hosts.items()
        }
        return read_environment(facts)


@contextmanager
def open_team(
    specs: Iterable[HostSpec], files: Sequence[Path], method: str | None
) -> Iterator[Team]:
    """Start hosts, and end them whatever happens."""
    with ExitStack() as stack:
        hosts = {}
        for spec in specs:
            host = stack.enter_context(Host(spec, files, method))
            host.preload_scenarios()
            hosts[spec.name] = host
        yield Team(hosts)


class Runner:
    """Measures every case of a plan, in rounds.

    Args:
        header: the plan and the scenarios.
        journal: where trials are written as they end.
        team: hosts, by the names the plan uses.
        fixtures: where inputs come from.
        listener: is told about progress.
        done: trials that an interrupted run already has.
    """

    def __init__(
        self,
        header: Header,
        journal: Journal,
        team: Team,
        fixtures: FixtureStore,
        listener: Listener,
        done: list[Trial] | None = None,
    ) -> None:
        self.plan: Plan = header.plan
        self.infos: dict[str, ScenarioInfo] = {info.name: info for info in header.scenarios}
        self.machine = header.environment
        self.journal = journal
        self.team = team
        self.fixtures = fixtures
        self.listener = listener
        self.done = {(trial.case, trial.round, trial.kind) for trial in done or ()}
        self.failed = {trial.case for trial in done or () if not trial.outcome.ok}
        self.estimator = Estimator(self.plan.cases, done or ())
        self._forecast_at = self._ends_at = float("-inf")

    def run(self) -> str:
        """Measure until everything is done or the budget is spent; returns the reason to stop.

        Raises:
            KeyboardInterrupt: the user stopped it; the journal says so and can be continued.
        """
        started = time.monotonic()
        plan = self.plan
        todo = [
            [step for step in steps if (step.case, step.round, step.kind) not in self.done]
            for steps in rounds(plan.cases, self.infos, plan.effort.trials, plan.seed)
        ]
        self.listener.begin(sum(map(len, todo)))
        try:
            reason = self._run(todo, started)
        except KeyboardInterrupt:
            self.journal.append(EndLine("interrupted"))
            raise
        self.journal.append(EndLine(reason))
        return reason

    def _run(self, todo: list[list[Step]], started: float) -> str:
        for number, steps in enumerate(todo):
            waiting = [step for step in steps if step.case not in self.failed]
            self.listener.dropped(len(steps) - len(waiting))
            if any(not self.infos[self._case(step).case.scenario].probe for step in waiting):
                self.listener.working_on("ceilings of this machine", float("nan"))
                host = self.team.hosts[self.plan.hosts[0].name]
                for line in measure_ceilings(host, self.plan, self.machine, number):
                    self.journal.append(line)
            for position, step in enumerate(waiting):
                spent_s = time.monotonic() - started
                if self.plan.budget_s and (
                    spent_s + self.estimator.one_s(step) > self.plan.budget_s
                ):
                    return "budget"
                left = itertools.chain(waiting[position:], *todo[number + 1 :])
                self.listener.working_on(self._case(step).case.key, self._left_s(left, spent_s))
                self._measure(step)
        return "complete"

    def _left_s(self, steps: Iterable[Step], spent_s: float) -> float:
        now = time.monotonic()
        if now - self._forecast_at > FORECAST_EVERY_S:
            self._forecast_at = now
            total_s = self.estimator.total_s(s for s in steps if s.case not in self.failed)
            left_s = self.plan.budget_s - spent_s if self.plan.budget_s else total_s
            self._ends_at = now + min(total_s, left_s)
        return max(0.0, self._ends_at - now)

    def _case(self, step: Step) -> PlannedCase:
        return self.plan.cases[step.case]

    def _measure(self, step: Step) -> None:
        planned = self._case(step)
        trial = self._trial(step, planned)
        self.journal.append(trial)
        self.estimator.learn(trial)
        if not trial.outcome.ok:
            self.failed.add(step.case)
        self.listener.finished(planned, trial)

    def _trial(self, step: Step, planned: PlannedCase) -> Trial:
        case, effort = planned.case, self.plan.effort
        started_s = time.time()
        begin = time.perf_counter()

        def ended(outcome: Outcome, **fields: Any) -> Trial:
            return Trial(
                case=step.case,
                kind=step.kind,
                round=step.round,
                outcome=outcome,
                started_s=started_s,
                wall_s=time.perf_counter() - begin,
                **fields,
            )

        shortage = too_big(planned.forecast_bytes, available_bytes())
        if shortage:
            return ended(Outcome("skipped", shortage))
        info = self.infos[case.scenario]
        # Inputs are the same for all hosts, so the plainest one makes them.
        maker = self.team.hosts[self.plan.hosts[0].name]
        fixture, made = self.fixtures.get(maker, info, case, effort.timeout_s)
        tiny, _ = self.fixtures.get_tiny(maker, info, case, effort.timeout_s)
        if not made.ok:
            return ended(made)
        request = {
            "path": info.path,
            "scenario": case.scenario,
            "strategy": case.strategy,
            "parameters": dict(case.parameters),
            "threads": threads_for(case.parameters, self.team.hosts[case.host].spec),
            "effort": asdict(effort),
            "kind": step.kind,
            "fixture": str(fixture),
            "tiny_fixture": str(tiny),
            "folder": str(self.fixtures.scratch),
        }
        host = self.team.hosts[case.host]
        observe = OBSERVED.get(step.kind, "")
        begin = time.perf_counter()  # making inputs is no part of the trial
        with self.fixtures.clean_scratch():
            report = host.call("measure", request, effort.timeout_s, observe=observe)
        if report.answer is None:
            return ended(report.failure(effort.timeout_s), reaped=report.reaped)
        return _record(ended(Outcome("ok")), report)


def _record(trial: Trial, report: Report) -> Trial:
    """The trial as the runner knows it, with what its process found out."""
    measured = msgspec.convert({**msgspec.to_builtins(trial), **(report.answer or {})}, Trial)
    return replace(measured, reaped=report.reaped)


def threads_for(parameters: Mapping[str, Any], spec: HostSpec) -> int:
    """How many threads torch is told to use; 0 leaves that to the host's environment."""
    if "OMP_NUM_THREADS" in spec.env:
        return 0
    wanted = parameters.get("threads", 1)
    return usable_processors() if wanted == "all" else int(wanted)


def default_effort(level: str) -> Effort:
    """Processes per case and time per process, by level of sweep."""
    return {
        "quick": Effort(trials=3, steady_s=0.02, min_samples=3, max_samples=20),
        "usual": Effort(trials=5, steady_s=0.2),
        "full": Effort(trials=10, steady_s=0.5),
    }[level]
