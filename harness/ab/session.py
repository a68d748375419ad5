"""An A/B run from request to plan: both hosts up, and every case planned on either."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from harness.ab.revision import checked_out, commit_of
from harness.ab.spec import SideSpec
from harness.errors import UsageError
from harness.host.environment import available_bytes
from harness.host.host import Host
from harness.journal.lines import Plan, Sides
from harness.planning.plan import Request
from harness.run.runner import HostPool
from harness.run.session import Session, Settings, describe, header_of, plan_cases, scenario_files
from harness.schema.description import ScenarioInfo
from harness.schema.records import DEFAULT_HOST, HostSpec, PlannedCase
from harness.trial.timing.heap_layout import draw_layout

BASE, CANDIDATE = "base", "candidate"


@dataclass(frozen=True)
class SidesToCompare:
    """What is held against what.

    Args:
        base, candidate: the sides.
        build: a shell command to run in each revision that is checked out.
        tolerance: what is no difference, as the user wrote it.
    """

    base: SideSpec
    candidate: SideSpec
    build: str = ""
    tolerance: str = ""


@contextmanager
def open_ab_session(
    sides: SidesToCompare, request: Request, settings: Settings, user_paths: Sequence[Path] = ()
) -> Iterator[Session]:
    """Start both hosts; nothing is written yet.

    Scenarios are those of the current folder for both sides: what is compared is the code that
    they call, and the interpreter.

    Raises:
        FerrybenchError: something asked for does not exist, or a host does not start.
    """
    files = scenario_files(user_paths)
    with ExitStack() as stack:
        specs = [
            _spec(stack, side, name, sides.build)
            for side, name in ((sides.base, BASE), (sides.candidate, CANDIDATE))
        ]
        base, candidate = (Host(spec, files, settings.method) for spec in specs)
        base.layout = candidate.layout = draw_layout(random.Random(settings.seed))
        stack.enter_context(base)
        stack.enter_context(candidate)
        infos = describe(base, files)
        _agree(infos, describe(candidate, files))
        cases = [*_side(base, infos, request), *_side(candidate, infos, request)]
        if not cases:
            raise UsageError(
                "ab cannot compare searches under a limit, ranks, nor hosts that a scenario adds"
            )
        base.preload_scenarios()
        candidate.preload_scenarios()
        pool = HostPool({BASE: base, CANDIDATE: candidate})
        plan = Plan(
            level=request.level,
            seed=settings.seed,
            effort=settings.effort,
            budget_s=settings.budget_s,
            method=base.method,
            hosts=tuple(specs),
            cases=tuple(cases),
            sides=Sides(BASE, CANDIDATE, sides.base.label, sides.candidate.label, sides.tolerance),
        )
        yield Session(header_of(plan, pool, infos), pool)


def _spec(stack: ExitStack, side: SideSpec, name: str, build: str) -> HostSpec:
    if side.revision:
        folder = stack.enter_context(checked_out(side.revision, build))
        return side.host(name, folder, commit_of(side.revision))
    return side.host(name, Path(side.path) if side.path else None)


def _agree(base: Sequence[ScenarioInfo], candidate: Sequence[ScenarioInfo]) -> None:
    """Both sides must see the same strategies, whatever these call."""
    theirs = {info.name: {s.name for s in info.strategies} for info in candidate}
    for info in base:
        missing = {s.name for s in info.strategies} ^ theirs.get(info.name, set())
        if missing:
            names = ", ".join(sorted(missing))
            raise UsageError(f"the sides do not declare the same strategies: {info.name}: {names}")


def _side(host: Host, infos: Sequence[ScenarioInfo], request: Request) -> Iterator[PlannedCase]:
    """Every case on one side, but for searches under a limit, ranks, which cannot take turns, and
    hosts that a scenario adds.
    """
    borrowing = {info.name for info in infos if info.borrows or info.ranks}
    for planned in plan_cases(host, infos, request, available_bytes() // 2):
        case = planned.case
        if case.host == DEFAULT_HOST and case.scenario not in borrowing:
            yield replace(planned, case=replace(case, host=host.spec.name))
