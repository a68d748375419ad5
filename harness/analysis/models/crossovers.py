"""At which sizes one strategy overtakes another."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.models.time_model import TimeModel
from harness.cases.rounds import paired_ratios
from harness.stats.cost_fit import Point
from harness.stats.crossing import Crossing, RatioCurve
from harness.stats.size_points import points_of


@dataclass(frozen=True)
class Crossover:
    """One strategy is faster below a size, and another above it.

    Args:
        below: the name of the one.
        above: the name of the other.
        crossing: the size, and between which sizes it certainly lies.
    """

    below: str
    above: str
    crossing: Crossing


def crossovers(one: TimeModel, other: TimeModel) -> list[Crossover]:
    """Where two strategies of one scenario cross, ascending; none where nothing is certain."""
    points = _ratios(one, other)
    if one.curve is None or other.curve is None or len(points) < 2:
        return []
    found = RatioCurve(one.curve, other.curve, points).crossings()
    names = one.name, other.name
    return [
        Crossover(*(names if crossing.slower_above else names[::-1]), crossing)
        for crossing in found
    ]


def _ratios(one: TimeModel, other: TimeModel) -> list[Point]:
    """The ratio at each size at which both were measured, of processes that are neighbours."""
    of_other = {case.size_bytes: case for case in other.cases}
    logs: dict[int, list[float]] = {}
    for case in one.cases:
        beside = of_other.get(case.size_bytes)
        if case.size_bytes and beside is not None:
            ratios = paired_ratios(case.measured, beside.measured)
            if ratios:
                logs[case.size_bytes] = [math.log(ratio) for ratio in ratios]
    return points_of(logs) if logs else []


def with_baseline(models: Sequence[TimeModel], baseline: str) -> Iterator[Crossover]:
    """Where each strategy crosses the baseline with the same setting and on the default host."""
    bases: Mapping[object, TimeModel] = {
        tuple(model.parameters.items()): model
        for model in models
        if model.strategy == baseline and model.default_host
    }
    for model in models:
        base = bases.get(tuple(model.parameters.items()))
        if base is not None and base is not model:
            yield from crossovers(model, base)
