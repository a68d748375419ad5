"""How far a run got that stopped before its end."""

from __future__ import annotations

from harness.journal.lines import Run
from harness.planning.order import steps_left
from harness.units import plural

_STOPPED = {
    "budget": "its budget was spent",
    "interrupted": "it was interrupted",
    "": "it was cut off",
}


def cases_missing(run: Run) -> int:
    """How many cases that were planned have not been reached."""
    reached = {trial.case for trial in run.trials}
    cases = enumerate(run.header.plan.cases)
    return sum(not one.skip and index not in reached for index, one in cases)


def why_unfinished(run: Run) -> str:
    """``its budget was spent after 553 of 600 trials; every case was reached``; "" of a whole run.

    What a case that failed is spared is not missing.
    """
    if run.ended == "complete":
        return ""
    why = _STOPPED.get(run.ended, run.ended)
    missing = cases_missing(run)
    if missing:
        planned = sum(not one.skip for one in run.header.plan.cases)
        return f"{why} when {missing} of {plural(planned, 'case')} had not been reached"
    plan = run.header.plan
    if run.header.sources:  # whose rounds were moved
        return f"{why}, as a run it was merged of; every case was reached"
    if plan.sides is not None:  # how many pairs it takes turns out as they are measured
        return f"{why} before every pair was decided; every case was reached"
    infos = {info.name: info for info in run.header.scenarios}
    left = sum(map(len, steps_left(plan.cases, infos, plan.effort, plan.seed, run.trials)))
    if not left:  # how many further rounds it takes turns out as they are measured
        return f"{why} while contests were being decided; every planned trial was made"
    done = len(run.trials)
    return f"{why} after {done} of {plural(done + left, 'trial')}; every case was reached"
