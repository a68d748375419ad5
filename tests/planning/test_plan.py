"""The plan: which cases, in which order, and which are refused before they are run."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from harness.errors import UsageError
from harness.planning.forecast import PROCESS_BYTES, complete, too_big
from harness.planning.order import rounds
from harness.planning.plan import (
    Request,
    expand,
    keys_in,
    needed_hosts,
    parse_value,
    points,
    select,
)
from harness.schema.description import Variant
from harness.schema.records import Effort, HostSpec, Value
from harness.schema.request import Facts
from tests.journals import MIB, parameter, planned, scenario, strategy

GRID = {
    "size": parameter(MIB, MIB, 4 * MIB, axis=True),
    "dtype": parameter("f4", "f4", "f8"),
    "layout": parameter("C", "C", "F"),
}
INFO = replace(
    scenario((strategy("base"), strategy("other"), strategy("cast", at={"dtype": "f8"})), GRID),
    input_parameters=tuple(GRID),
)
LOADERS = replace(
    scenario(
        (
            replace(strategy("base"), names=("data", "workers", "start")),
            replace(strategy("slices"), names=("data",)),
        ),
        {
            "size": parameter(MIB, MIB, axis=True),
            "workers": parameter(0, 0, 2),
            "start": replace(parameter("fork", "fork", "spawn"), beside={"workers": 2}),
            "threads": parameter(1, 1, 4),
        },
    ),
    epochs=True,
)


BY_NAME = {INFO.name: INFO}


def labels(cases: Iterable[Mapping[str, Value]]) -> list[tuple[Value, ...]]:
    return [tuple(case.values()) for case in cases]


def test_axes_are_crossed_and_the_rest_varied_alone() -> None:
    found = labels(points(INFO, INFO.strategies[0], "usual", {}))
    assert found == [
        (MIB, "f4", "C"),
        (4 * MIB, "f4", "C"),
        (MIB, "f8", "C"),
        (MIB, "f4", "F"),
    ]


def test_full_varies_the_rest_at_every_value_of_the_axes() -> None:
    found = labels(points(INFO, INFO.strategies[0], "full", {}))
    assert len(found) == 2 + 2 + 2
    assert (4 * MIB, "f8", "C") in found
    assert (4 * MIB, "f8", "F") not in found


def test_overrides_are_crossed_with_everything() -> None:
    overrides = {"dtype": ("f4", "f8"), "size": (16,)}
    found = labels(points(INFO, INFO.strategies[0], "quick", overrides, vary=False))
    assert found == [(16, "f4", "C"), (16, "f8", "C")]


def test_a_strategys_own_values_hold_unless_overridden() -> None:
    cast = INFO.strategies[2]
    assert {point["dtype"] for point in points(INFO, cast, "usual", {})} == {"f8"}
    asked = {"dtype": ("f4",)}
    assert {point["dtype"] for point in points(INFO, cast, "usual", asked)} == {"f4"}


def test_the_baseline_is_measured_wherever_another_strategy_is() -> None:
    cases = [one.case for one in expand([INFO], Request(("moving/cast",)))]
    cast_points = {case.point for case in cases if case.strategy == "cast"}
    base_points = {case.point for case in cases if case.strategy == "base"}
    assert cast_points <= base_points
    assert not any(case.strategy == "other" for case in cases)


def test_no_case_is_planned_twice() -> None:
    keys = [one.case.key for one in expand([INFO], Request(level="full"))]
    assert len(keys) == len(set(keys))


def test_variants_run_beside_the_default_host_and_only_there_is_a_baseline() -> None:
    variant = Variant("huge", {"X": "1"}, ("base",), "")
    info = replace(INFO, variants=(variant,))
    request = Request(hosts=(HostSpec("mine", env={"Y": "2"}),))
    cases = expand([info], request)
    assert {c.case.strategy for c in cases if c.case.host == "huge"} == {"base"}
    assert {c.case.strategy for c in cases if c.case.host == "mine"} == {"base", "other", "cast"}
    assert all(c.case.host == "default" for c in cases if c.baseline)
    assert [h.name for h in needed_hosts([info], request)] == ["default", "huge", "mine"]
    with pytest.raises(UsageError, match="huge"):
        needed_hosts([info], Request(hosts=(HostSpec("huge"),)))


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Request(("moved",)), ["no scenario 'moved'", "there are moving"]),
        (Request(("moving/bse",)), ["no strategy 'bse'", "did you mean base"]),
        (Request(("moving/zzz",)), ["no strategy 'zzz'", "there are base, other, cast"]),
        (Request(overrides={"colour": ("red",)}), ["no parameter 'colour'", "size, dtype, layout"]),
        (Request(overrides={"size": ("huge",)}), ["'huge' is not a size"]),
        (Request(overrides={"size": ("0",)}), ["'0'", "positive"]),
        (Request(overrides={"size": ("-4",)}), ["'-4' is not a size"]),
    ],
)
def test_unknown_names_are_answered_with_known_ones(request_: Request, words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        expand([INFO], request_)
    assert all(word in str(caught.value) for word in words)


def test_values_are_read_as_the_parameters_type() -> None:
    assert parse_value("size", parameter(1), "2KiB") == 2048
    assert parse_value("batch_size", parameter(32), "64") == 64
    assert parse_value("rate", parameter(0.5), "0.25") == 0.25
    chosen = replace(parameter(1), choices=(1, "all"))
    assert parse_value("threads", chosen, "1") == 1
    assert parse_value("threads", chosen, "all") == "all"
    with pytest.raises(UsageError, match="choose from 1, all"):
        parse_value("threads", chosen, "2")
    with pytest.raises(UsageError, match="batch_size cannot be 'many'"):
        parse_value("batch_size", parameter(32), "many")


def test_a_value_only_some_scenarios_know_leaves_the_others_out() -> None:
    other = replace(
        scenario(parameters={"size": parameter(MIB, axis=True), "layout": parameter("C")}),
        name="other",
    )
    choosy = replace(GRID["layout"], choices=("C", "F"))
    info = replace(INFO, parameters={**GRID, "layout": choosy})
    plain = replace(other.parameters["layout"], choices=("C", "T"))
    other = replace(other, parameters={**other.parameters, "layout": plain})
    found = expand([info, other], Request(overrides={"layout": ("T",)}))
    assert {one.case.scenario for one in found} == {"other"}
    with pytest.raises(UsageError, match="layout cannot be 'X'; choose from C, F"):
        expand([info, other], Request(overrides={"layout": ("X",)}))


def test_select_takes_everything_when_nothing_is_named() -> None:
    assert [len(strategies) for _, strategies in select([INFO], ())] == [3]


def test_a_case_that_cannot_fit_is_skipped_with_both_figures() -> None:
    case = planned("base", 512 * MIB)
    done = complete([case], [Facts("", 3.0)], [INFO], Request(), free_bytes=2048 * MIB)
    assert done[0].forecast_bytes == PROCESS_BYTES + 4 * 512 * MIB
    assert done[0].skip == "needs about 2.39 GiB, but only 2 GiB is free"
    fits = complete([case], [Facts("", 0.0)], [INFO], Request(), free_bytes=2048 * MIB)
    assert fits[0].skip == ""
    assert too_big(90, 100) == ""
    assert too_big(91, 100) != ""


def test_a_declared_limit_yields_to_an_explicit_size() -> None:
    info = scenario((strategy("base", max_size=MIB), strategy("other")))
    facts = [Facts("", 1.0)]
    case = [planned("base", 4 * MIB)]
    free = 64 * 1024 * MIB
    assert "1 MiB" in complete(case, facts, [info], Request(), free)[0].skip
    assert complete(case, facts, [info], Request(level="full"), free)[0].skip == ""
    asked = Request(overrides={"size": ("4MiB",)})
    assert complete(case, facts, [info], asked, free)[0].skip == ""


def test_the_scenarios_own_reason_to_skip_wins() -> None:
    done = complete([planned("base", 1 << 50)], [Facts("no such thing")], [INFO], Request(), 1)
    assert done[0].skip == "no such thing"


def test_rounds_repeat_every_case_in_an_order_of_their_own() -> None:
    sizes = [MIB * (1 + n) for n in range(6)]
    cases = [planned(name, size) for size in sizes for name in ("base", "other", "third")]
    first, *later = rounds(cases, BY_NAME, Effort(4, 0.1), seed=7)
    assert len(later) == 4
    assert {step.kind for step in first} == {"memory"}
    for number, steps in enumerate(later, start=1):
        assert sorted(step.case for step in steps) == list(range(len(cases)))
        assert {(step.kind, step.round) for step in steps} == {("time", number)}
    orders = [tuple(step.case for step in steps) for steps in later]
    assert len(set(orders)) == 4
    # Neighbours share their point, so a strategy is never far from its baseline.
    for order in orders:
        points_in_order = [cases[index].case.point for index in order]
        changes = sum(a != b for a, b in itertools.pairwise(points_in_order))
        assert changes == len(sizes) - 1


def test_the_order_depends_on_nothing_but_the_seed() -> None:
    cases = [planned("base", MIB * n) for n in range(1, 9)]
    once, again, other = (list(rounds(cases, BY_NAME, Effort(2, 0.1), seed)) for seed in (3, 3, 4))
    assert once == again
    assert once != other


def test_memory_may_be_looked_at_in_several_rounds() -> None:
    effort = Effort(1, 0.1, memory_trials=3)
    kinds = [
        sorted(step.kind for step in steps)
        for steps in rounds([planned("base")], BY_NAME, effort, seed=1)
    ]
    assert kinds == [["memory"], ["memory", "time"], ["memory"]]


def test_probes_run_once_and_skipped_cases_never() -> None:
    cases = [planned("base"), planned("other", skip="no")]
    probing = {"moving": replace(INFO, probe=True)}
    steps = [step for number in rounds(cases, probing, Effort(3, 0.1), seed=1) for step in number]
    assert [(step.case, step.kind) for step in steps] == [(0, "probe")]


def test_a_parameter_is_varied_only_for_strategies_that_feel_it() -> None:
    base, slices = (labels(points(LOADERS, one, "usual", {})) for one in LOADERS.strategies)
    assert base == [
        (MIB, 0, "fork", 1),
        (MIB, 2, "fork", 1),
        (MIB, 2, "spawn", 1),  # beside two workers, since without any it makes no difference
        (MIB, 0, "fork", 4),
    ]
    assert slices == [(MIB, 0, "fork", 1), (MIB, 0, "fork", 4)]


def test_what_is_asked_for_reaches_only_strategies_that_feel_it() -> None:
    asked: dict[str, tuple[Value, ...]] = {"workers": (1,), "start": ("fork", "spawn")}
    base, slices = (labels(points(LOADERS, one, "usual", asked)) for one in LOADERS.strategies)
    assert base == [
        (MIB, 1, "fork", 1),
        (MIB, 1, "spawn", 1),
        (MIB, 1, "fork", 4),
        (MIB, 1, "spawn", 4),
    ]
    assert slices == [(MIB, 0, "fork", 1), (MIB, 0, "fork", 4)]


@pytest.mark.parametrize(("weighs", "kinds"), [("time", ["memory", "tree"]), ("memory", ["tree"])])
def test_a_case_with_workers_has_its_tree_watched_in_a_trial_of_its_own(
    weighs: Literal["time", "memory"], kinds: list[str]
) -> None:
    cases = [replace(planned("base"), tree=True), planned("other")]
    infos = {"moving": replace(INFO, weighs=weighs)}
    first, second, third = rounds(cases, infos, Effort(2, 0.1), seed=1)
    assert sorted(step.kind for step in first if step.case == 0) == kinds
    assert [step.kind for step in first if step.case == 1] == ["memory"]
    assert {step.kind for step in second} == {"time"}
    assert [step.kind for step in third] == (["time", "time"] if weighs == "time" else [])


def test_only_named_cases_are_measured_and_their_names_must_be_known(tmp_path: Path) -> None:
    everything = {one.case.key: one for one in expand([INFO], Request(level="full"))}
    first, second, *_ = sorted(everything)
    file = tmp_path / "suspects.txt"
    file.write_text(f"{second}\n{first}\n")
    chosen = expand([INFO], Request(level="full", only=keys_in(file)))
    assert [one.case.key for one in chosen] == [k for k in everything if k in (first, second)]
    with pytest.raises(UsageError, match="case moving/nothing"):
        expand([INFO], Request(only=frozenset({"moving/nothing"})))


@pytest.mark.parametrize(("text", "said"), [(None, "cannot be read"), ("\n", "names no case")])
def test_a_file_that_names_no_case_is_refused(text: str | None, said: str, tmp_path: Path) -> None:
    file = tmp_path / "suspects.txt"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UsageError, match=said):
        keys_in(file)
