"""Verdicts and what they rest on, as people read them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from harness.analysis.claims.cells import OF, place_value
from harness.analysis.claims.declared import Part, names
from harness.analysis.claims.evidence import Evidence
from harness.analysis.claims.judge import Answer
from harness.analysis.claims.metrics import METRICS
from harness.analysis.claims.verdict import Judged, PartVerdict
from harness.schema.records import Value
from harness.schema.values import is_number, number_of
from harness.units import format_multiple, plural

MEANINGS = {
    "confirmed": "it holds wherever it was asked for",
    "refuted": "it holds nowhere, or a part of it does not",
    "depends": "it holds here and not there",
    "undecided": "what was measured does not tell",
}
"""What each verdict says, in the order in which they are listed."""


HOLDS = {True: "holds", False: "does not hold", None: "open"}


def evidence_text(judged: Judged) -> str:
    """What a verdict rests on: figures with their intervals, and what was claimed.

    Of a claim that is refuted, the parts that refute it; of one that depends, where it flips.
    """
    parts = [one for one in judged.parts if any(not place.lacks for place in one.evidence)]
    if judged.verdict in ("refuted", "depends"):
        parts = [one for one in parts if one.verdict == judged.verdict]
    return "; ".join(_part_text(one) for one in parts)


def _part_text(part: PartVerdict) -> str:
    known = [one for one in part.evidence if not one.lacks]
    if part.verdict == "depends":
        return f"{_subject(part.part)}: {flips(part)}; claimed {_bound(part.part)}"
    ordered = sorted(known, key=lambda one: (math.isnan(one.centre), one.centre))
    ends = ordered[:1] if len(ordered) == 1 else [ordered[0], ordered[-1]]
    shown = " to ".join(dict.fromkeys(_figure(part.part, one) for one in ends))
    where = f" at {known[0].place.text}" if len(known) == 1 and known[0].place.text else ""
    count = f" at {len(known)} places" if len(known) > 1 else where
    return f"{_subject(part.part)}: {shown}{count}; claimed {_bound(part.part)}"


def flips(part: PartVerdict) -> str:
    """Where a part holds and where it does not, bracketed where one parameter tells them apart."""
    told = [
        (one, answer)
        for one, answer in zip(part.evidence, part.answers, strict=True)
        if answer is not None
    ]
    for name in dict.fromkeys(name for one, _ in told for name in one.place.point):
        bracket = _bracket(part.part, told, name)
        if bracket:
            return bracket
    holds = _listed(part.part, [one for one, answer in told if answer])
    fails = _listed(part.part, [one for one, answer in told if not answer])
    return f"holds at {holds}; not at {fails}"


def _bracket(part: Part, told: Sequence[tuple[Evidence, bool | None]], name: str) -> str:
    """The two nearest places between which it flips, if they differ in this parameter alone."""
    nearest = None
    for one, answer in told:
        for other, opposite in told:
            here, there = dict(one.place.point), dict(other.place.point)
            if not answer or opposite or name not in here or name not in there:
                continue
            first, second = here.pop(name), there.pop(name)
            if here == there:
                distance = _distance(first, second)
                if nearest is None or distance < nearest[0]:
                    nearest = (distance, one, other, first, second)
    if nearest is None:
        return ""
    _, holds, fails, first, second = nearest
    if name == OF:
        return (
            f"holds of {first} ({_figure(part, holds)}), not of {second} ({_figure(part, fails)})"
        )
    rest = {key: value for key, value in holds.place.point.items() if key != name}
    beside = "".join(f", {place_value(key, value)}" for key, value in rest.items())
    return (
        f"holds at {name} {place_value(name, first)} ({_figure(part, holds)}), not at "
        f"{place_value(name, second)} ({_figure(part, fails)}{beside})"
    )


def _distance(one: Value, other: Value) -> float:
    """How far two values of a parameter lie apart, by factors where they are numbers."""
    if not (is_number(one) and is_number(other)):
        return 1.0
    low, high = sorted((number_of(one), number_of(other)))
    return math.log(high / low) if low > 0 else high - low


def _listed(part: Part, places: Sequence[Evidence]) -> str:
    return ", ".join(f"{place_text(one)} ({_figure(part, one)})" for one in places[:3])


def place_text(one: Evidence) -> str:
    """Where a place is; of the only one, its strategy."""
    return one.place.text or one.place.strategy


def _subject(part: Part) -> str:
    """What was measured, such as ``time of from_numpy ÷ torch_tensor``."""
    own, others = " and ".join(names(part.of)), " and ".join(names(part.against))
    metric = METRICS[part.metric].name
    if METRICS[part.metric].question:
        return f"{own}, {METRICS[part.metric].question}"
    text = f"{metric} of {own}"
    if part.along:
        return f"exponent with which {text} grows with the {part.along}"
    if part.where and part.against_where and not others:
        text += f" with {_setting(part.where)} ÷ with {_setting(part.against_where)}"
    return f"{text} ÷ {others}" if others else text


def _setting(given: Mapping[str, Value]) -> str:
    return ", ".join(f"{name}={value}" for name, value in given.items())


def _figure(part: Part, one: Evidence) -> str:
    """A value with its interval where it has one that differs."""
    show = _shown(part)
    middle = show(one.centre)
    if METRICS[part.metric].kind in ("flag", "limit"):
        return middle
    if not math.isfinite(one.high) or not math.isfinite(one.low):
        return middle
    low, high = show(max(one.low, 0.0) if not part.along else one.low), show(one.high)
    return middle if low == high else f"{middle} ({_short(low, high)} to {high})"


def _short(low: str, high: str) -> str:
    """The lower end of a range, without a unit that the upper one has too."""
    _, space, unit = high.rpartition(" ")
    return low.removesuffix(space + unit)


def _shown(part: Part) -> Callable[[float], str]:
    """How a value, ratio or exponent of a part is written."""
    if part.along:
        return _exponent
    return format_multiple if part.compares else METRICS[part.metric].show


def _exponent(value: float) -> str:
    return f"{value:.2f}"


def _bound(part: Part) -> str:
    show = _shown(part)
    least, most = part.at_least, part.at_most
    if METRICS[part.metric].question:
        return show(1.0 if least is not None else 0.0)
    if least is not None and most is not None:
        return f"{_short(show(least), show(most))} to {show(most)}"
    return f"at least {show(least)}" if least is not None else f"at most {show(most or 0.0)}"


def undecided_text(answer: Answer) -> str:
    """Why nothing is concluded, and the command that would decide it."""
    why = answer.judged.why
    if answer.deciding is None:
        return f"{why}: nothing that can be run decides it" if why else ""
    return f"{why}; {answer.deciding.duration}: {answer.deciding.text}"


def counts_text(answers: Sequence[Answer]) -> str:
    """How many claims there are of each verdict."""
    pieces = [
        f"{sum(one.judged.verdict == verdict for one in answers)} {verdict}" for verdict in MEANINGS
    ]
    return f"{plural(len(answers), 'claim')}: {', '.join(pieces)}"


def by_verdict(answers: Sequence[Answer]) -> Iterator[Answer]:
    """Those that were decided first, each group by number."""
    yield from (one for one in answers if one.judged.decided)
    yield from (one for one in answers if not one.judged.decided)


def place_lines(judged: Judged) -> Iterator[str]:
    """Every place that was judged: its figure, and whether the claim holds there."""
    for part in judged.parts:
        yield f"{_subject(part.part)}; claimed {_bound(part.part)}: {part.verdict}"
        for one, answer in zip(part.evidence, part.answers, strict=True):
            told = one.lacks or f"{_figure(part.part, one)}, {HOLDS[answer]}"
            yield f"  {place_text(one)}: {told}"
