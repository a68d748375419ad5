"""The usual values of a scenario's parameters, at which its strategies are compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from harness.planning.parameter_values import in_order
from harness.schema.description import ScenarioInfo, StrategyInfo
from harness.schema.records import Value

REFERENCE_BYTES = 64 * 1024**2
"""Verdicts are given at the largest size up to this one: beyond the caches, yet soon measured."""
ParameterPoint = Mapping[str, Value]


def usual_values(
    info: ScenarioInfo, measured: Sequence[tuple[str, ParameterPoint]]
) -> dict[str, ParameterPoint]:
    """By strategy: its own value of a parameter, else the default, else one that was measured.

    Args:
        info: the scenario.
        measured: the strategy and the parameters, without the size, of each of its cases.
    """
    shared = _axis_values(info, measured)
    return {
        strategy.name: _usual_values(
            info, strategy, [point for name, point in measured if name == strategy.name], shared
        )
        for strategy in info.strategies
    }


def reference_size(sizes: Iterable[int]) -> int:
    """Which of some sizes a reader should see first."""
    ordered = sorted(sizes)
    return max((size for size in ordered if size <= REFERENCE_BYTES), default=ordered[0])


def _axis_values(
    info: ScenarioInfo, measured: Sequence[tuple[str, ParameterPoint]]
) -> dict[str, Value]:
    """One value for each axis beside the size: one that most strategies were measured at.

    The default where it is among those, else the middle one.
    """
    shared = {}
    for name, parameter in info.parameters.items():
        pairs = {(strategy, point[name]) for strategy, point in measured if name in point}
        if not parameter.axis or name == "size" or not pairs:
            continue
        counts = Counter(value for _, value in pairs)
        common = [value for value, count in counts.items() if count == max(counts.values())]
        if parameter.default in common:
            shared[name] = parameter.default
        else:
            shared[name] = in_order(common)[len(common) // 2]
    return shared


def _usual_values(
    info: ScenarioInfo,
    strategy: StrategyInfo,
    points: Sequence[ParameterPoint],
    shared: ParameterPoint,
) -> dict[str, Value]:
    usual = {}
    for name, parameter in info.parameters.items():
        values = [point[name] for point in points if name in point]
        if values:
            preferred = strategy.at.get(name, shared.get(name, parameter.default))
            usual[name] = preferred if preferred in values else values[0]
    return usual
