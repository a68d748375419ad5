"""Scenarios as benchmarks: planned once, measured in trials of a host, timed in this process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.host.closing import Closing
from harness.host.host import Host
from harness.host.inputs import FixtureStore
from harness.journal.lines import Plan
from harness.planning.order import Step
from harness.run.instrument import Instrument
from harness.run.session import describe, plan_cases
from harness.schema.records import Effort, HostSpec, Trial
from harness.schema.request import TrialRequest
from tests.benchmarks.scenario_cases import Choice, Named, chosen_cases, not_here, request

SEED = 1
EFFORT = Effort(trials=1, steady_s=0.0)
NO_LIMIT = 2**62
"""So much memory is free while cases are chosen: every worker of a session chooses the same."""


class ScenarioBenchmarks(Closing):
    """One host for a session of pytest, and the cases that were chosen.

    Raises:
        FerrybenchError: the host does not start, or a scenario cannot be used.
    """

    def __init__(self, files: Sequence[Path], choice: Choice) -> None:
        self._host = Host(HostSpec(), files)
        self._fixtures: FixtureStore | None = None
        try:
            self._host.start()
            infos = describe(self._host, files)
            planned = plan_cases(self._host, infos, request(infos, choice), NO_LIMIT)
            self.cases = chosen_cases(infos, planned, choice)
            self._host.preload_scenarios()
            self._fixtures = FixtureStore(SEED)
        except BaseException:
            self.close()
            raise
        self.infos = {info.name: info for info in infos}
        cases = tuple(named.planned for named in self.cases)
        plan = Plan(choice, SEED, EFFORT, 0.0, self._host.method, (self._host.spec,), cases)
        hosts = {self._host.spec.name: self._host}
        self._instrument = Instrument(plan, self.infos, hosts, self._fixtures)

    def isolated(self, index: int) -> Trial:
        """The memory of a case, in a fresh process; of its process tree where that is asked."""
        planned = self.cases[index].planned
        tree = planned.tree and self.infos[planned.case.scenario].weighs == "memory"
        return self._instrument.trial(Step(index, "tree" if tree else "memory", 0))

    def not_here(self, named: Named) -> str:
        """Why a case cannot be timed in this process; empty where it can."""
        return not_here(named.planned, self.infos[named.planned.case.scenario])

    def assignment(self, named: Named) -> Any:
        """What a trial that times the case would be told: an Assignment.

        It is made here and not in a host, which takes importing torch.
        """
        from harness.trial.base.request import TrialTask

        assert self._fixtures is not None
        case = named.planned.case
        info = self.infos[case.scenario]
        fixture, _ = self._fixtures.get(self._host, info, case, EFFORT.timeout_s)
        tiny, _ = self._fixtures.get_tiny(self._host, info, case, EFFORT.timeout_s)
        return TrialTask.of(
            TrialRequest(
                path=info.path,
                scenario=case.scenario,
                parameters=dict(case.parameters),
                strategy=case.strategy,
                kind="time",
                effort=EFFORT,
                threads=0,
                fixture=str(fixture),
                tiny_fixture=str(tiny),
                folder=str(self._fixtures.scratch),
            )
        )

    def published(self, named: Named) -> str:
        """Where the case's strategy was printed, if it is kept as published, right or wrong."""
        case = named.planned.case
        return self.infos[case.scenario].strategy(case.strategy).published

    def close(self) -> None:
        self._host.close()
        if self._fixtures is not None:
            self._fixtures.close()
