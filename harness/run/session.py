"""One run from request to journal: start hosts, ask them, plan, measure; or take a run up again."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from harness.errors import UsageError
from harness.host.answers import answer_as
from harness.host.environment import (
    Environment,
    available_bytes,
    python_text,
    read_environment,
)
from harness.host.host import Host
from harness.host.inputs import FixtureStore
from harness.journal.lines import Header, Plan, ResumeLine, Run
from harness.journal.paths import located
from harness.journal.write import Journal, says_when_interrupted
from harness.planning.borrowing import resolve, source_case, source_of
from harness.planning.forecast import complete
from harness.planning.limit_search import step_bytes
from harness.planning.plan import Request, expand, needed_hosts
from harness.run.limit_searches import TYPICAL_BASE
from harness.run.runner import HostPool, Listener, Runner, open_team
from harness.scenario.discover import (
    ScenarioLoadError,
    built_in_files,
    entry_point_files,
    module_files,
)
from harness.schema.description import ScenarioInfo
from harness.schema.records import Case, Effort, HostSpec, PlannedCase
from harness.schema.request import (
    CaseQuestion,
    DescribeRequest,
    EvaluateRequest,
    Facts,
    UnderLimit,
)

MANY_TRIALS = 100
"""Of a host, from which on making each 10 ms shorter pays."""


@dataclass(frozen=True)
class Settings:
    """How a run is carried out, beside what it measures."""

    effort: Effort
    seed: int
    budget_s: float = 0.0
    method: str | None = None
    calibration_runs: int = 0  # see Plan


def scenario_files(user_paths: Sequence[Path]) -> list[Path]:
    """Every scenario module: the built-in ones, those of installed packages, the user's own.

    Raises:
        UsageError: a path without scenarios.
    """
    try:
        own = [file for path in user_paths for file in module_files(path)]
        return list(dict.fromkeys([*built_in_files(), *entry_point_files(), *own]))
    except ScenarioLoadError as error:
        raise UsageError(str(error)) from error


def describe(host: Host, files: Sequence[Path]) -> list[ScenarioInfo]:
    """Have a host import scenario modules and say what is in them.

    Raises:
        UsageError: one of them cannot be used, or two scenarios have one name.
    """
    answer = host.ask(DescribeRequest(tuple(str(file) for file in files)))
    infos = answer_as(list[ScenarioInfo], answer["scenarios"])
    seen: dict[str, ScenarioInfo] = {}
    for info in infos:
        if info.name in seen:
            raise UsageError(
                f"two scenarios are named {info.name}: {seen[info.name].path} and {info.path}"
            )
        seen[info.name] = info
    return resolve(infos)


def plan_cases(
    host: Host, infos: Sequence[ScenarioInfo], request: Request, free_bytes: int
) -> list[PlannedCase]:
    """Expand a request and have a host evaluate what only the scenarios' code can tell."""
    planned = expand(infos, request)
    by_name = {info.name: info for info in infos}
    asked = tuple(_question(by_name[one.case.scenario], one.case) for one in planned)
    answer = host.ask(EvaluateRequest(asked))
    facts = answer_as(list[Facts], answer["facts"])
    if not host.watches_trees:
        facts = [replace(fact, tree=False) for fact in facts]
    return complete(planned, facts, infos, request, free_bytes)


def _question(info: ScenarioInfo, case: Case) -> CaseQuestion:
    """What a scenario's code is asked of a case: at the size of the budget, if it is borrowed."""
    own = source_case(info, case)
    within = None
    if info.borrows:
        limit, budget_bytes = str(case.parameters["limit"]), int(case.parameters["budget_bytes"])
        free_bytes = budget_bytes - TYPICAL_BASE[limit]
        within = UnderLimit(limit, free_bytes, step_bytes(budget_bytes))
    path = source_of(info, info.strategy(case.strategy)).path
    return CaseQuestion(path, own.scenario, dict(own.parameters), own.strategy, within)


@dataclass
class Session:
    """Hosts that are up, and the header of the run they will measure."""

    header: Header
    pool: HostPool


@contextmanager
def open_session(
    request: Request, settings: Settings, user_paths: Sequence[Path] = ()
) -> Iterator[Session]:
    """Start everything a new run needs; nothing is written yet.

    Raises:
        FerrybenchError: something asked for does not exist, or a host does not start.
    """
    files = scenario_files(user_paths)
    with ExitStack() as stack:
        first = stack.enter_context(closing(Host(HostSpec(), files, settings.method)))
        first.launch()
        machine = read_environment()  # while the host imports torch
        first.get_ready()
        infos = describe(first, files)
        specs = needed_hosts(infos, request)
        cases = plan_cases(first, infos, request, available_bytes())
        used = {case.case.host for case in cases if not case.skip} | {specs[0].name}
        specs = [spec for spec in specs if spec.name in used]
        first.scenario_files = _files_of(infos, cases)
        first.many_trials = _many_trials(cases, settings.effort)
        first.preload_scenarios()
        pool = stack.enter_context(
            open_team(
                specs[1:], first.scenario_files, settings.method, many_trials=first.many_trials
            )
        )
        pool = HostPool({specs[0].name: first, **pool.hosts})
        plan = Plan(
            level=request.level,
            seed=settings.seed,
            effort=settings.effort,
            budget_s=settings.budget_s,
            method=first.method,
            hosts=tuple(specs),
            cases=tuple(cases),
            calibration_runs=settings.calibration_runs,
        )
        yield Session(header_of(plan, pool, infos, machine), pool)


def _files_of(infos: Iterable[ScenarioInfo], cases: Iterable[PlannedCase]) -> list[Path]:
    """Those that hosts need for some cases."""
    selected = {planned.case.scenario for planned in cases}
    paths = [path for info in infos if info.name in selected for path in _paths(info)]
    return list(map(Path, dict.fromkeys(paths)))


def _many_trials(cases: Iterable[PlannedCase], effort: Effort) -> bool:
    """Whether hosts are to make trials short, which takes half a second at their start."""
    counts = Counter(planned.case.host for planned in cases if not planned.skip)
    return max(counts.values(), default=0) * (effort.trials + effort.memory_trials) >= MANY_TRIALS


def header_of(
    plan: Plan,
    pool: HostPool,
    infos: Iterable[ScenarioInfo],
    machine: Environment | None = None,
) -> Header:
    """The header of a run that begins now, with the scenarios that its plan has cases of."""
    selected = {planned.case.scenario for planned in plan.cases}
    now = datetime.now().astimezone()
    return Header(
        run_id=f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
        created=now.isoformat(timespec="seconds"),
        plan=plan,
        environment=pool.environment(machine),
        scenarios=tuple(info for info in infos if info.name in selected),
    )


def measure(session: Session, journal: Journal, listener: Listener, done: Run | None = None) -> str:
    """Run what is left of a session's plan into a journal; returns the reason to stop.

    Raises:
        KeyboardInterrupt: the user stopped it; the journal says so and can be continued.
    """
    header = session.header
    with says_when_interrupted(journal), FixtureStore(header.plan.seed) as fixtures:
        trials, ceilings = (done.trials, done.ceilings) if done else ([], [])
        runner = Runner(header, journal, session.pool, fixtures, listener, trials, ceilings)
        return runner.run()


def resume(run: Run, listener: Listener, announce: Callable[[str], None]) -> str:
    """Continue an interrupted run where it stopped.

    Raises:
        UsageError: the scenarios are gone or have changed, or torch or the machine has.
    """
    if run.header.sources:
        raise UsageError(
            f"{run.path} was merged and cannot be resumed; resume the run it was merged of, and "
            "merge again"
        )
    header = replace(run.header, scenarios=tuple(map(_located, run.header.scenarios)))
    if header.plan.sides is not None:
        raise UsageError(
            f"{run.path} compares two sides and cannot be resumed; start again with: ferrybench ab"
        )
    files = [Path(path) for info in header.scenarios for path in _paths(info)]
    for file in files:
        if not file.exists():
            raise UsageError(f"{run.path} cannot be continued: {file} no longer exists")
    files = list(dict.fromkeys(files))
    with open_team(header.plan.hosts, [], header.plan.method) as pool:
        first = pool.hosts[header.plan.hosts[0].name]
        known = {info.name: info for info in describe(first, files)}
        for info in header.scenarios:
            if known.get(info.name) != info:
                raise UsageError(f"{run.path} cannot be continued: {info.path} has changed since")
        for host in pool.hosts.values():
            host.scenario_files = files
            host.preload_scenarios()
        environment = pool.environment()
        changed = [
            f"{name} was {then}, is now {now}"
            for name, then, now in _differences(asdict(header.environment), asdict(environment))
        ]
        if changed:
            raise UsageError(f"{run.path} cannot be continued here: {'; '.join(changed)}")
        for remark in run.remarks:
            announce(remark)
        with Journal.extend(run) as journal:
            journal.append(ResumeLine(environment))
            return measure(Session(header, pool), journal, listener, run)


def _located(info: ScenarioInfo) -> ScenarioInfo:
    """With the paths that its files have on this machine."""
    strategies = tuple(
        replace(strategy, path=str(located(strategy.path))) if strategy.path else strategy
        for strategy in info.strategies
    )
    return replace(info, path=str(located(info.path)), strategies=strategies)


def _paths(info: ScenarioInfo) -> list[str]:
    """The modules that a scenario needs: its own, and those it borrows from."""
    return [info.path, *(strategy.path for strategy in info.strategies if strategy.path)]


_MUST_AGREE = ("cpu_model", "processors", "kernel", "thp_enabled", "memory_bytes", "ferrybench")


def _differences(
    then: dict[str, object], now: dict[str, object]
) -> Iterator[tuple[str, object, object]]:
    for name in _MUST_AGREE:
        if then[name] != now[name]:
            yield name, then[name], now[name]
    versions_then, versions_now = (
        {
            name: (python_text(host), host.get("numpy"), host.get("torch"))
            for name, host in environment["hosts"].items()  # type: ignore[attr-defined]
        }
        for environment in (then, now)
    )
    if versions_then != versions_now:
        yield "Python, NumPy, torch", versions_then, versions_now
