"""Runs single trials of the scenarios in ``tests/trial/misbehaving.py``."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.host.host import Host, Report
from harness.schema.records import Effort, Outcome, TrialKind, Value
from harness.schema.request import InputsRequest, LimitRequest, Observed, TrialRequest

MISBEHAVING = Path(__file__).parent / "trial" / "misbehaving.py"
BRIEF = Effort(trials=1, steady_s=0.01)


@dataclass
class Lab:
    """Runs strategies of one scenario on one host."""

    host: Host
    folder: Path
    file: Path
    scenario: str

    def inputs(self, parameters: dict[str, Value]) -> str:
        made = self.folder / f"{self.scenario}-{hash(tuple(parameters.items()))}.bin"
        if not made.exists():
            self.host.ask(InputsRequest(str(self.file), self.scenario, parameters, 1, str(made)))
        return str(made)

    def measure(
        self,
        strategy: str,
        *,
        kind: TrialKind = "probe",
        timeout_s: float = 30.0,
        observe: Observed = "",
        effort: Effort = BRIEF,
        bound: LimitRequest | None = None,
        **parameters: Value,
    ) -> Report:
        request = TrialRequest(
            path=str(self.file),
            scenario=self.scenario,
            parameters=parameters,
            strategy=strategy,
            kind=kind,
            effort=effort,
            threads=1,
            fixture=self.inputs(parameters),
            tiny_fixture=self.inputs({**parameters, "size": 4096} if parameters else {}),
            folder=str(self.folder / "scratch"),
            bound=bound,
        )
        shutil.rmtree(self.folder / "scratch", ignore_errors=True)
        grouped = bound is not None and bound.limit == "cgroup"
        return self.host.call(request, timeout_s, observe=observe, grouped=grouped)

    def record(self, strategy: str, **options: Any) -> dict[str, Any]:
        """What the trial found out; it must have answered."""
        report = self.measure(strategy, **options)
        assert report.answer is not None, report
        return report.answer

    def outcome(self, strategy: str, *, timeout_s: float = 30.0, **options: Any) -> Outcome:
        report = self.measure(strategy, timeout_s=timeout_s, **options)
        if report.answer is None:
            return report.failure(timeout_s)
        return Outcome(**report.answer["outcome"])
