"""How far searches under a limit can be trusted here: strategies of known cost, truth known apart.

What a process may have beside its base is found by asking for it, in a process under the same
limit; divided by what a strategy needs for each byte, inputs and all, that is the truth.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.cases.parts.limit import limit_of
from harness.host.environment import available_bytes
from harness.host.host import Host
from harness.host.inputs import FixtureStore
from harness.journal.lines import Plan
from harness.planning.order import Step
from harness.planning.plan import Request
from harness.run.instrument import Instrument
from harness.run.limit_searches import Searches
from harness.run.session import describe, plan_cases
from harness.scenario.declaration import TINY_BYTES
from harness.schema.records import Effort, HostSpec, PlannedCase, Trial
from harness.selfcheck.memory_accuracy import AccuracyCheck, compared, missing
from harness.selfcheck.planted import TRUTHS_FILE, planted
from harness.trial.limit.memory_limit import LimitRequest
from harness.units import MIB

LIMIT_TRUTHS_FILE = TRUTHS_FILE.with_name("limits.py")
TOLERATED_SHARE = 0.01
"""Of the budget, by which a search may miss."""
BUDGETS = {"data": 384 * MIB, "address_space": 1024 * MIB, "cgroup": 256 * MIB}
MULTIPLES = {"nothing": 0.0, "half": 0.5, "once": 1.0, "twice": 2.0, "thrice": 3.0}


@dataclass(frozen=True)
class LimitCheck:
    """One search: the frontier it found beside the true one, and what it took."""

    limit: str
    check: AccuracyCheck
    attempts: int

    @property
    def share(self) -> float:
        """The error as a share of the budget."""
        return self.check.error / BUDGETS[self.limit]


def limit_checks(
    host: Host, limits: Sequence[str] = tuple(BUDGETS), *, strategies: Sequence[str] = ()
) -> Iterator[LimitCheck]:
    """Some limit truths, or all, under each limit that can be put into force here."""
    infos = describe(host, [LIMIT_TRUTHS_FILE])
    targets = [f"limit_search/{name}" for name in strategies] or ["limit_search"]
    for limit in limits:
        asked = {"limit": (limit,), "budget_bytes": (str(BUDGETS[limit]),)}
        request = Request(tuple(targets), "quick", asked)
        cases = plan_cases(host, infos, request, available_bytes())
        free_bytes = _room(host, limit) if not cases[0].skip else math.nan
        plan = Plan("quick", 0, Effort(1, 0.0), 0.0, host.method, (HostSpec(),), tuple(cases))
        by_name = {info.name: info for info in infos}
        with FixtureStore(plan.seed) as fixtures:
            instrument = Instrument(plan, by_name, {HostSpec().name: host}, fixtures)
            searches = Searches(cases, by_name)
            for index, planned in enumerate(cases):
                yield _check(planned, _attempts(index, searches, instrument), free_bytes)


def _attempts(case: int, searches: Searches, instrument: Instrument) -> list[Trial]:
    """A search as a run makes it."""
    made: list[Trial] = []
    while not instrument.plan.cases[case].skip and (bound := searches.next_bound(case)):
        made.append(instrument.trial(Step(case, "limit", searches.number(case)), bound))
        searches.note(made[-1])
    return made


def _check(planned: PlannedCase, attempts: Sequence[Trial], free_bytes: float) -> LimitCheck:
    case = planned.case
    limit = str(case.parameters["limit"])
    name, tolerance = f"{case.strategy}, {limit}", TOLERATED_SHARE * BUDGETS[limit]
    found = limit_of(planned, attempts)
    survived = found.survived_bytes if found else math.nan
    if math.isnan(survived) or math.isnan(free_bytes):
        problem = planned.skip or (found.reason if found else "")
        return LimitCheck(limit, missing(name, tolerance, "bytes", problem), len(attempts))
    truth = free_bytes / (1 + MULTIPLES[case.strategy.partition("_")[0]])
    return LimitCheck(limit, compared(name, survived, truth, tolerance, "bytes"), len(attempts))


def _room(host: Host, limit: str) -> float:
    """What a process under a limit can have, found without a reading of what it uses."""
    budget_bytes = BUDGETS[limit]
    bound = LimitRequest(limit, budget_bytes, TINY_BYTES)
    with planted(host) as planting:
        note = planting.folder / "had"
        strategy = "fill" if limit == "cgroup" else "room"
        record, _, _ = planting.trial(
            "limit_truths",
            strategy,
            {"size": TINY_BYTES, "most": 2 * budget_bytes, "note": str(note)},
            kind="limit",
            file=LIMIT_TRUTHS_FILE,
            bound=bound,
        )
        if limit == "cgroup":
            return int.from_bytes(note.read_bytes()[:8], "little") or math.nan
        return float(record.get("result_bytes", math.nan))
