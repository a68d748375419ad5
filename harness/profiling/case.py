"""A case of a scenario, on a host of its own."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UnableError, UsageError
from harness.host.answers import answer_as
from harness.host.host import Host
from harness.host.inputs import FixtureStore
from harness.planning.plan import parse_overrides, select
from harness.profiling.collect import Ask, Wanted, collect
from harness.profiling.profile import Profile
from harness.run.instrument import threads_for
from harness.run.session import describe, scenario_files
from harness.scenario.npy import NPY, read_npy
from harness.schema.description import ScenarioInfo
from harness.schema.profile import CaseProfileRequest
from harness.schema.records import Case, Effort, HostSpec
from harness.schema.request import CaseQuestion, EvaluateRequest, Facts, TrialRequest
from harness.schema.values import value_text


@dataclass(frozen=True)
class CaseWanted:
    """Which case of a scenario.

    Args:
        target: ``SCENARIO/STRATEGY``.
        sets: values of parameters, one each; the others have their defaults.
        npy: a file to train from, for scenarios that take one.
        scenarios: modules or folders with the user's own scenarios.
        seed: of the inputs; random if not given.
    """

    target: str
    sets: Mapping[str, Sequence[str]]
    npy: Path | None = None
    scenarios: tuple[Path, ...] = ()
    seed: int | None = None


def profile_case(asked: CaseWanted, wanted: Wanted) -> Profile:
    """Profile a strategy with inputs that its scenario makes.

    Raises:
        UsageError: there is no such case, or it has no lines.
        UnableError: it cannot run here, or its inputs cannot be made.
    """
    files = scenario_files(asked.scenarios)
    with Host(HostSpec(), files) as host:
        info, case = _case(describe(host, files), asked)
        _refuse_skipped(host, info, case)
        host.scenario_files = [Path(info.path)]
        host.preload_scenarios()
        seed = secrets.randbits(32) if asked.seed is None else asked.seed
        with FixtureStore(seed) as store, store.clean_scratch():
            request = _request(host, store, info, case, wanted.timeout_s)
            collected = collect(_asking(host, request, wanted), wanted)
    settings = ", ".join(f"{name}={value_text(name, v)}" for name, v in case.parameters.items())
    return Profile(asked.target, collected, settings)


def _asking(host: Host, trial: TrialRequest, wanted: Wanted) -> Ask:
    return lambda watching: host.call(
        CaseProfileRequest(trial, watching),
        wanted.timeout_s,
        observe=watching.observe,
    )


def _case(infos: Sequence[ScenarioInfo], asked: CaseWanted) -> tuple[ScenarioInfo, Case]:
    """The one case that is asked for.

    Raises:
        UsageError: it is not there, or it is several.
    """
    name = asked.target.partition("/")[2]
    if not name:
        raise UsageError(f"{asked.target}: name a strategy, as in SCENARIO/STRATEGY")
    info, strategies = select(infos, [asked.target])[0]
    strategy = next(one for one in strategies if one.name == name)
    if strategy.borrowed_from:
        raise UsageError(
            f"{asked.target} is borrowed: profile {strategy.borrowed_from}/{strategy.name}"
        )
    if info.ranks:
        raise UsageError(
            f"{asked.target} runs in processes that torchrun starts, and profile watches one; "
            f"measure it: ferrybench run {asked.target}"
        )
    own = {}
    if asked.npy is not None:
        if NPY not in info.parameters:
            raise UsageError(f"--npy: {info.name} makes its own data; it has no parameter {NPY}")
        own = read_npy(asked.npy).values()
    given = {name: values for name, values in own.items() if name in info.parameters}
    overrides = parse_overrides([info], {**asked.sets, **given})[info.name]
    for parameter, values in overrides.items():
        if len(values) > 1:
            raise UsageError(f"--set {parameter}: one value, since one case is profiled")
    defaults = {name: parameter.default for name, parameter in info.parameters.items()}
    chosen = {name: values[0] for name, values in overrides.items()}
    return info, Case(info.name, strategy.name, {**defaults, **strategy.at, **chosen})


def _refuse_skipped(host: Host, info: ScenarioInfo, case: Case) -> None:
    question = CaseQuestion(info.path, case.scenario, dict(case.parameters), case.strategy)
    answer = host.ask(EvaluateRequest((question,)))
    (facts,) = answer_as(list[Facts], answer["facts"])
    if facts.skip:
        raise UnableError(f"{case.scenario}/{case.strategy} cannot run here: {facts.skip}")


def _request(
    host: Host, store: FixtureStore, info: ScenarioInfo, case: Case, timeout_s: float
) -> TrialRequest:
    fixture, made = store.get(host, info, case, timeout_s)
    if not made.ok:
        raise UnableError(f"{case.scenario}/{case.strategy}: {made.reason}")
    tiny, _ = store.get_tiny(host, info, case, timeout_s)
    return TrialRequest(
        path=info.path,
        scenario=case.scenario,
        parameters=dict(case.parameters),
        strategy=case.strategy,
        kind="memory",
        effort=Effort(trials=0, steady_s=0.0, timeout_s=timeout_s),
        threads=threads_for(case.parameters, HostSpec()),
        fixture=str(fixture),
        tiny_fixture=str(tiny),
        folder=str(store.scratch),
    )
