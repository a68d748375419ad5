"""One trial, from a planned case to its record: inputs, what a host is asked, and what it said."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import msgspec

from harness.host.environment import available_bytes, usable_processors
from harness.host.host import OBSERVED_FOR, Host, Report, killed_for_memory
from harness.host.inputs import FixtureStore
from harness.journal.lines import Plan
from harness.planning.borrowing import source_case, source_of
from harness.planning.forecast import forecast_bytes, too_big
from harness.planning.order import Step
from harness.schema.description import ScenarioInfo
from harness.schema.records import Case, HostSpec, Limit, Outcome, PlannedCase, Trial
from harness.trial.limit.memory_limit import LimitRequest
from harness.trial.timing.duet import Duet


@dataclass(frozen=True)
class Asked:
    """A trial that can begin: what a host is to be asked."""

    step: Step
    bound: LimitRequest | None
    host: str
    started_s: float
    begin: float
    request: Mapping[str, Any] = field(default_factory=dict)

    def ended(self, outcome: Outcome, **fields: Any) -> Trial:
        """The trial, as far as it is known from outside."""
        return Trial(
            case=self.step.case,
            kind=self.step.kind,
            round=self.step.round,
            outcome=outcome,
            started_s=self.started_s,
            wall_s=time.perf_counter() - self.begin,
            **fields,
        )


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
        asked = Asked(step, bound, case.host, time.time(), time.perf_counter())
        shortage = too_big(_forecast(planned, bound), available_bytes())
        if shortage:
            return asked.ended(Outcome("skipped", shortage), limit=_limit(bound))
        timeout_s = self.plan.effort.timeout_s
        # Inputs are the same for all hosts, so the plainest one makes them.
        maker = self.hosts[self.plan.hosts[0].name]
        fixture, made = self.fixtures.get(maker, source, case, timeout_s)
        tiny, _ = self.fixtures.get_tiny(maker, source, case, timeout_s)
        if not made.ok:
            return asked.ended(made, limit=_limit(bound))
        request = {
            **self._request(source, case, step),
            "fixture": str(fixture),
            "tiny_fixture": str(tiny),
            "bound": asdict(bound) if bound else None,
        }
        # Making inputs is no part of the trial.
        return replace(asked, begin=time.perf_counter(), request=request)

    def carry_out(self, asked: Asked, duet: Duet | None = None) -> Trial:
        """Have a host run a trial that was prepared; as half of a duet, if it is one."""
        timeout_s = self.plan.effort.timeout_s
        bound = asked.bound
        report = self.hosts[asked.host].call(
            "measure",
            {**asked.request, "duet": asdict(duet) if duet else None},
            timeout_s,
            observe=OBSERVED_FOR.get(asked.step.kind, ""),
            grouped=bound is not None and bound.limit == "cgroup",
        )
        if report.answer is None:
            return asked.ended(
                report.failure(timeout_s),
                reaped=report.reaped,
                payload_bytes=report.noted.get("payload_bytes", 0),
                limit=_limit(bound, report),
            )
        return _record(asked.ended(Outcome("ok")), report)

    def _request(self, info: ScenarioInfo, case: Case, step: Step) -> dict[str, Any]:
        return {
            "path": info.path,
            "scenario": case.scenario,
            "strategy": case.strategy,
            "parameters": dict(case.parameters),
            "threads": threads_for(case.parameters, self.hosts[case.host].spec),
            "effort": asdict(self.plan.effort),
            "kind": step.kind,
            "folder": str(self.fixtures.scratch),
            "heap_offset_bytes": step.heap_offset_bytes,
        }


def _forecast(planned: PlannedCase, bound: LimitRequest | None) -> int:
    """What a trial would need if nothing limited it."""
    if bound is None:
        return planned.forecast_bytes
    return forecast_bytes(bound.size_bytes, planned.expected_copies)


def _limit(bound: LimitRequest | None, report: Report | None = None) -> Limit | None:
    """What is known of an attempt that gave no answer."""
    if bound is None:
        return None
    noted = report.noted if report else {}
    return Limit(
        limit=bound.limit,
        budget_bytes=bound.budget_bytes,
        base_bytes=noted.get("base_bytes", 0),
        size_bytes=bound.size_bytes,
        stage=noted.get("stage", ""),
        held_bytes=noted.get("held_bytes"),
    )


def _record(trial: Trial, report: Report) -> Trial:
    """The trial as the runner knows it, with what its process found out."""
    measured = msgspec.convert({**msgspec.to_builtins(trial), **(report.answer or {})}, Trial)
    if report.kills and not measured.outcome.ok:  # one of its workers was
        measured = replace(measured, outcome=killed_for_memory(measured.outcome.where))
    return replace(measured, reaped=report.reaped)


def threads_for(parameters: Mapping[str, Any], spec: HostSpec) -> int:
    """How many threads torch is told to use; 0 leaves that to the host's environment."""
    if "OMP_NUM_THREADS" in spec.env:
        return 0
    wanted = parameters.get("threads", 1)
    return usable_processors() if wanted == "all" else int(wanted)
