"""Journals as they are measured apart: on other days, in shards, on other machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.journal.lines import CeilingLine, EndLine, Header
from harness.journal.write import Journal
from harness.schema.records import Effort, PlannedCase, Trial
from tests.journals import ENVIRONMENT, ceiling, header, planned, trial

HERE = replace(ENVIRONMENT, machine_id="a machine", boot_id="a boot", git_revision="1a2b")
ELSEWHERE = replace(HERE, cpu_model="Another Processor", machine_id="another", boot_id="b")
CASES = (planned("base", baseline=True), planned("other"))


def measured(cases: int, begin_s: float, *, rounds: int = 3, steady_s: float = 1e-3) -> list[Trial]:
    """Trials with the moments at which they began, a second apart."""
    return [
        replace(
            trial(index, number, steady_s * (1 + index + number / 100)),
            started_s=begin_s + number * cases + index,
        )
        for number in range(rounds + 1)
        for index in range(cases)
    ]


def apart(
    path: Path,
    day: int,
    *,
    cases: Sequence[PlannedCase] = CASES,
    trials: Sequence[Trial] | None = None,
    ended: str = "complete",
    environment: Any = HERE,
    rate: float = 1e9,
    effort: Effort | None = None,
    steady_s: float = 1e-3,
    **plan: Any,
) -> Path:
    """A journal of a day of January, of a seed of its own."""
    whole = header(cases)
    own = replace(whole.plan, seed=day, **plan)
    own = replace(own, effort=effort or own.effort)
    told: Header = replace(
        whole,
        run_id=f"202601{day:02}-000000-{day:06x}",
        created=f"2026-01-{day:02}T00:00:00+00:00",
        plan=own,
        environment=environment,
    )
    with Journal.create(path, told, force=True) as journal:
        journal.append(CeilingLine(1, ceiling("copy", rate)))
        moments = measured(len(cases), day * 86400.0, steady_s=steady_s)
        for one in moments if trials is None else trials:
            journal.append(one)
        if ended:
            journal.append(EndLine(ended))
    return path
