"""An A/B run's base by itself, as a run of one host: what a report says of its strategies."""

from __future__ import annotations

from dataclasses import replace

from harness.journal.lines import Run
from harness.schema.records import DEFAULT_HOST


def base_alone(run: Run) -> Run:
    """The base of a run that compares two sides; any other run as it is."""
    plan = run.header.plan
    if plan.sides is None:
        return run
    kept = [index for index, one in enumerate(plan.cases) if one.case.host == plan.sides.base]
    places = {index: place for place, index in enumerate(kept)}
    cases = tuple(
        replace(plan.cases[index], case=replace(plan.cases[index].case, host=DEFAULT_HOST))
        for index in kept
    )
    trials = [replace(one, case=places[one.case]) for one in run.trials if one.case in places]
    return replace(run, header=replace(run.header, plan=replace(plan, cases=cases)), trials=trials)
