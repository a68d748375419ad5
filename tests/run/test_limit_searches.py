"""Searches learn from one case for the next; and attempts are recorded whatever becomes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from harness.host.host import Host, Report
from harness.host.inputs import FixtureStore
from harness.journal.lines import Plan
from harness.planning.borrowing import resolve
from harness.planning.limit_search import step_bytes
from harness.planning.order import Step
from harness.run.instrument import Instrument
from harness.run.limit_searches import TYPICAL_BASE, Searches
from harness.schema.records import Case, Effort, HostSpec, Limit, Outcome, PlannedCase, Trial
from harness.trial.limit.memory_limit import LimitRequest
from tests.journals import MIB, parameter, scenario, strategy

BUDGET = 512 * MIB
STEP = step_bytes(BUDGET)
MOVING = replace(
    scenario((strategy("base"), strategy("reuse"), strategy("other")), {"size": parameter(MIB)}),
    input_parameters=("size",),
)
LIMIT = replace(
    scenario(
        (), {"budget_bytes": parameter(BUDGET, axis=True), "limit": parameter("data")}, name="limit"
    ),
    borrows={"moving": ()},
)
INFOS = {info.name: info for info in resolve([MOVING, LIMIT])}


def planned(name: str, copies: float | None = 1.0, limit: str = "data") -> PlannedCase:
    case = Case("limit", name, {"budget_bytes": BUDGET, "limit": limit})
    return PlannedCase(case, expected_copies=copies)


def attempt(
    case: int, bound: LimitRequest, base: int, *, held: float | None = 1.0, ok: bool = True
) -> Trial:
    held_bytes = None if held is None else round(held * bound.size_bytes)
    return Trial(
        case,
        "limit",
        1,
        Outcome("ok") if ok else Outcome("oom", "no", "array memory"),
        wall_s=0.25,
        payload_bytes=bound.size_bytes,
        limit=Limit(bound.limit, BUDGET, base, bound.size_bytes, "" if ok else "call", held_bytes),
    )


def begun(searches: Searches, case: int = 0) -> int:
    bound = searches.next_bound(case)
    assert bound is not None
    return bound.size_bytes


def test_a_search_begins_where_the_model_says() -> None:
    searches = Searches([planned("base"), planned("other", 3.0), planned("reuse", None)], INFOS)
    free = BUDGET - TYPICAL_BASE["data"]
    assert begun(searches, 0) == free // 2 // STEP * STEP
    assert begun(searches, 1) == free // 4 // STEP * STEP
    assert begun(searches, 2) == free // 2 // STEP * STEP, "without a model: as if it copied once"


def test_what_is_taken_before_any_data_is_learnt_from_any_case_of_the_limit() -> None:
    cases = [planned("base"), planned("other"), planned("other", limit="address_space")]
    searches = Searches(cases, INFOS)
    before = begun(searches, 2)
    searches.note(attempt(0, LimitRequest("data", BUDGET, MIB), 100 * MIB))
    assert begun(searches, 1) == (BUDGET - 100 * MIB) // 2 // STEP * STEP
    assert begun(searches, 2) == before, "another limit counts otherwise"


def test_what_is_held_before_the_call_is_learnt_from_the_strategy_itself() -> None:
    cases = [planned("base", 1.0), planned("reuse", 0.0), planned("other", 1.0)]
    searches = Searches(cases, INFOS)
    base = 112 * MIB  # of 512: 400 MiB are free
    searches.note(attempt(1, LimitRequest("data", BUDGET, 20 * MIB), base, held=2.0))
    assert begun(searches, 1) == 200 * MIB // STEP * STEP
    searches.note(attempt(0, LimitRequest("data", BUDGET, 20 * MIB), base, held=1.0))
    assert begun(searches, 2) == 200 * MIB // STEP * STEP, "as the one that holds least"


def test_a_search_goes_on_from_what_an_interrupted_run_has() -> None:
    first = LimitRequest("data", BUDGET, 80 * STEP)
    done = [
        attempt(0, first, 112 * MIB),
        attempt(0, replace(first, size_bytes=81 * STEP), 112, ok=False),
    ]
    searches = Searches([planned("base")], INFOS, [*done, replace(done[0], kind="memory")])
    assert searches.next_bound(0) is None
    assert searches.number(0) == 3
    whole = searches.whole(0)
    assert whole.outcome.ok
    assert whole.wall_s == 0.5


# One attempt, as it is recorded


class SayingHost:
    """Gives the answer it was told to give, and notes what it was asked."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.spec = HostSpec()
        self.asked: dict[str, Any] = {}
        self.options: dict[str, Any] = {}

    def call(
        self, task: str, request: Mapping[str, Any], timeout_s: float, **options: Any
    ) -> Report:
        if task == "make":
            return Report({"payload_bytes": 1})
        self.asked, self.options = dict(request), options
        return self.report


@contextmanager
def instrument(report: Report) -> Iterator[tuple[Instrument, SayingHost]]:
    plan = Plan(
        "quick", 1, Effort(1, 0.1), 0.0, "fork", (HostSpec(),), (planned("base", limit="cgroup"),)
    )
    host = SayingHost(report)
    with FixtureStore(1) as fixtures:
        yield Instrument(plan, INFOS, {"default": cast("Host", host)}, fixtures), host


STEP_OF_SEARCH = Step(0, "limit", 3)
BOUND = LimitRequest("cgroup", BUDGET, 40 * MIB)


def test_an_attempt_asks_for_the_source_under_the_limit() -> None:
    answer = {"outcome": {"name": "ok"}, "payload_bytes": 40 * MIB}
    with instrument(Report(answer)) as (measuring, host):
        trial = measuring.trial(STEP_OF_SEARCH, BOUND)
    assert (trial.kind, trial.round, trial.outcome.name) == ("limit", 3, "ok")
    assert host.asked["scenario"] == "moving"
    assert host.asked["parameters"] == {"size": 40 * MIB}
    assert host.asked["bound"]["size_bytes"] == 40 * MIB
    assert host.options == {"observe": "limit", "grouped": True}
    assert Path(host.asked["fixture"]).name.startswith("moving-")


def test_an_attempt_that_died_is_known_by_what_it_noted() -> None:
    noted = {"stage": "call", "base_bytes": 7, "held_bytes": 5, "payload_bytes": 6}
    with instrument(Report(None, exit_status=-9, noted=noted, kills=1)) as (measuring, _):
        trial = measuring.trial(STEP_OF_SEARCH, BOUND)
    assert trial.limit == Limit("cgroup", BUDGET, 7, 40 * MIB, "call", 5)
    assert trial.payload_bytes == 6
    assert (trial.outcome.name, trial.outcome.kind) == ("oom", "killed for memory")


def test_a_worker_that_was_killed_for_memory_is_named_so() -> None:
    error = {"name": "error", "reason": "RuntimeError: worker gone", "where": "m.py:1: x"}
    with instrument(Report({"outcome": error}, kills=1)) as (measuring, _):
        outcome = measuring.trial(STEP_OF_SEARCH, BOUND).outcome
    assert (outcome.name, outcome.kind, outcome.where) == ("oom", "killed for memory", "m.py:1: x")
    with instrument(Report({"outcome": error}, kills=0)) as (measuring, _):
        assert measuring.trial(STEP_OF_SEARCH, BOUND).outcome.name == "error"


def test_what_the_machine_has_no_memory_for_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.run.instrument.available_bytes", lambda: 450 * MIB)
    with instrument(Report({"outcome": {"name": "ok"}})) as (measuring, host):
        trial = measuring.trial(STEP_OF_SEARCH, BOUND)
    assert host.asked == {}
    assert trial.outcome == Outcome("skipped", "needs about 480 MiB, but only 450 MiB is free")
    assert trial.limit is not None
    assert trial.limit.size_bytes == 40 * MIB
