"""Declaring a scenario: what is refused, how arguments are found, and what is shown of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest

from harness import Parameter, Scenario
from harness.scenario import SIZES
from harness.scenario.declaration import (
    DeclarationError,
    Strategy,
    argument_names,
    arguments,
    call_with,
)
from harness.schema.description import LEVELS
from harness.trial.describe import describe
from harness.trial.source import source


def make(**changed: Any) -> Scenario:
    options = {"question": "?", "baseline": "first", "parameters": {"size": 64, "dtype": "f4"}}
    return Scenario("example", **(options | changed))


def complete() -> Scenario:
    scenario = make()

    @scenario.inputs
    def array(size: int, rng: Any) -> Any:
        return [size, rng]

    @scenario.strategy()
    def first(array: Any) -> Any:
        return array

    @scenario.check
    def check(array: Any, result: Any) -> None:
        assert array == result

    return scenario


def strategy_of(scenario: Scenario, **options: Any) -> Strategy:
    """The source of a strategy is looked at as it stands here."""

    @scenario.strategy(copies=1, **options)
    def shown(
        array: Any,
        size: int,
    ) -> Any:
        """Not for the reader
        who pastes.
        """
        text = """kept
        as it is"""
        return array, text  # kept

    return scenario.strategies["shown"]


# Refused


def test_a_name_is_an_identifier() -> None:
    with pytest.raises(DeclarationError, match="scenario name 'no name' is not an identifier"):
        Scenario("no name", question="?", baseline="x")


@pytest.mark.parametrize("level", ["default", "quick", "usual", "full"])
def test_a_level_takes_only_what_is_a_choice(level: str) -> None:
    options: dict[str, Any] = {"default": "a", "choices": ("a", "b")}
    options |= {level: "c" if level == "default" else ("a", "c")}
    with pytest.raises(DeclarationError, match=r"example: kind=c .* is not among its choices"):
        make(parameters={"kind": Parameter(**options)})


def test_inputs_take_parameters_and_rng_only() -> None:
    with pytest.raises(DeclarationError, match=r"takes shape, .* size, dtype, rng, folder\)"):

        @make().inputs
        def array(size: int, shape: int, rng: Any) -> None: ...


def test_a_strategy_is_declared_once() -> None:
    scenario = complete()
    with pytest.raises(DeclarationError, match="example: strategy first is declared twice"):

        @scenario.strategy()
        def first(array: Any) -> None: ...


def test_at_names_parameters() -> None:
    with pytest.raises(DeclarationError, match="example/first: at= names no parameter 'color'"):

        @make().strategy(at={"color": 1})
        def first(array: Any) -> None: ...


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("make_inputs", "example: no @scenario.inputs function"),
        ("verify", "example: no @scenario.check function"),
    ],
)
def test_an_incomplete_scenario_is_refused(missing: str, message: str) -> None:
    scenario = complete()
    scenario.validate()
    setattr(scenario, missing, None)
    with pytest.raises(DeclarationError, match=message):
        scenario.validate()


def test_the_baseline_is_a_strategy() -> None:
    scenario = complete()
    scenario.baseline = "second"
    with pytest.raises(DeclarationError, match=r"no strategy 'second' \(there are first\)"):
        scenario.validate()


def test_variants_name_strategies() -> None:
    scenario = complete()
    scenario.variant("huge", env={"A": "1"}, strategies=["first", "third"], doc="")
    with pytest.raises(DeclarationError, match="no strategy 'third'"):
        scenario.validate()


# Arguments


def test_functions_get_what_they_name() -> None:
    available = {"a": 1, "b": 2, "c": 3}
    assert call_with(lambda c, a: (c, a), available) == (3, 1)
    assert call_with(lambda: "nothing", available) == "nothing"
    assert argument_names(lambda x, y=2: x) == ("x", "y")


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda array: 0, ("A",)),
        (lambda whatever: 0, ("A",)),
        (lambda array, size: 0, ("A", 64)),
        (lambda array, dtype, size: 0, ("A", "f4", 64)),
    ],
)
def test_inputs_come_first_whatever_they_are_called(
    function: Callable[..., int], expected: tuple[Any, ...]
) -> None:
    assert arguments(function, ("A",), {"size": 64, "dtype": "f4"}) == expected


def test_a_function_that_takes_too_little_is_told_so() -> None:
    def strategy(array: Any) -> None: ...

    with pytest.raises(DeclarationError, match=r"strategy\(array\) takes fewer than the 2 values"):
        arguments(strategy, (1, 2), {})


def test_a_function_that_wants_too_much_is_told_what_there_is() -> None:
    def strategy(array: Any, size: int, colour: str) -> None: ...

    with pytest.raises(DeclarationError, match=r"wants colour, .* \(there are size, dtype\)"):
        arguments(strategy, (1,), {"size": 64, "dtype": "f4"})


# Defaults and descriptions


def test_a_plain_value_is_a_parameter_and_size_an_axis() -> None:
    parameters = make().parameters
    assert parameters["size"] == Parameter(64, axis=True)
    assert parameters["dtype"] == Parameter("f4")
    assert make(parameters=None).parameters == {"size": SIZES}


def test_a_level_without_values_takes_the_default() -> None:
    parameter = Parameter(1, full=(1, 2))
    assert [parameter.values(level) for level in LEVELS] == [
        (1,),
        (1,),
        (1, 2),
    ]


def test_a_description_is_json_and_says_everything() -> None:
    scenario = complete()
    strategy_of(scenario, at={"size": 8}, shares_memory=True, group="g", max_size=99)
    scenario.variant("huge", env={"A": "1"}, strategies=["first"], doc="pages")
    described = json.loads(json.dumps(asdict(describe(scenario, "/file.py"))))
    assert described["input_parameters"] == ["size"]
    assert described["parameters"]["size"]["axis"] is True
    assert described["variants"] == [
        {"name": "huge", "env": {"A": "1"}, "strategies": ["first"], "doc": "pages"}
    ]
    shown = described["strategies"][1]
    assert shown["doc"] == "Not for the reader\nwho pastes."
    expected = {"group": "g", "shares_memory": True, "at": {"size": 8}, "max_size": 99}
    assert {name: shown[name] for name in expected} == expected


def test_the_source_is_what_a_user_pastes() -> None:
    assert source(strategy_of(complete())) == (
        "def shown(\n"
        "    array: Any,\n"
        "    size: int,\n"
        ") -> Any:\n"
        '    text = """kept\n'
        '    as it is"""\n'
        "    return array, text  # kept"
    )


def test_the_source_begins_with_the_setup() -> None:
    def prepare(array: Any) -> int:
        return 1

    text = source(strategy_of(complete(), setup=prepare))
    assert text.startswith("def prepare(array: Any) -> int:\n    return 1\n\ndef shown(\n")


def test_a_function_of_nothing_but_a_docstring_keeps_it() -> None:
    scenario = complete()

    @scenario.strategy()
    def documented(array: Any) -> None:
        """All there is."""

    assert source(scenario.strategies["documented"]).endswith('"""All there is."""')


def test_a_group_that_is_not_declared_is_an_error_where_some_are() -> None:
    scenario = make(groups={"in": "if it goes in"})
    strategy_of(scenario, group="in")
    with pytest.raises(DeclarationError, match=r"there is no group 'out' \(there are: in\)"):
        strategy_of(make(groups={"in": "if it goes in"}), group="out")
    with pytest.raises(DeclarationError, match="there is no group ''"):
        strategy_of(make(groups={"in": "if it goes in"}))


def test_what_is_borrowed_is_grouped_by_where_it_comes_from() -> None:
    for given in ({"groups": {"b": "to do b"}}, {"possible": {"b": "b can be done"}}):
        scenario = Scenario(
            "limit",
            question="?",
            baseline="one",
            borrows={"a": ()},
            parameters={"budget_bytes": 1, "limit": "data"},
            **given,  # type: ignore[arg-type]
        )
        with pytest.raises(DeclarationError, match=r"group 'b' is no scenario it borrows from"):
            scenario.validate()


@pytest.mark.parametrize("what", ["inputs", "check", "step"])
def test_parentheses_where_there_are_none_are_one_line(what: str) -> None:
    match = f"example: write @scenario.{what} without parentheses"
    with pytest.raises(DeclarationError, match=match):
        getattr(make(epochs=True), what)()


def test_what_is_taken_by_keyword_alone_is_refused_before_anything_is_called() -> None:
    scenario = complete()

    @scenario.strategy()
    def second(array: Any, *, size: int) -> None: ...

    with pytest.raises(DeclarationError, match="second takes size by keyword alone: leave out the"):
        scenario.validate()


def test_functions_may_take_whatever_there_is() -> None:
    def skip(size: int, **others: Any) -> Any:
        return size, others

    def strategy(*inputs: Any) -> None: ...

    def check(array: Any, result: Any, size: int, **others: Any) -> None: ...

    assert call_with(skip, {"size": 1, "dtype": "u1"}) == (1, {"dtype": "u1"})
    assert arguments(strategy, (1, 2, 3), {"size": 4}) == (1, 2, 3)
    assert arguments(check, (1, 2), {"size": 4}) == (1, 2, 4)
