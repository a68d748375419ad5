"""The verdict on one claim: from what holds at every place of its parts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.analysis.claims.declared import Claim, Part
from harness.analysis.claims.evidence import Evidence
from harness.analysis.claims.metrics import METRICS

Verdict = Literal["confirmed", "refuted", "depends", "undecided"]
VERDICTS: tuple[Verdict, ...] = ("confirmed", "refuted", "depends", "undecided")
WRONG = 0.05
"""The probability that any verdict of a run that rests on times is wrong: over all its claims."""
MEANINGLESS = 0.01
"""How often a claim may be decided where labels mean nothing."""
MOST_TRIALS = 40
"""More than these are not asked for: what so many leave open lies at the margin."""
LEAST_TRIALS = 7
"""Processes that a command for what is undecided asks for: with the one that is observed, readings
of so many lie on the same side of a bound in less than 1% of all cases if either side is as likely,
and two groups of so many lie apart in less than 1% of all exchanges."""
TIMED_TRIALS = 15
"""The same where times decide: a difference of 10% is found in so many that scatter by 5%."""


@dataclass(frozen=True)
class PartVerdict:
    """One part: its verdict, and what each place says."""

    part: Part
    verdict: Verdict
    evidence: tuple[Evidence, ...]
    answers: tuple[bool | None, ...]
    missing: tuple[str, ...]

    @property
    def by_chance(self) -> float:
        """How often labels without meaning would decide all places that were decided."""
        decided = zip(self.evidence, self.answers, strict=True)
        return math.prod(one.by_chance for one, answer in decided if answer is not None)


@dataclass(frozen=True)
class Judged:
    """One claim with its verdict.

    Args:
        claim: what is claimed.
        verdict: what the run says of it.
        parts: what it rests on.
        why: of one that is undecided, why; else "".
    """

    claim: Claim
    verdict: Verdict
    parts: tuple[PartVerdict, ...]
    why: str = ""

    @property
    def decided(self) -> bool:
        return self.verdict != "undecided"


def part_verdict(
    part: Part, found: Sequence[Evidence], missing: Sequence[str], level: float
) -> PartVerdict:
    """One part's verdict, at the probability with which each place may be judged wrongly."""
    answers = [one.answer(level) for one in found]
    if True in answers and False in answers:  # a flip is the best of several: each must be surer
        answers = [one.answer(level / len(answers)) for one in found]
    verdict: Verdict = "undecided"
    if answers and not missing:
        if True in answers and False in answers:
            verdict = "depends"
        elif None not in answers:
            verdict = "confirmed" if True in answers else "refuted"
    return PartVerdict(part, verdict, tuple(found), tuple(answers), tuple(missing))


def judged(claim: Claim, parts: Sequence[PartVerdict], *, accelerator: bool = True) -> Judged:
    """A claim's verdict: all of its parts must hold.

    One refuted part refutes it, whatever the others say. What labels without meaning could have
    decided as well is undecided.

    Args:
        claim: that is judged.
        parts: its parts, each with its verdict.
        accelerator: whether the run had one.
    """
    verdict = _of_all([one.verdict for one in parts])
    if verdict == "undecided":
        lacks_device = claim.device and not accelerator
        why = "needs an accelerator" if lacks_device else _why(claim, parts)
        return Judged(claim, verdict, tuple(parts), why)
    resting = [one for one in parts if verdict != "refuted" or one.verdict == "refuted"]
    if math.prod(one.by_chance for one in resting) > MEANINGLESS * (1 + 1e-9):
        return Judged(claim, "undecided", tuple(parts), _too_few(resting))
    return Judged(claim, verdict, tuple(parts))


def _of_all(verdicts: Sequence[Verdict]) -> Verdict:
    for one in ("refuted", "undecided", "depends"):
        if one in verdicts:
            return one
    return "confirmed" if verdicts else "undecided"


def _too_few(parts: Iterable[PartVerdict]) -> str:
    for one in (one for part in parts for one in part.evidence if not one.lacks):
        if one.labelled is False and one.by_chance == 1.0:
            return "trials of one case differ as much as those of different ones"
        if one.counted and one.by_chance > MEANINGLESS:
            return "memory was measured in too few processes"
    return "too few processes: chance would decide as much in more than 1% of all exchanges"


def _why(claim: Claim, parts: Sequence[PartVerdict]) -> str:
    """What is missing, the gravest first."""
    if claim.lacks:
        return claim.lacks
    missing = dict.fromkeys(text for part in parts for text in part.missing)
    if missing:
        return f"not measured: {_some(list(missing))}"
    lacking = dict.fromkeys(
        f"{one.place.strategy}{f' at {one.place.text}' if one.place.text else ''}: {one.lacks}"
        for part in parts
        for one in part.evidence
        if one.lacks
    )
    if lacking:
        return _some(list(lacking))
    still = [
        one
        for part in parts
        if part.verdict == "undecided"
        for one, answer in zip(part.evidence, part.answers, strict=True)
        if answer is None
    ]
    where = next((f" at {one.place.text}" for one in still if one.place.text), "")
    return f"too close to the margin to tell{where}"


def _some(texts: Sequence[str]) -> str:
    more = f"; and {len(texts) - 2} more" if len(texts) > 2 else ""
    return "; ".join(texts[:2]) + more


def trials_needed(judgement: Judged, level: float) -> int:
    """Processes that would probably decide what the margin leaves open."""
    scattering = any(METRICS[one.part.metric].kind == "time" for one in judgement.parts)
    needed = TIMED_TRIALS if scattering else LEAST_TRIALS
    for part in judgement.parts:
        for one, answer in zip(part.evidence, part.answers, strict=True):
            if answer is None and not one.lacks and not one.counted:
                needed = max(needed, _needed(part.part, one, level))
    return min(MOST_TRIALS, needed)


def _needed(part: Part, one: Evidence, level: float) -> int:
    """By the distance to the nearest bound, in widths of the interval that there is."""
    bounds = [bound for bound in (part.at_least, part.at_most) if bound is not None]
    distance = min((abs(one.centre - bound) for bound in bounds), default=0.0)
    width = (one.high - one.low) / 2
    if not distance > 0 or not math.isfinite(width):
        return MOST_TRIALS
    surer = 1 + max(0.0, -math.log10(level) - 1.3)
    return math.ceil(LEAST_TRIALS * max(1.0, (surer * width / distance) ** 2))
