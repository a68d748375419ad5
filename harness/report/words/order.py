"""The order and emphasis of strategies, the same in every table and figure of a scenario."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.analysis.sweep import Sweep
from harness.analysis.verdict import Verdict
from harness.charts.chart import Emphasis
from harness.charts.palette import STYLES


def by_group(sweep: Sweep) -> list[tuple[str, list[str]]]:
    """Strategies by group, in the scenario's order; within one the best first.

    Best at the reference size; those of which nothing is known there come last, by name.
    """
    weights = {
        row.strategy: sweep.weight(row) for row in sweep.at(sweep.reference) if sweep.compared(row)
    }
    groups: dict[str, list[str]] = {}
    planned = {row.strategy for row in sweep.main}
    for strategy in sweep.info.strategies:
        if strategy.name in planned:
            groups.setdefault(strategy.group, []).append(strategy.name)
    return [
        (group, sorted(names, key=lambda name: (weights.get(name, math.inf), name)))
        for group, names in groups.items()
    ]


def own_styles(sweep: Sweep, names: Sequence[str]) -> tuple[str, ...]:
    """The strategies to give looks of their own where only some are shown, each by its name.

    All of the scenario's, so that a strategy looks the same in every figure, unless they are more
    than there are looks.
    """
    every = [one.name for one in sweep.info.strategies if one.name != sweep.info.baseline]
    chosen = every if len(every) <= len(STYLES) else names
    return tuple(name for name in chosen if name != sweep.info.baseline)


def emphasis(sweep: Sweep, verdict: Verdict, strategy: str) -> Emphasis:
    """The baseline, the best of each contest, and the rest."""
    if strategy == sweep.info.baseline:
        return "baseline"
    fastest = {ranking.rows[0].strategy for ranking in verdict.rankings}
    return "best" if strategy in fastest else "rest"
