"""Scenarios that try the strategies of others under a limit: whose they are, and at which point.

A borrowed strategy keeps its name, its words and its source; what it is called with is the usual
point of the scenario it is declared in, at the size that is tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from harness.errors import UsageError
from harness.schema.description import ScenarioInfo, StrategyInfo
from harness.schema.records import Case

PARAMETERS = ("budget_bytes", "limit")
"""What a scenario that borrows varies."""


def resolve(infos: Sequence[ScenarioInfo]) -> list[ScenarioInfo]:
    """Give scenarios that borrow the strategies of those they name.

    Raises:
        UsageError: a source that is not there or has no size, or a name that is there twice.
    """
    by_name = {info.name: info for info in infos}
    return [_resolved(info, by_name) if info.borrows else info for info in infos]


def _resolved(info: ScenarioInfo, by_name: dict[str, ScenarioInfo]) -> ScenarioInfo:
    found: dict[str, StrategyInfo] = {}
    for name, quick in info.borrows.items():
        if name not in by_name:
            raise UsageError(
                f"{info.name} borrows from {name}, which is not loaded (there are "
                f"{', '.join(other for other in by_name if other != info.name)})"
            )
        for strategy in _borrowed(info, by_name[name], quick):
            if strategy.name in found:
                other = found[strategy.name].borrowed_from
                raise UsageError(
                    f"{info.name} borrows two strategies named {strategy.name}, of {other} and "
                    f"{name}; one of them needs another name"
                )
            found[strategy.name] = strategy
    if info.baseline not in found:
        raise UsageError(f"{info.name}: no strategy {info.baseline!r} among those it borrows")
    return replace(info, strategies=tuple(found.values()))


def _borrowed(info: ScenarioInfo, source: ScenarioInfo, quick: Iterable[str]) -> list[StrategyInfo]:
    if source.borrows or source.probe or "size" not in source.parameters:
        raise UsageError(
            f"{info.name} cannot borrow from {source.name}, which makes no data of a given size"
        )
    known = {strategy.name for strategy in source.strategies}
    for name in quick:
        if name not in known:
            raise UsageError(f"{info.name} borrows {name}, which {source.name} does not have")
    defaults = {name: parameter.default for name, parameter in source.parameters.items()}
    return [
        replace(
            strategy,
            group=source.name,
            at={},
            # What is worth a quick sweep is worth the time it takes at the sizes that come up.
            max_size=None if strategy.name in quick else strategy.max_size,
            names=PARAMETERS,
            not_quick=(),
            in_quick=strategy.name in quick,
            borrowed_from=source.name,
            path=source.path,
            parameters={**defaults, **strategy.at},
            input_parameters=source.input_parameters,
        )
        for strategy in source.strategies
    ]


def source_of(info: ScenarioInfo, strategy: StrategyInfo) -> ScenarioInfo:
    """The scenario whose inputs a strategy is given: its own, or the one it is borrowed from."""
    if not strategy.borrowed_from:
        return info
    return replace(
        info,
        name=strategy.borrowed_from,
        path=strategy.path,
        input_parameters=strategy.input_parameters,
        borrows={},
    )


def source_case(info: ScenarioInfo, case: Case, size_bytes: int | None = None) -> Case:
    """A case as the scenario that declares its strategy would have it, at some size.

    Args:
        info: the scenario of the case.
        case: one of its own, or one of a borrowed strategy.
        size_bytes: what to try; the whole budget if not given.
    """
    strategy = info.strategy(case.strategy)
    if not strategy.borrowed_from:
        return case
    size = case.parameters["budget_bytes"] if size_bytes is None else size_bytes
    parameters = {**strategy.parameters, "size": size}
    return replace(case, scenario=strategy.borrowed_from, parameters=parameters)
