"""A claim as it is declared beside its scenario: a statement, and what must hold if it is true.

A claim's parts must all hold. A part compares one metric of some cases with a bound, or its ratio
to that of other cases, or how it grows along a parameter. It says at which values the cases must
have been measured; where one of them is missing, nothing is concluded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import msgspec

from harness.analysis.claims.metrics import METRICS
from harness.schema.records import Value
from harness.schema.values import is_number, number_of
from harness.units import parse_size

Names = str | tuple[str, ...]
NEAR = 2.0
"""A size or another number is measured where one within this factor of it was."""


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One condition.

    Args:
        metric: what is measured, by its name in :data:`METRICS`.
        of: strategies; each one's cases are judged by themselves.
        where: parameters of theirs that do not take their usual values.
        against: strategies that they are divided by, at the same point; themselves if only
            ``against_where`` is given.
        against_where: parameters that differ there.
        over: by parameter, the values that must have been measured, as lists. For numbers, one
            within a factor of two will do, and all others between the ends are judged too.
        along: a parameter of ``over``: what counts is the exponent with which the metric grows
            from each of its values to the next.
        at_least: the lowest value, ratio or exponent at which the claim is true.
        at_most: the same, the highest.
        scenario: another one than the claim stands beside.
    """

    metric: str
    of: Names
    where: Mapping[str, Value] = {}
    against: Names = ()
    against_where: Mapping[str, Value] = {}
    over: Mapping[str, tuple[Value, ...]] = {}
    along: str = ""
    at_least: float | None = None
    at_most: float | None = None
    scenario: str = ""

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise ValueError(f"no metric {self.metric!r} (there are: {', '.join(METRICS)})")
        if self.at_least is None and self.at_most is None:
            raise ValueError("a part needs at_least or at_most: nothing could refute it")
        if self.along and self.along not in self.over:
            raise ValueError(f"along names {self.along!r}, which over does not list")
        if self.along and self.compares:
            raise ValueError("a part has along or against, not both")
        if len(names(self.of)) > 1 and len(names(self.against)) > 1:
            raise ValueError("of or against may name several strategies, not both")
        if not all(self.over.values()):
            raise ValueError("over lists no value of a parameter")
        if not all(math.isfinite(bound) for bound in (self.at_least, self.at_most) if bound):
            raise ValueError("at_least and at_most must be finite")
        for name, value in self._values():
            taken = value_of(name, value)
            if name == self.along and not (is_number(taken) and number_of(taken) > 0):
                raise ValueError(f"along {name}: {value!r} is no number above zero")

    def _values(self) -> Iterator[tuple[str, Value]]:
        yield from self.where.items()
        yield from self.against_where.items()
        for name, values in self.over.items():
            yield from ((name, value) for value in values)

    @property
    def compares(self) -> bool:
        """Whether a ratio is judged."""
        return bool(self.against or self.against_where)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Strategies that are judged, each with that which it is divided by; "" for none."""
        own, others = names(self.of), names(self.against)
        if not self.compares:
            return tuple((name, "") for name in own)
        if not others:
            return tuple((name, name) for name in own)
        return tuple((one, other) for one in own for other in others)


class Claim(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One statement.

    Args:
        code: its number, unique among all.
        statement: what is said, as one sentence.
        source: who says so: an article's title.
        parts: what must hold, all of it; without any, nothing that is measured decides it.
        device: it is about an accelerator.
        lacks: of a claim without parts, why nothing that is measured decides it.
        scenario: beside which it stands; known from the file.
    """

    code: str
    statement: str
    source: str
    parts: tuple[Part, ...] = ()
    device: bool = False
    lacks: str = ""
    scenario: str = ""

    def __post_init__(self) -> None:
        if bool(self.parts) == bool(self.lacks):
            raise ValueError("a claim has parts, or says what it lacks")


def names(given: Names) -> tuple[str, ...]:
    """One name or several, as a tuple."""
    return (given,) if isinstance(given, str) else given


def value_of(parameter: str, value: Value) -> Value:
    """A value as a plan has it: sizes are written ``2MiB``.

    Raises:
        ValueError: not a size.
    """
    if isinstance(value, str) and (parameter == "size" or parameter.endswith("_bytes")):
        return parse_size(value)
    return value


def near(one: Value, other: Value) -> bool:
    """Whether a value that was measured stands for one that is asked for."""
    if not (is_number(one) and is_number(other)):
        return one == other
    low, high = sorted((number_of(one), number_of(other)))
    return low == high or (low > 0 and high / low <= NEAR)


def within(value: Value, wanted: tuple[Value, ...]) -> bool:
    """Whether a value lies among those that are asked for, or between them."""
    numbers = sorted(number_of(one) for one in wanted if is_number(one))
    if not is_number(value) or len(numbers) < len(wanted):
        return value in wanted
    return numbers[0] / NEAR <= number_of(value) <= numbers[-1] * NEAR
