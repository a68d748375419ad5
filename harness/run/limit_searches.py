"""The searches of a run: what was tried of each case, and what to try next.

A search begins where the cost model says the frontier is, with what earlier attempts taught: what
is taken before any data depends on the limit; what inputs and setup take, on the strategy, or else
on the scenario that makes them. A strategy whose model holds is then done after two attempts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from harness.planning.estimate import whole_searches
from harness.planning.limit_search import (
    as_attempt,
    held_multiple,
    limit_outcome,
    next_size,
    predicted_multiple,
    predicted_size,
)
from harness.schema.description import ScenarioInfo
from harness.schema.records import PlannedCase, Trial
from harness.schema.request import LimitRequest
from harness.units import MIB

TYPICAL_BASE: Mapping[str, int] = {
    "data": 220 * MIB,
    "address_space": 630 * MIB,
    "cgroup": 1 * MIB,
}
"""What a process has before any data, until a first trial has told."""
GUESSED_COPIES = 1.0  # of a strategy without a model


class Searches:
    """What attempts have found out so far.

    Args:
        cases: of the plan.
        infos: scenarios by name.
        done: attempts that an interrupted run already has.
    """

    def __init__(
        self,
        cases: Sequence[PlannedCase],
        infos: Mapping[str, ScenarioInfo],
        done: Iterable[Trial] = (),
    ) -> None:
        self._cases = cases
        self._infos = infos
        self._attempts: dict[int, list[Trial]] = {}
        self._base: dict[tuple[str, ...], int] = {}
        self._held: dict[str, Trial] = {}
        for trial in done:
            if trial.kind == "limit":
                self.note(trial)

    def note(self, trial: Trial) -> None:
        """Learn from an attempt that has ended."""
        self._attempts.setdefault(trial.case, []).append(trial)
        if trial.limit is None:
            return
        planned = self._cases[trial.case]
        if trial.limit.base_bytes:
            for label in _labels(planned):
                self._base[label] = trial.limit.base_bytes
        if trial.limit.held_bytes is not None and trial.payload_bytes:
            # Until a strategy has shown what it holds, it is taken to hold no more than its inputs.
            source = self._source(planned)
            least = self._held.get(source, trial)
            self._held[planned.case.strategy] = trial
            self._held[source] = min(trial, least, key=lambda one: held_multiple([one]))

    def next_bound(self, case: int) -> LimitRequest | None:
        """What to try next of a case; None when its search is over."""
        planned = self._cases[case]
        parameters = planned.case.parameters
        budget_bytes = int(parameters["budget_bytes"])
        tried = [as_attempt(trial) for trial in self._attempts.get(case, [])]
        size_bytes = next_size(tried, budget_bytes, self._expected_bytes(planned))
        if size_bytes is None:
            return None
        return LimitRequest(str(parameters["limit"]), budget_bytes, size_bytes)

    def number(self, case: int) -> int:
        """Of the next attempt at a case, from one."""
        return len(self._attempts.get(case, [])) + 1

    def whole(self, case: int) -> Trial:
        """All attempts at a case as one trial, with the outcome of the search."""
        attempts = self._attempts[case]
        one = whole_searches(attempts)[-1]
        return replace(one, outcome=limit_outcome(attempts) or one.outcome)

    def _source(self, planned: PlannedCase) -> str:
        info = self._infos[planned.case.scenario]
        return info.strategy(planned.case.strategy).borrowed_from

    def _expected_bytes(self, planned: PlannedCase) -> float:
        """The size at which the frontier should be."""
        parameters = planned.case.parameters
        known = [self._base[label] for label in _labels(planned) if label in self._base]
        base = known[0] if known else TYPICAL_BASE[str(parameters["limit"])]
        copies = GUESSED_COPIES if planned.expected_copies is None else planned.expected_copies
        like = self._held.get(planned.case.strategy) or self._held.get(self._source(planned))
        multiple, scale = predicted_multiple(copies, [like] if like else [])
        return predicted_size(int(parameters["budget_bytes"]) - base, multiple) * scale


def _labels(planned: PlannedCase) -> list[tuple[str, ...]]:
    """Whose base a case's is like: its own, or that of any under the same limit."""
    case = planned.case
    limit = str(case.parameters["limit"])
    return [(case.host, limit, case.strategy), (case.host, limit)]
