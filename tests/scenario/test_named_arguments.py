"""Arguments that nobody gives are found before anything is measured; those that are given pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.scenario.named_arguments import OF_A_CHECK, Named, unknown_arguments

PARAMETERS = ["amount", "size"]


def found(check: Callable[..., Any], *strategies: Callable[..., Any]) -> list[str]:
    named = [Named("its check", check, 1, [*PARAMETERS, *OF_A_CHECK])]
    named += [Named(f"strategy {n}", one, 0, PARAMETERS) for n, one in enumerate(strategies)]
    return list(unknown_arguments(named, {}, PARAMETERS))


@pytest.mark.parametrize(
    ("check", "strategies"),
    [
        # An input may be called as a parameter is: alone, as the second one, and as both.
        (lambda amount, result: None, [lambda amount: None]),
        (lambda data, size, result: None, [lambda data, size: None]),
        (lambda amount, size, result, group: None, [lambda amount, size: None]),
        (lambda data, result: None, [lambda data: None, lambda data, size: None]),
        (lambda data, result, strategy: None, [lambda data, *rest: None]),
        (lambda result: None, [lambda: None]),  # no inputs at all
    ],
)
def test_what_is_given_may_be_named(
    check: Callable[..., Any], strategies: list[Callable[..., Any]]
) -> None:
    assert found(check, *strategies) == []


@pytest.mark.parametrize(
    ("check", "strategies", "name"),
    [
        (lambda data, result, siz: None, [lambda data: None], "siz"),
        (lambda data, result: None, [lambda data: None, lambda data, siz: None], "siz"),
        (lambda amount, result, siz: None, [lambda amount: None], "siz"),
        (lambda amount, result: None, [lambda amount: None, lambda amount, siz: None], "siz"),
    ],
)
def test_what_nobody_gives_is_named(
    check: Callable[..., Any], strategies: list[Callable[..., Any]], name: str
) -> None:
    (problem,) = found(check, *strategies)
    assert f"names {name}, which is neither" in problem
