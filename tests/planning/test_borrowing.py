"""Strategies of one scenario, tried by another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from harness.errors import UsageError
from harness.planning.borrowing import resolve, source_case, source_of
from harness.planning.forecast import PROCESS_BYTES, Facts, complete
from harness.planning.order import rounds
from harness.planning.plan import Request, expand
from harness.schema.description import ScenarioInfo
from harness.schema.records import Case, Effort
from tests.journals import MIB, parameter, scenario, strategy

GIB = 1024 * MIB
MOVING = replace(
    scenario(
        (strategy("base"), strategy("cast", at={"dtype": "f8"}), strategy("slow", max_size=MIB)),
        {
            "size": parameter(MIB, axis=True),
            "dtype": parameter("f4", "f4", "f8"),
            "threads": parameter(1, 1, 4),
        },
    ),
    input_parameters=("size", "dtype"),
)
OTHER = scenario((strategy("list"),), name="other", baseline="list")


def limit(**borrows: tuple[str, ...]) -> ScenarioInfo:
    budgets = replace(parameter(512 * MIB, 512 * MIB, GIB, axis=True), quick=(384 * MIB,))
    limits = replace(parameter("data", "data", "cgroup"), quick=("data",))
    return replace(
        scenario(
            (),
            {
                "budget_bytes": budgets,
                "limit": replace(limits, beside={"budget_bytes": GIB}),
            },
            name="limit",
        ),
        borrows=borrows,
        input_parameters=(),
    )


def resolved(*infos: ScenarioInfo) -> Mapping[str, ScenarioInfo]:
    return {info.name: info for info in resolve(infos)}


BOTH = resolved(limit(moving=("base", "cast"), other=()), MOVING, OTHER)


def test_strategies_keep_their_names_and_tell_where_they_are_from() -> None:
    found = BOTH["limit"].strategies
    assert [one.name for one in found] == ["base", "cast", "slow", "list"]
    assert [one.group for one in found] == ["moving", "moving", "moving", "other"]
    assert [one.in_quick for one in found] == [True, True, False, False]
    cast = BOTH["limit"].strategy("cast")
    assert cast.parameters == {"size": MIB, "dtype": "f8", "threads": 1}
    assert cast.at == {}
    assert (cast.source, cast.doc) == (MOVING.strategy("cast").source, "What cast does.")
    assert BOTH["moving"] == MOVING, "those that lend are as they were"


def test_cases_name_the_budget_and_the_limit_alone() -> None:
    infos = list(BOTH.values())
    quick = expand(infos, Request(("limit",), "quick"))
    assert [one.case.key for one in quick] == [
        f"limit/{name} budget_bytes={384 * MIB} limit=data" for name in ("base", "cast")
    ]
    usual = expand(infos, Request(("limit/list",), "usual"))
    points = {(one.case.parameters["budget_bytes"], one.case.parameters["limit"]) for one in usual}
    assert points == {(512 * MIB, "data"), (GIB, "data"), (GIB, "cgroup")}
    assert {one.case.strategy for one in usual if one.baseline} == {"base"}
    asked = {"budget_bytes": ("1GiB", "2GiB"), "limit": ("data", "cgroup")}
    crossed = expand(infos, Request(("limit/base",), "quick", asked))
    assert len(crossed) == 4


def test_the_scenario_that_declares_a_strategy_is_asked_at_its_own_point() -> None:
    info = BOTH["limit"]
    case = Case("limit", "cast", {"budget_bytes": 8 * MIB, "limit": "data"}, "elsewhere")
    source = source_of(info, info.strategy("cast"))
    assert (source.name, source.path, source.input_parameters) == (
        "moving",
        MOVING.path,
        ("size", "dtype"),
    )
    own = source_case(info, case, 3 * MIB)
    assert own.scenario == "moving"
    assert own.host == "elsewhere"
    assert own.parameters == {"size": 3 * MIB, "dtype": "f8", "threads": 1}
    assert source_case(info, case).parameters["size"] == 8 * MIB
    plain = Case("moving", "base", {"size": MIB})
    assert source_case(MOVING, plain) is plain
    assert source_of(MOVING, MOVING.strategy("base")) is MOVING


@pytest.mark.parametrize(
    ("infos", "expected"),
    [
        (
            (limit(gone=()), MOVING),
            "limit borrows from gone, which is not loaded (there are moving)",
        ),
        (
            (limit(moving=("bass",)), MOVING),
            "limit borrows bass, which moving does not have",
        ),
        (
            (limit(moving=(), other=()), MOVING, replace(OTHER, strategies=(strategy("base"),))),
            "limit borrows two strategies named base, of moving and other; one of them needs "
            "another name",
        ),
        (
            (limit(other=()), OTHER),
            "limit: no strategy 'base' among those it borrows",
        ),
        (
            (limit(other=()), replace(OTHER, probe=True)),
            "limit cannot borrow from other, which makes no data of a given size",
        ),
        (
            (limit(other=()), replace(OTHER, parameters={"rows": parameter(3)})),
            "limit cannot borrow from other, which makes no data of a given size",
        ),
    ],
)
def test_what_cannot_be_borrowed_is_one_line(
    infos: tuple[ScenarioInfo, ...], expected: str
) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(infos)
    assert str(caught.value) == expected


def test_a_search_is_one_step_and_nothing_else_is_measured() -> None:
    cases = expand(list(BOTH.values()), Request(("limit",), "quick"))
    steps = [step for steps in rounds(cases, BOTH, Effort(3, 0.1), seed=1) for step in steps]
    assert sorted((step.case, step.kind, step.round) for step in steps) == [
        (0, "limit", 0),
        (1, "limit", 0),
    ]


def test_what_a_search_may_need_is_its_budget() -> None:
    infos = list(BOTH.values())
    request = Request(("limit",), "usual")
    cases = expand(infos, request)
    facts = [Facts("", 1.0, tree=True) for _ in cases]
    done = complete(cases, facts, infos, request, 2 * GIB)
    by_key = {(one.case.strategy, one.case.parameters["budget_bytes"]): one for one in done}
    base = by_key["base", 512 * MIB]
    assert base.forecast_bytes == PROCESS_BYTES + 512 * MIB
    assert base.expected_copies == 1.0
    assert (base.skip, base.tree) == ("", False)
    assert by_key["slow", 512 * MIB].skip == (
        "not worth the time above 1 MiB; use naming it or --full to measure it"
    )
    named = Request(("limit/slow",), "usual")
    cases = expand(infos, named)
    done = complete(cases, [Facts("", 1.0)] * len(cases), infos, named, 2 * GIB)
    assert {one.skip for one in done} == {""}
    done = complete(cases, [Facts("", 1.0)] * len(cases), infos, named, GIB)
    assert any("is free" in one.skip for one in done)
