"""What is found of memory and page faults, case by case.

Readings of two runs that lay apart are called heavier where every one of the candidate lies above
every one of the base, by more than the tolerance and by more than either side varies, and there are
so many of both that chance would hardly do that in any case of the suite: the probability is exact
(:mod:`harness.stats.exact`) if readings of the two sides could be exchanged, and is corrected by
Holm's method for every amount of every case. As long as there are too few, the case is suspect.

In an A/B run, what looks heavier in the first pairs raises a flag and no more. It is measured again
in pairs on hosts of their own, which alone decide, by their signs. Which half of a pair comes first
is drawn, so that a sign is as good as a coin, however memory drifts or whatever a process inherits
from the one before; and few are needed, since the correction is for what was flagged alone.

Memory that became less fails nothing. It is called lighter by the first readings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Literal

from harness.comparison.amounts import AMOUNTS, Amount, Scale
from harness.comparison.paired import PAIRS_A_BATCH
from harness.comparison.sides import Match, MeasuredCase
from harness.comparison.tolerance import Tolerance
from harness.comparison.verdicts import Finding, Word
from harness.stats.exact import MOST_READINGS, apart_by_chance, pairs_needed, readings_needed
from harness.stats.two_level import FALSE_ALARM, called
from harness.units import plural

LEAST_SIDE_BY_SIDE = 3
"""Pairs of trials that must all agree for a flag, where each side varies by itself."""
AGAINST = (0, 1)
"""How many new pairs may speak against a flag, at each look at them."""
KINDS = ("memory", "tree", "probe", "duet")
"""Of trials, the first that reads an amount counts: a lap has one pair of those before a duet."""

Findings = dict[str, list[Finding]]
"""By case."""


@dataclass(frozen=True)
class AmountOnBothSides:
    """One amount of one case, with the readings of both sides.

    Args:
        then, now: readings of the base and of the candidate, ascending, in the amount's unit.
        allowed: what the candidate may have more, in that unit.
    """

    amount: Amount
    then: tuple[float, ...]
    now: tuple[float, ...]
    allowed: float

    @property
    def more(self) -> float:
        """By how much every reading of the candidate lies above every one of the base.

        In the amount's unit; negative where some do not.
        """
        return self.now[0] - self.then[-1]

    @property
    def apart(self) -> bool:
        return self.more > self.allowed

    @property
    def varies(self) -> float:
        """By how much the readings of one side lie apart."""
        return max(self.then[-1] - self.then[0], self.now[-1] - self.now[0])

    @property
    def by_chance(self) -> float:
        """The probability of lying apart like this.

        It holds for readings that could be exchanged. Where memory sways from process to process
        they could not; then one side varies by more than the sides lie apart, and is not believed.
        """
        if not self.apart or self.more <= self.varies:
            return 1.0
        return apart_by_chance(len(self.then), len(self.now))

    def finding(self, word: Word, reason: str) -> Finding:
        base, candidate = median(self.then), median(self.now)
        ratio = candidate / base if base else None
        return Finding(self.amount.name, word, reason, base, candidate, ratio)

    @property
    def says_more(self) -> str:
        return f"{self.amount.text(self.more)} more than the base"


def of_runs_apart(match: Match, keys: Sequence[str], tolerance: Tolerance) -> Findings:
    """Amounts of cases that were ok on both sides, in two runs."""
    held = [(key, one) for key in keys for one in _judged(*_both(match, key), tolerance)]
    heavier = called([one.by_chance for _, one in held])
    level = FALSE_ALARM / max(1, len(held))
    found: Findings = {key: [] for key in keys}
    for (key, one), is_heavier in zip(held, heavier, strict=True):
        found[key].append(_of_runs_apart(one, level, is_heavier=is_heavier))
    return found


def _of_runs_apart(held: AmountOnBothSides, level: float, *, is_heavier: bool) -> Finding:
    if is_heavier:
        return held.finding("heavier", held.says_more)
    return _suspected(held, level) if held.apart else _not_heavier(held)


def _suspected(held: AmountOnBothSides, level: float) -> Finding:
    needed = readings_needed(len(held.then), level)
    further = None
    if held.more <= held.varies:
        own = held.amount.text(held.varies)
        do = f"but one side alone varies by {own}; ferrybench ab can decide"
    elif needed is None:
        most = next(n for n in range(2, 64) if apart_by_chance(n, n) < level)
        do = (
            f"more than {MOST_READINGS} readings of the candidate would be needed: measure the "
            f"base in {most} processes or more"
        )
    else:
        further = needed - len(held.now)
        do = f"{further} more of the candidate would decide"
    counts = f"{len(held.now)} against {plural(len(held.then), 'reading')}"
    finding = held.finding("suspect", f"{held.says_more}, by {counts}; {do}")
    return replace(finding, further=further)


def _not_heavier(held: AmountOnBothSides) -> Finding:
    """Readings that overlap, or of which the candidate's are less."""
    then, now, text = held.then, held.now, held.amount.text
    less, varies = then[0] - now[-1], held.varies
    most = now[-1] - then[-1]
    if most > held.allowed:
        reason = f"some of its processes take {text(most)} more than any of the base"
        return held.finding("inconclusive", reason)
    if less <= held.allowed:
        own = f"its own variation of {text(varies)}"
        return held.finding(
            "same", f"within {own if varies > held.allowed else text(held.allowed)}"
        )
    if varies > held.allowed:
        reason = f"varies by {text(varies)} from process to process; measure more processes"
        return held.finding("inconclusive", reason)
    return held.finding("lighter", f"{text(less)} less than the base")


@dataclass(frozen=True)
class Flag:
    """An amount that looked heavier in the first pairs, with what new ones say of it.

    Args:
        held: by the first pairs.
        reason: why it was raised.
        differences: of new pairs, in their order.
    """

    held: AmountOnBothSides
    reason: str
    differences: tuple[float, ...]

    def last_word(self, flagged: int) -> tuple[Literal["called", "not called", "open"], int]:
        """What new pairs say, and how many of them; of so many flags in the whole suite."""
        level = FALSE_ALARM / len(AGAINST) / flagged
        signs = [difference > self.held.allowed for difference in self.differences]
        for against in AGAINST:
            look = pairs_needed(level, against)
            if len(signs) < look:
                lost = signs.count(False) > AGAINST[-1]
                return ("not called", len(signs)) if lost else ("open", len(signs))
            if signs[:look].count(False) <= against:
                return "called", look
        return "not called", len(signs)

    def finding(self, flagged: int) -> Finding:
        last, pairs = self.last_word(flagged)
        if last == "called":
            reason = f"{self.reason}, and again in {pairs} new pairs, which alone decide"
            return self.held.finding("heavier", reason)
        if last == "open":
            against = sum(difference <= self.held.allowed for difference in self.differences)
            left = pairs_needed(FALSE_ALARM / len(AGAINST) / flagged, against) - pairs
            ended = f"measuring ended {plural(left, 'new pair')} before a decision"
            reason = f"{self.reason}; {ended}"
            return self.held.finding("suspect", reason)
        reason = f"{self.reason}; not confirmed by {pairs} new pairs"
        mostly = sum(difference > self.held.allowed for difference in self.differences) * 2 > pairs
        return self.held.finding("inconclusive" if mostly else "same", reason)


def of_pairs(match: Match, keys: Sequence[str], tolerance: Tolerance) -> Findings:
    """Amounts of cases that were ok on both sides, in a run that measured both in pairs."""
    found = {key: list(_in_pairs(*_both(match, key), tolerance)) for key in keys}
    flagged = sum(isinstance(one, Flag) for some in found.values() for one in some)
    return {
        key: [one.finding(flagged) if isinstance(one, Flag) else one for one in some]
        for key, some in found.items()
    }


BothSides = tuple[MeasuredCase, MeasuredCase]
"""One case on both sides."""


def unconfirmed(cases: Mapping[int, BothSides], tolerance: Tolerance) -> list[int]:
    """The cases that have to be measured again: what was flagged of them is open."""
    flags = {
        key: [one for one in _in_pairs(*pair, tolerance) if isinstance(one, Flag)]
        for key, pair in cases.items()
    }
    flagged = sum(map(len, flags.values()))
    return [
        key
        for key, some in flags.items()
        if any(one.last_word(flagged)[0] == "open" for one in some)
    ]


def _in_pairs(
    base: MeasuredCase, candidate: MeasuredCase, tolerance: Tolerance
) -> Iterator[Finding | Flag]:
    then, now = (_measured(case, again=False) for case in (base, candidate))
    for held in _judged(then, now, tolerance):
        differences = held.amount.differences(then, now)
        if held.apart:
            reason = held.says_more
        elif len(differences) >= LEAST_SIDE_BY_SIDE and min(differences) > held.allowed:
            least = held.amount.text(min(differences))
            reason = f"{least} more in each of {len(differences)} pairs"
        else:
            yield _lighter_in_pairs(held, differences)
            continue
        yield Flag(held, reason, new_differences(held.amount, base, candidate))


def _lighter_in_pairs(held: AmountOnBothSides, differences: Sequence[float]) -> Finding:
    finding = _not_heavier(held)
    enough = len(differences) >= LEAST_SIDE_BY_SIDE and max(differences) < -held.allowed
    if finding.word == "lighter" or not enough:
        return finding
    by = held.amount.text(-max(differences))
    return held.finding("lighter", f"{by} less in each of {len(differences)} pairs")


def new_differences(
    amount: Amount, base: MeasuredCase, candidate: MeasuredCase
) -> tuple[float, ...]:
    """What the candidate has more in each lap that measured the case again.

    The trials that raised the flag settle which kind of them counts, so that no evidence is swapped
    for other evidence on the way. Pairs of one lap share their hosts: of duets, which are several
    in a lap, their median counts.
    """
    then, now = (_measured(case, again=False) for case in (base, candidate))
    read = {trial.kind for trial in (*then.trials, *now.trials) if amount.read(trial) is not None}
    kind = next((kind for kind in KINDS if kind in read), None)
    new = amount.differences_by_trial(*(_measured(one, again=True) for one in (base, candidate)))
    laps: dict[int, list[float]] = {}
    for (own, number), difference in sorted(new.items()):
        if own == kind:
            lap = number // PAIRS_A_BATCH if kind == "duet" else number
            laps.setdefault(lap, []).append(difference)
    return tuple(median(some) for some in laps.values())


def _both(match: Match, key: str) -> BothSides:
    return match.base.cases[key], match.candidate.cases[key]


def _measured(case: MeasuredCase, *, again: bool) -> MeasuredCase:
    """A case with its first trials alone, or with those that measured it again."""
    return replace(case, trials=tuple(trial for trial in case.trials if trial.again == again))


def _judged(
    base: MeasuredCase, candidate: MeasuredCase, tolerance: Tolerance
) -> Iterator[AmountOnBothSides]:
    """The amounts that are judged, and that both sides have readings of."""
    scale = Scale.of((base, candidate))
    for amount in AMOUNTS:
        if amount.informs:
            continue
        then, now = amount.of(base), amount.of(candidate)
        if then and now:
            yield AmountOnBothSides(amount, then, now, amount.allowed(then[0], scale, tolerance))


def beside(base: MeasuredCase, candidate: MeasuredCase) -> Iterator[Finding]:
    """What is not judged: amounts for information, and those that one side alone knows."""
    for amount in AMOUNTS:
        then, now = amount.of(base), amount.of(candidate)
        if then and now and amount.informs:
            if now[0] - then[-1] > amount.stray or then[0] - now[-1] > amount.stray:
                yield replace(
                    Finding(amount.name, "same", "for information", gates=False, informs=True),
                    base=median(then), candidate=median(now),
                )  # fmt: skip
            continue
        for name, side in (("base", base), ("candidate", candidate)):
            unknown = _why_unknown(amount, side) if (then or now) else _doubt(amount, side)
            if unknown and not amount.informs:
                yield Finding(amount.name, "not measured", f"the {name} {unknown}")
                break


def _why_unknown(amount: Amount, side: MeasuredCase) -> str:
    """Why one side has no reading of what the other has; empty if it has."""
    if amount.of(side):
        return ""
    return _doubt(amount, side) or "has no reading of it"


def _doubt(amount: Amount, side: MeasuredCase) -> str:
    """Why there is no reading although memory was measured: nothing is the same by that."""
    ledgers = [trial.ledger for trial in side.trials if trial.ledger]
    if not ledgers or not amount.of_ledger or amount.of(side):
        return ""
    doubt = next((one.doubt for one in ledgers if one.doubt), "the observer missed it")
    return f"does not know it: {doubt}"
