"""The order and emphasis of strategies, the same in every table and figure of a scenario."""

from __future__ import annotations

import math

from harness.analysis.sweep import Sweep
from harness.analysis.verdict import Verdict
from harness.report.chart import Emphasis


def by_group(sweep: Sweep) -> list[tuple[str, list[str]]]:
    """Strategies by group, in the scenario's order; within one the fastest first.

    Fastest at the reference size; those without a time there come last, by name.
    """
    times = {row.strategy: row.steady.median for row in sweep.at(sweep.reference) if row.timed}
    groups: dict[str, list[str]] = {}
    planned = {row.strategy for row in sweep.main}
    for strategy in sweep.info.strategies:
        if strategy.name in planned:
            groups.setdefault(strategy.group, []).append(strategy.name)
    return [
        (group, sorted(names, key=lambda name: (times.get(name, math.inf), name)))
        for group, names in groups.items()
    ]


def emphasis(sweep: Sweep, verdict: Verdict, strategy: str) -> Emphasis:
    """The baseline, the fastest of each contest, and the rest."""
    if strategy == sweep.info.baseline:
        return "baseline"
    fastest = {pick.rows[0].strategy for pick in verdict.picks}
    return "best" if strategy in fastest else "rest"
