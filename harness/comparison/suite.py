"""From two sides to the comparison of a suite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.comparison.amounts import AMOUNTS, Amount, Scale
from harness.comparison.sides import Match, MeasuredCase
from harness.comparison.times import of_duets, of_runs_apart
from harness.comparison.tolerance import Tolerance
from harness.comparison.verdicts import CaseVerdict, Finding, RunComparison, Word
from harness.stats.two_level import Drift

NOT_INTERLEAVED = (
    "the runs were not interleaved, and a machine's speed drifts by more than any tolerance; "
    "ferrybench ab interleaves them, ferrybench doctor --calibrate measures the drift"
)


LEAST_SIDE_BY_SIDE = 3
"""Pairs of trials that must all agree, where each side varies by itself."""


@dataclass(frozen=True)
class Rules:
    """How a suite is judged."""

    tolerance: Tolerance = field(default_factory=Tolerance)
    strict: bool = False
    interleaved: bool = False  # the sides were measured in duets
    drifts: Mapping[str, Drift] = field(default_factory=dict)  # of cases, by a calibration


def compare(match: Match, rules: Rules) -> RunComparison:
    """Judge every case of two sides."""
    why_not_time = _why_not_time(match, rules)
    if rules.interleaved:
        times = of_duets(match, rules.tolerance.time)
    else:
        times = of_runs_apart(match, rules.tolerance.time, rules.drifts)
    cases = []
    for key in (*match.base.cases, *match.only_candidate):
        findings = tuple(_findings(match, rules, key))
        if key in times:
            trusted = rules.interleaved or key in rules.drifts
            gates = times[key].gates and trusted and not why_not_time
            findings = (*findings, replace(times[key], gates=gates))
        cases.append(CaseVerdict(key, findings))
    return RunComparison(match, rules.tolerance, tuple(cases), why_not_time, rules.strict)


def _why_not_time(match: Match, rules: Rules) -> str:
    if not match.same_machine:
        other = next(one for one in match.differences if one.hardware)
        return f"the machines differ ({other.text})"
    return "" if rules.interleaved or rules.drifts else NOT_INTERLEAVED


def _findings(match: Match, rules: Rules, key: str) -> Iterator[Finding]:
    """Everything but time."""
    base, candidate = match.base.cases.get(key), match.candidate.cases.get(key)
    if base is None:
        yield Finding("outcome", "not comparable", "the base has no such case")
        return
    if candidate is None:
        yield Finding("outcome", "not measured", "the candidate has no such case")
        return
    outcome = _outcome(base, candidate)
    yield outcome
    if outcome.word == "same" and base.outcome.ok:
        yield from _amounts(base, candidate, rules)
        yield from _sharing(base, candidate)


def _outcome(base: MeasuredCase, candidate: MeasuredCase) -> Finding:
    then, now = base.outcome, candidate.outcome
    if then.name == now.name == "skipped":
        return Finding("outcome", "skipped", f"in both: {now.reason}")
    if "skipped" in (then.name, now.name):
        side, why = ("base", then) if then.name == "skipped" else ("candidate", now)
        return Finding("outcome", "not measured", f"{side}: {why.reason}")
    if then.ok and not now.ok:
        return Finding("outcome", "broken", f"was ok, is now {now.name}: {now.reason}")
    if now.ok and not then.ok:
        return Finding("outcome", "mended", f"was {then.name}, is now ok")
    if then.name != now.name:
        reason = f"fails differently: was {then.name}, is now {now.name}: {now.reason}"
        return Finding("outcome", "not comparable", reason)
    return Finding("outcome", "same", now.name if now.ok else f"{now.name} in both")


def _amounts(base: MeasuredCase, candidate: MeasuredCase, rules: Rules) -> Iterator[Finding]:
    scale = Scale.of((base, candidate))
    for amount in AMOUNTS:
        then, now = amount.of(base), amount.of(candidate)
        if not (then and now):
            yield from _unknown(amount, base, candidate)
            continue
        if amount.informs:
            yield from _information(amount, then, now)
            continue
        allowed = amount.allowed(then[0], scale, rules.tolerance)
        finding = _amount(amount, then, now, allowed)
        if rules.interleaved and finding.word in ("same", "inconclusive"):
            finding = _side_by_side(amount, amount.differences(base, candidate), allowed, finding)
        yield finding


def _unknown(amount: Amount, base: MeasuredCase, candidate: MeasuredCase) -> Iterator[Finding]:
    """Where a side has figures that may be too low: nothing is the same by those."""
    for name, side in (("base", base), ("candidate", candidate)):
        doubt = next((t.ledger.doubt for t in side.trials if t.ledger and t.ledger.doubt), "")
        if doubt and amount.of_ledger and not amount.informs and not amount.of(side):
            yield Finding(amount.name, "not measured", f"{name}: {doubt}")
            return


def _information(
    amount: Amount, then: tuple[float, ...], now: tuple[float, ...]
) -> Iterator[Finding]:
    """What is not judged, where no reading of one side is among the other's."""
    if now[0] - then[-1] > amount.stray or then[0] - now[-1] > amount.stray:
        yield Finding(
            amount.name,
            "same",
            "for information",
            _middle(then),
            _middle(now),
            gates=False,
            informs=True,
        )


def _side_by_side(
    amount: Amount, differences: Sequence[float], allowed: float, finding: Finding
) -> Finding:
    """Trials of both sides that shared their luck, where luck hides what each side takes."""
    if len(differences) < LEAST_SIDE_BY_SIDE:
        return finding
    low, high = min(differences), max(differences)
    if low <= allowed and high >= -allowed:
        return finding
    word: Word = "heavier" if low > allowed else "lighter"
    by = amount.text(min(abs(low), abs(high)))
    reason = f"{by} {'more' if word == 'heavier' else 'less'} in each of {len(differences)} pairs"
    return replace(finding, word=word, reason=reason)


def _amount(
    amount: Amount, then: tuple[float, ...], now: tuple[float, ...], allowed: float
) -> Finding:
    """Ascending readings of both sides against each other."""
    middles = _middle(then), _middle(now)
    ratio = middles[1] / middles[0] if middles[0] else None
    finding = Finding(amount.name, "same", f"within {amount.text(allowed)}", *middles, ratio)
    more, less = now[0] - then[-1], then[0] - now[-1]
    varies = max(then[-1] - then[0], now[-1] - now[0])
    if max(more, less) <= allowed:
        own = f"within its own variation of {amount.text(varies)}"
        return replace(finding, reason=own) if varies > allowed else finding
    if varies > allowed:
        reason = f"varies by {amount.text(varies)} from process to process; measure more processes"
        return replace(finding, word="inconclusive", reason=reason)
    word: Word = "heavier" if more > 0 else "lighter"
    reason = f"{amount.text(max(more, less))} {'more' if more > 0 else 'less'} than the base"
    return replace(finding, word=word, reason=reason)


def _middle(ascending: Sequence[float]) -> float:
    """The median of readings that are in order already."""
    count = len(ascending)
    return (ascending[(count - 1) // 2] + ascending[count // 2]) / 2


def _sharing(base: MeasuredCase, candidate: MeasuredCase) -> Iterator[Finding]:
    """A result that no longer shares its input's memory has become a copy."""
    then, now = _shares(base), _shares(candidate)
    if then and now is False:
        yield Finding("sharing", "heavier", "the result no longer shares its input's memory")
    if now and then is False:
        yield Finding("sharing", "lighter", "the result now shares its input's memory")


def _shares(case: MeasuredCase) -> bool | None:
    known = [trial.shares_memory for trial in case.trials if trial.shares_memory is not None]
    return known[0] if known else None
