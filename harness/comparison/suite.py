"""From two sides to the comparison of a suite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from harness.comparison import counted
from harness.comparison.sides import Match, MeasuredCase
from harness.comparison.times import TIME, both_ok, of_duets, of_runs_apart
from harness.comparison.tolerance import Tolerance
from harness.comparison.verdicts import CaseVerdict, Finding, RunComparison
from harness.stats.two_level import Drift

NOT_INTERLEAVED = (
    "the runs were not interleaved, and a machine's speed drifts by more than any tolerance; "
    "ferrybench ab interleaves them"
)


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
    fine = [key for key in match.common if both_ok(match, key)]
    if rules.interleaved:
        times = of_duets(match, rules.tolerance.time)
        amounts = counted.of_pairs(match, fine, rules.tolerance)
    else:
        times = of_runs_apart(match, rules.tolerance.time, rules.drifts)
        amounts = counted.of_runs_apart(match, fine, rules.tolerance)
    cases = []
    for key in (*match.base.cases, *match.only_candidate):
        findings = [*_findings(match, key), *amounts.get(key, ())]
        if key in times:
            findings.append(replace(times[key], gates=times[key].gates and not why_not_time))
        if not any(finding.gates for finding in findings):
            findings.append(_undecided(times.get(key)))
        cases.append(CaseVerdict(key, tuple(findings)))
    return RunComparison(
        match, rules.tolerance, tuple(cases), why_not_time, rules.strict, rules.interleaved
    )


def _why_not_time(match: Match, rules: Rules) -> str:
    if not match.same_machine:
        other = next(one for one in match.differences if one.hardware)
        return f"the machines differ ({other.text})"
    return "" if rules.interleaved else NOT_INTERLEAVED


def _undecided(time: Finding | None) -> Finding:
    """Of a case of which nothing was found that decides."""
    if time is not None:
        return Finding(TIME, "advisory", "only its time is known, and times are advisory")
    return Finding("outcome", "not judged", "neither memory nor page faults are known")


def _findings(match: Match, key: str) -> Iterator[Finding]:
    """Everything but amounts that both sides know, and time."""
    base, candidate = match.base.cases.get(key), match.candidate.cases.get(key)
    if base is None:
        yield Finding("outcome", "not comparable", "the base has no such case")
        return
    if candidate is None:
        yield Finding("outcome", "not measured", "the candidate has no such case")
        return
    yield _outcome(base, candidate)
    if base.outcome.ok and candidate.outcome.ok:
        yield from counted.beside(base, candidate)
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
    if now.ok:  # says nothing of what the case costs, unless nothing else was asked
        return Finding("outcome", "same", "ok in both", gates=candidate.asks_outcome_alone)
    if candidate.asks_outcome_alone or candidate.planned.refuses_by(now):
        return Finding("outcome", "same", f"{now.name} in both")
    return Finding("outcome", "not judged", f"{now.name} in both: {now.reason}")


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
