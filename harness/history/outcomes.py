"""How a case ended in each run, and where that changed.

An outcome needs no statistics: a case that was ok and now runs out of memory has changed, after one
run. One that changes again and again is not told as so many changes: it comes and goes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from harness.history.machines import Machine, changed_between
from harness.schema.records import Outcome

MOST_CHANGES = 3
"""A case whose outcome changed more often comes and goes."""


@dataclass(frozen=True)
class OutcomeChange:
    """Where a case began to end otherwise."""

    at: int  # the first point of the new outcome
    before: Outcome
    after: Outcome
    causes: tuple[str, ...]

    @property
    def worse(self) -> bool:
        return self.before.ok


@dataclass(frozen=True)
class Outcomes:
    """The outcomes of a case; runs in which it was skipped or not reached are left out."""

    runs: tuple[int, ...]  # indices into the machine's runs
    outcomes: tuple[Outcome, ...]
    changes: tuple[OutcomeChange, ...]

    @property
    def changed(self) -> bool:
        return bool(self.changes)

    @property
    def comes_and_goes(self) -> bool:
        return len(self.changes) > MOST_CHANGES

    @property
    def counts(self) -> str:
        """``ok ×8, timeout ×4``."""
        counted = Counter(outcome.name for outcome in self.outcomes)
        return ", ".join(f"{name} ×{count}" for name, count in counted.most_common())


def outcomes_of(machine: Machine, key: str) -> Outcomes:
    """A case's outcomes over the runs of a machine."""
    found = [
        (index, run.cases[key].outcome)
        for index, run in enumerate(machine.runs)
        if key in run.cases and run.cases[key].outcome.name != "skipped"
    ]
    changes = []
    for at in range(1, len(found)):
        (earlier, before), (later, after) = found[at - 1], found[at]
        if before.name != after.name:
            causes = changed_between(machine.runs[earlier], machine.runs[later], key)
            changes.append(OutcomeChange(at, before, after, causes))
    return Outcomes(
        tuple(index for index, _ in found), tuple(outcome for _, outcome in found), tuple(changes)
    )
