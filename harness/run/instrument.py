"""One trial, from a planned case to its record: inputs, what a host is asked, and what it said."""

from __future__ import annotations

import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness.host.answers import answer_as
from harness.host.environment import available_bytes, usable_processors
from harness.host.host import OBSERVED_FOR, Host, Report, killed_for_memory
from harness.host.inputs import FixtureStore
from harness.journal.lines import Plan
from harness.planning.borrowing import source_case, source_of
from harness.planning.forecast import forecast_bytes, too_big
from harness.planning.order import Step
from harness.schema.description import ScenarioInfo
from harness.schema.records import Found, HostSpec, Limit, Outcome, PlannedCase, Trial
from harness.schema.request import DuetRequest, LimitRequest, TrialRequest


@dataclass(frozen=True)
class Started:
    """A trial that was begun."""

    step: Step
    bound: LimitRequest | None
    started_s: float
    begin: float

    def ended(self, found: Found, reaped: int = 0) -> Trial:
        """The trial: what was found out, and what is known from outside."""
        return Trial(
            case=self.step.case,
            kind=self.step.kind,
            round=self.step.round,
            started_s=self.started_s,
            wall_s=time.perf_counter() - self.begin,
            reaped=reaped,
            **vars(found),
        )

    def failed(self, outcome: Outcome, report: Report | None = None) -> Trial:
        """The trial, of which nothing but this is known."""
        if report is None:
            return self.ended(Found(outcome=outcome, limit=_limit(self.bound)))
        payload_bytes = report.noted.get("payload_bytes", 0)
        limit = _limit(self.bound, report.noted)
        found = Found(outcome=outcome, payload_bytes=payload_bytes, limit=limit)
        return self.ended(found, report.reaped)


@dataclass(frozen=True)
class Asked(Started):
    """A trial that can begin: what a host is to be asked."""

    host: str
    request: TrialRequest


@dataclass
class Instrument:
    """Runs single trials of a plan.

    Args:
        plan: the run's.
        infos: scenarios by name.
        hosts: by name.
        fixtures: where inputs come from.
    """

    plan: Plan
    infos: Mapping[str, ScenarioInfo]
    hosts: Mapping[str, Host]
    fixtures: FixtureStore

    def trial(self, step: Step, bound: LimitRequest | None = None) -> Trial:
        """Run one trial; under a limit, where it is an attempt of a search."""
        asked = self.prepare(step, bound)
        if isinstance(asked, Trial):
            return asked
        with self.fixtures.clean_scratch():
            return self.carry_out(asked)

    def prepare(self, step: Step, bound: LimitRequest | None = None) -> Asked | Trial:
        """Have a trial's inputs made; where there can be none, the trial is over."""
        planned = self.plan.cases[step.case]
        info = self.infos[planned.case.scenario]
        source = source_of(info, info.strategy(planned.case.strategy))
        case = source_case(info, planned.case, bound.size_bytes if bound else None)
        started = Started(step, bound, time.time(), time.perf_counter())
        shortage = too_big(_forecast(planned, bound), available_bytes())
        if shortage:
            return started.failed(Outcome("skipped", shortage))
        timeout_s = self.plan.effort.timeout_s
        # Inputs are the same for all hosts, so the plainest one makes them.
        maker = self.hosts[self.plan.hosts[0].name]
        fixture, made = self.fixtures.get(maker, source, case, timeout_s)
        tiny, _ = self.fixtures.get_tiny(maker, source, case, timeout_s)
        if not made.ok:
            return started.failed(made)
        request = TrialRequest(
            path=source.path,
            scenario=case.scenario,
            parameters=dict(case.parameters),
            strategy=case.strategy,
            kind=step.kind,
            effort=self.plan.effort,
            threads=threads_for(case.parameters, self.hosts[case.host].spec),
            fixture=str(fixture),
            tiny_fixture=str(tiny),
            folder=str(self.fixtures.scratch),
            bound=bound,
            layout_seed=None if bound else self._layout_seed(step),
        )
        # Making inputs is no part of the trial.
        begin = time.perf_counter()
        return Asked(step, bound, started.started_s, begin, case.host, request)

    def _layout_seed(self, step: Step) -> int:
        """One for all trials of a round, so that those which are compared share their luck."""
        if step.layout_seed is not None:
            return step.layout_seed
        return zlib.crc32(f"{self.plan.seed}/{step.round}".encode())

    def carry_out(self, asked: Asked, duet: DuetRequest | None = None) -> Trial:
        """Have a host run a trial that was prepared; as half of a duet, if it is one.

        Raises:
            UnableError: what the trial says is not known here.
        """
        timeout_s = self.plan.effort.timeout_s
        report = self.hosts[asked.host].call(
            replace(asked.request, duet=duet),
            timeout_s,
            observe=OBSERVED_FOR.get(asked.step.kind, ""),
            grouped=asked.bound is not None and asked.bound.limit == "cgroup",
        )
        if report.answer is None:
            return asked.failed(report.failure(timeout_s), report)
        found = answer_as(Found, report.answer)
        if report.kills and not found.outcome.ok:  # one of its workers was
            found.outcome = killed_for_memory(found.outcome.where)
        return asked.ended(found, report.reaped)


def _forecast(planned: PlannedCase, bound: LimitRequest | None) -> int:
    """What a trial would need if nothing limited it."""
    if bound is None:
        return planned.forecast_bytes
    return forecast_bytes(bound.size_bytes, planned.expected_copies)


def _limit(bound: LimitRequest | None, noted: Mapping[str, Any] | None = None) -> Limit | None:
    """What is known of an attempt that gave no answer, with what it has noted on its page."""
    if bound is None:
        return None
    page = noted or {}
    return Limit(
        limit=bound.limit,
        budget_bytes=bound.budget_bytes,
        base_bytes=page.get("base_bytes", 0),
        size_bytes=bound.size_bytes,
        stage=page.get("stage", ""),
        held_bytes=page.get("held_bytes"),
    )


def threads_for(parameters: Mapping[str, Any], spec: HostSpec) -> int:
    """How many threads torch is told to use; 0 leaves that to the host's environment."""
    if "OMP_NUM_THREADS" in spec.env:
        return 0
    wanted = parameters.get("threads", 1)
    return usable_processors() if wanted == "all" else int(wanted)
