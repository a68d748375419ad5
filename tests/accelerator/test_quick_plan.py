"""How many processes the quick sweep of the device scenarios takes: each makes a context."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from harness.host.host import Host
from harness.planning.estimate import ON_DEVICE_S, Estimator
from harness.planning.order import rounds
from harness.planning.plan import Request
from harness.run.runner import default_effort
from harness.run.session import describe, plan_cases
from harness.scenario.discover import built_in_files
from harness.schema.request import TaskRequest
from harness.trial.device import accelerator
from harness.trial.tasks import TASKS, Provided

DOCUMENT = Path(__file__).parents[2] / "docs/accelerators.md"
TRANSFERS = ("host_to_device", "device_to_host", "device_training")


def test_the_document_says_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accelerator, "why_none", lambda: "")
    found = torch.device("cuda")
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: found)

    def ask(request: TaskRequest) -> dict[str, Any]:
        return TASKS[request.task].do(request, Provided())

    host = cast("Host", SimpleNamespace(ask=ask, watches_trees=True))
    infos = describe(host, built_in_files())
    cases = plan_cases(host, infos, Request(TRANSFERS, "quick"), 1 << 37)
    assert all(case.on_device and not case.skip for case in cases)
    by_name = {info.name: info for info in infos}
    effort = default_effort("quick")
    steps = [step for one in rounds(cases, by_name, effort, 1) for step in one]
    said = re.search(r"quick sweep: (\d+) processes", DOCUMENT.read_text())
    assert said is not None
    assert int(said[1]) == len(steps)
    assert f"rounds of {len(cases)} cases" in DOCUMENT.read_text()
    # And the forecast counts their contexts before any has been seen.
    samples_s = sum(effort.steady_s for step in steps if step.kind == "time")
    told_s = Estimator(cases, effort).total_s([steps])
    assert told_s == pytest.approx(len(steps) * ON_DEVICE_S + samples_s)
