"""Whether the functions of a scenario name what there is, which is known before any is called.

How many inputs there are is known only once they have been made; but every function takes the same,
before any parameter. An input may have the name of a parameter. So the count by which the fewest
functions are wrong is taken to be right.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

FOLDER = "folder"
"""The name under which a strategy asks for an empty folder of its own."""
OF_A_CHECK = ("strategy", "group")
"""What a check may name beside parameters: whose result it is given."""
VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
"""Kinds of arguments that take whatever there is."""


@dataclass(frozen=True)
class Named:
    """A function that is given inputs, by the names of its arguments.

    Args:
        label: what to call it.
        function: it.
        more: what it is given beside the inputs: a result, or what a setup returned.
        known: what it may name after them.
    """

    label: str
    function: Callable[..., Any]
    more: int
    known: Collection[str]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(inspect.signature(self.function).parameters)

    @property
    def variadic(self) -> bool:
        """Whether it takes whatever there is."""
        given = inspect.signature(self.function).parameters.values()
        return any(parameter.kind in VARIADIC for parameter in given)

    @property
    def by_keyword(self) -> list[str]:
        """What it takes by keyword alone, while it is called with what comes in its order."""
        given = inspect.signature(self.function).parameters.values()
        return [one.name for one in given if one.kind is inspect.Parameter.KEYWORD_ONLY]

    def unknown(self, inputs: int) -> list[str]:
        """The names that are neither inputs nor known, if there are so many inputs."""
        return [name for name in self.names[max(0, inputs) + self.more :] if name not in self.known]


def unknown_arguments(
    functions: Collection[Named],
    of_parameters: Mapping[str, Callable[..., Any]],
    known: Collection[str],
) -> Iterator[str]:
    """What is named that is not there, one sentence a function.

    Args:
        functions: those that are given inputs.
        of_parameters: by what to call them, those that are given parameters alone.
        known: the parameters.
    """
    taking = [one for one in functions if not one.variadic]
    inputs = _agreed(taking)
    for one in functions:
        if one.by_keyword:
            yield f"{one.label} takes {', '.join(one.by_keyword)} by keyword alone: leave out the *"
    for one in taking:
        missing = one.unknown(inputs)
        if missing:
            yield (
                f"{one.label} names {', '.join(missing)}, which is neither an input nor a "
                f"parameter (there are {', '.join(one.known)})"
            )
    for label, function in of_parameters.items():
        named = Named(label, function, 0, known)
        missing = named.unknown(0)
        if missing and not named.variadic:
            yield (
                f"{label} names {', '.join(missing)}, which is no parameter "
                f"(there are {', '.join(known)})"
            )


def _agreed(taking: Collection[Named]) -> int:
    """How many inputs there are if as few functions as possible are wrong: each takes all."""

    def wrong(inputs: int) -> tuple[int, int]:
        """How many functions, and how many of their names."""
        names = [
            len(one.unknown(inputs)) + max(0, inputs + one.more - len(one.names)) for one in taking
        ]
        return sum(map(bool, names)), sum(names)

    most = max((len(one.names) - one.more for one in taking), default=0)
    return min(range(max(0, most) + 1), key=wrong)
