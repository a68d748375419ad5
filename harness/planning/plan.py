"""From what was asked for to the list of cases.

The grid is the cross product of the axes, with every other parameter at its default; then each
other parameter is varied alone. The baseline strategy is added wherever another one is measured.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import UsageError
from harness.files.reading import opened, rest_of
from harness.scenario.declaration import PROCESS_PARAMETERS
from harness.scenario.npy import NPY, RAW
from harness.schema.description import Level, Parameter, ScenarioInfo, StrategyInfo
from harness.schema.records import DEFAULT_HOST, Case, HostSpec, PlannedCase, Value
from harness.units import parse_size


@dataclass(frozen=True)
class Request:
    """What the user asked to measure."""

    targets: tuple[str, ...] = ()  # SCENARIO or SCENARIO/STRATEGY; empty: everything
    level: Level = "usual"
    overrides: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hosts: tuple[HostSpec, ...] = ()  # beside the default one
    file: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What a user's own file, which is to be measured, gives parameters that there are."""
    only: frozenset[str] | None = None  # keys of the cases to measure, of all these


def keys_in(path: Path) -> frozenset[str]:
    """The cases that a file names, one per line.

    Raises:
        UsageError: it cannot be read, or names none.
    """
    with opened(path) as stream:
        data = rest_of(stream, path)
    try:
        keys = frozenset(filter(None, data.decode().split("\n")))
    except UnicodeDecodeError as error:
        raise UsageError(f"--only {path} cannot be read: {error}") from error
    if not keys:
        raise UsageError(f"--only {path}: it names no case")
    return keys


def select(
    infos: Sequence[ScenarioInfo], targets: Sequence[str]
) -> list[tuple[ScenarioInfo, list[StrategyInfo]]]:
    """The scenarios and strategies that were named; the baseline always comes along.

    Raises:
        UsageError: a name that does not exist, with those that do.
    """
    if not targets:
        return [(info, list(info.strategies)) for info in infos]
    by_name = {info.name: info for info in infos}
    wanted: dict[str, set[str]] = {}
    for target in targets:
        name, _, strategy = target.partition("/")
        if name not in by_name:
            raise UsageError(f"no scenario {name!r}; {_suggest(name, by_name)}")
        known = [known.name for known in by_name[name].strategies]
        if strategy and strategy not in known:
            raise UsageError(f"{name} has no strategy {strategy!r}; {_suggest(strategy, known)}")
        wanted.setdefault(name, set()).update(
            {strategy, by_name[name].baseline} if strategy else known
        )
    return [
        (by_name[name], [s for s in by_name[name].strategies if s.name in strategies])
        for name, strategies in wanted.items()
    ]


def _suggest(name: str, known: Iterable[str]) -> str:
    """Names close to a mistyped one, or all there are."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=3)
    return f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(names)}"


def parse_value(name: str, parameter: Parameter, text: str) -> Value:
    """A parameter's value from the command line.

    Raises:
        UsageError: not of the parameter's type, or not among its choices.
    """
    if parameter.choices:
        for choice in parameter.choices:
            if text == str(choice):
                return choice
        raise UsageError(
            f"{name} cannot be {text!r}; choose from {', '.join(map(str, parameter.choices))}"
        )
    if isinstance(parameter.default, str):
        return text
    values = (*parameter.quick, *parameter.usual, *parameter.full)
    if text in [value for value in values if isinstance(value, str)]:  # such as threads=all
        return text
    if isinstance(parameter.default, bool):
        return _parse_truth(name, text)
    try:
        if name == "size" or name.endswith("_bytes"):
            return parse_size(text)
        return type(parameter.default)(text)
    except ValueError as error:
        if name == "size":
            raise UsageError(str(error)) from error
        raise UsageError(
            f"{name} cannot be {text!r}; it takes a number such as {parameter.default}"
        ) from error


def _parse_truth(name: str, text: str) -> bool:
    for value, words in ((True, ("true", "yes", "1")), (False, ("false", "no", "0"))):
        if text.lower() in words:
            return value
    raise UsageError(f"{name} cannot be {text!r}; it is true or false")


def parse_overrides(
    infos: Sequence[ScenarioInfo], overrides: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, tuple[Value, ...]]]:
    """``--set`` and ``--size`` as values, by scenario.

    A scenario whose parameter can take none of the values is left out: it was not meant.

    Raises:
        UsageError: a parameter that no scenario has, or a value that none can take.
    """
    for name, texts in overrides.items():
        having = [info.parameters[name] for info in infos if name in info.parameters]
        if not having:
            known = dict.fromkeys(known for info in infos for known in info.parameters)
            raise UsageError(f"no parameter {name!r}; {_suggest(name, known)}")
        for text in texts:
            if not any(_takes(name, parameter, text) for parameter in having):
                parse_value(name, having[0], text)
    parsed = {
        info.name: {
            name: tuple(
                dict.fromkeys(
                    parse_value(name, info.parameters[name], text)
                    for text in texts
                    if _takes(name, info.parameters[name], text)
                )
            )
            for name, texts in overrides.items()
            if name in info.parameters
        }
        for info in infos
    }
    return {name: values for name, values in parsed.items() if all(values.values())}


def _takes(name: str, parameter: Parameter, text: str) -> bool:
    try:
        parse_value(name, parameter, text)
    except UsageError:
        return False
    return True


def points(
    info: ScenarioInfo,
    strategy: StrategyInfo,
    level: Level,
    overrides: Mapping[str, tuple[Value, ...]],
    *,
    vary: bool = True,
) -> Iterator[dict[str, Value]]:
    """The points of the grid at which a strategy is measured, without repetition.

    Args:
        info: the scenario.
        strategy: one of its strategies, whose own values replace the defaults.
        level: how many values each parameter takes.
        overrides: values the user asked for; they are crossed with everything that feels them.
        vary: also vary each parameter that is no axis, alone, if the strategy feels it.
    """
    own = {name: p.default for name, p in info.parameters.items()} | dict(strategy.at)
    free = [name for name in info.parameters if name not in strategy.at and name not in overrides]
    felt = {*strategy.names, *info.input_parameters, *info.step_parameters, *PROCESS_PARAMETERS}

    def grid(axes: Mapping[str, Sequence[Value]]) -> Iterator[dict[str, Value]]:
        for values in itertools.product(*axes.values()):
            yield own | dict(zip(axes, values, strict=True))

    asked = {
        name: values
        for name, values in overrides.items()
        if name in info.parameters and (name in felt or info.parameters[name].axis)
    }
    axes = {
        name: info.parameters[name].values(level) for name in free if info.parameters[name].axis
    }
    found = list(grid(asked | axes))
    for name in free if vary else ():
        parameter = info.parameters[name]
        values = parameter.values(level)
        if parameter.axis or len(values) < 2 or not felt >= {name, *parameter.beside}:
            continue
        if level == "quick" and name in strategy.not_quick:
            continue
        beside = {
            other: (value,) for other, value in parameter.beside.items() if other not in asked
        }
        found += grid(asked | (axes if level == "full" else {}) | beside | {name: values})
    seen = set()
    for point in found:
        if (label := tuple(point.items())) not in seen:
            seen.add(label)
            yield point


def expand(infos: Sequence[ScenarioInfo], request: Request) -> list[PlannedCase]:
    """Every case of a request, before anything is known about it but its parameters."""
    selected = select(infos, request.targets)
    chosen = [info for info, _ in selected]
    overrides = parse_overrides(chosen, {**request.overrides, **_of_file(chosen, request)})
    planned: dict[str, PlannedCase] = {}

    def add(info: ScenarioInfo, name: str, point: Mapping[str, Value], host: str) -> None:
        case = Case(info.name, name, dict(point), host)
        is_baseline = name == info.baseline and host == DEFAULT_HOST
        planned.setdefault(case.key, PlannedCase(case, baseline=is_baseline))

    for info, strategies in selected:
        if info.name not in overrides:
            continue
        asked = overrides[info.name]
        named = {target.partition("/")[2] for target in request.targets}
        for strategy in strategies:
            if request.level == "quick" and not (strategy.in_quick or strategy.name in named):
                continue
            for point in points(info, strategy, request.level, asked):
                if not info.probe:
                    add(info, info.baseline, point, DEFAULT_HOST)
                add(info, strategy.name, point, DEFAULT_HOST)
            elsewhere = [v.name for v in info.variants if strategy.name in v.strategies]
            elsewhere += [host.name for host in request.hosts]
            for host in elsewhere:
                for point in points(info, strategy, request.level, asked, vary=False):
                    add(info, info.baseline, point, DEFAULT_HOST)
                    add(info, strategy.name, point, host)
    return list(planned.values()) if request.only is None else _only(planned, request.only)


def _only(planned: Mapping[str, PlannedCase], keys: frozenset[str]) -> list[PlannedCase]:
    unknown = sorted(keys - planned.keys())
    if unknown:
        raise UsageError(f"--only: case {unknown[0]} is not among those selected")
    return [case for key, case in planned.items() if key in keys]


def _of_file(infos: Sequence[ScenarioInfo], request: Request) -> Mapping[str, tuple[str, ...]]:
    for info in infos:
        if request.file and NPY not in info.parameters:
            raise UsageError(f"--npy: {info.name} makes its own data; it has no parameter {NPY}")
        if RAW in request.file and RAW not in info.parameters:
            raise UsageError(f"--raw: {info.name} takes .npy files; it has no parameter {RAW}")
    known = {name for info in infos for name in info.parameters}
    return {name: values for name, values in request.file.items() if name in known}


def needed_hosts(infos: Sequence[ScenarioInfo], request: Request) -> list[HostSpec]:
    """The hosts that the cases of a request name.

    Raises:
        UsageError: two hosts of one name.
    """
    variants = {
        variant.name: HostSpec(variant.name, env=variant.env)
        for info, _ in select(infos, request.targets)
        for variant in info.variants
    }
    for host in request.hosts:
        if host.name == DEFAULT_HOST or host.name in variants:
            raise UsageError(f"--host {host.name}: that name is taken; choose another")
    return [HostSpec(), *variants.values(), *request.hosts]
