"""What is found of time, case by case: in a run of duets, or in two runs that lay apart."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import replace

from harness.cases.rounds import steady_by_round
from harness.comparison.paired import Duets, FirstWord, Standing, first_word, last_word
from harness.comparison.sides import Match
from harness.comparison.verdicts import Finding, Word
from harness.stats.two_level import Drift, TimeRatio, called, compare_times
from harness.units import format_share

TIME = "time"
NOTABLE = 1.25
"""A ratio of single processes from which it is told, though it decides nothing."""


def of_duets(match: Match, tolerance: float) -> dict[str, Finding]:
    """Time of every case that both sides measured in duets."""
    duets = {}
    for key in match.common:
        if both_ok(match, key):
            sides = (match.base.cases[key].trials, match.candidate.cases[key].trials)
            found = Duets.of(*sides)
            if found is not None and found.first:
                duets[key] = found
    words = {key: first_word(found.first, tolerance) for key, found in duets.items()}
    flagged = sum(word in ("slower", "faster") for word in words.values())
    return {key: _of_duet(found, words[key], tolerance, flagged) for key, found in duets.items()}


def _of_duet(duets: Duets, word: FirstWord, tolerance: float, flagged: int) -> Finding:
    first = Standing.of(duets.first, tolerance)
    within = format_share(tolerance)
    if word == "same":
        return _told(duets, first, f"within {within} in {first.pairs} pairs")
    if word == "open":
        reason = f"{first.pairs} pairs cannot exclude a change of more than {within}"
        return replace(_told(duets, first, reason), word="inconclusive")
    last, standing = last_word(duets.again, word, tolerance, flagged)
    if last == "called" and standing is not None:
        reason = (
            f"beyond {within} in {first.pairs} pairs, and again in {standing.pairs} new ones on "
            "new hosts, which alone decide"
        )
        return replace(_told(duets, standing, reason), word=word)
    looked = f"looked {word} in the first {first.pairs} pairs"
    if last == "open":
        reason = f"{looked}; measuring ended before that could be confirmed"
        doubt: Word = "suspect" if word == "slower" else "inconclusive"
        return replace(_told(duets, first, reason), word=doubt)
    assert standing is not None
    reason = f"{looked}; not confirmed by {standing.pairs} new ones on new hosts"
    finding = _told(duets, standing, reason)
    return finding if standing.same else replace(finding, word="inconclusive")


def _told(duets: Duets, standing: Standing, reason: str) -> Finding:
    if 0 < standing.even < standing.pairs:
        reason = (
            f"{reason}; in {standing.even} of {standing.pairs} both sides had as many page faults"
        )
    return Finding(
        TIME,
        "same",
        reason,
        duets.base_s,
        duets.candidate_s,
        math.exp(standing.centre),
        math.exp(standing.low),
        math.exp(standing.high),
    )


def of_runs_apart(
    match: Match, tolerance: float, drifts: Mapping[str, Drift]
) -> dict[str, Finding]:
    """Time of every case of two runs that were not interleaved.

    Args:
        match: the two sides.
        tolerance: the share that is no difference.
        drifts: by case, how far runs of identical code were seen to lie apart here.
    """
    ratios: dict[str, TimeRatio] = {}
    findings: dict[str, Finding] = {}
    for key in match.common:
        if not both_ok(match, key):
            continue
        base, candidate = _times(match, key)
        ratio = compare_times(base, candidate, tolerance, drifts.get(key))
        if ratio is not None:
            ratios[key] = ratio
        elif base or candidate:
            findings[key] = _undecidable(base, candidate)
    slower = _called({key: ratio.p_slower for key, ratio in ratios.items()})
    faster = _called({key: ratio.p_faster for key, ratio in ratios.items()})
    for key, ratio in ratios.items():
        findings[key] = _of_ratio(ratio, tolerance, slower[key], faster[key])
    return findings


def both_ok(match: Match, key: str) -> bool:
    """Whether a case was measured without fail on both sides."""
    base, candidate = match.base.cases.get(key), match.candidate.cases.get(key)
    return bool(base and candidate and base.outcome.ok and candidate.outcome.ok)


def _times(match: Match, key: str) -> tuple[dict[int, float], dict[int, float]]:
    base, candidate = match.base.cases[key], match.candidate.cases[key]
    return steady_by_round(base.trials), steady_by_round(candidate.trials)


def _called(probabilities: Mapping[str, float]) -> dict[str, bool]:
    return dict(zip(probabilities, called(list(probabilities.values())), strict=True))


def _undecidable(base: Mapping[int, float], candidate: Mapping[int, float]) -> Finding:
    """What can be said of times of which one side has no more than one process."""
    few = Finding(TIME, "inconclusive", "too few processes to decide", gates=False)
    if not (base and candidate):
        return few
    ends = statistics.median(base.values()), statistics.median(candidate.values())
    ratio = ends[1] / ends[0]
    if 1 / NOTABLE < ratio < NOTABLE:
        return few
    return replace(few, base=ends[0], candidate=ends[1], ratio=ratio)


def _of_ratio(ratio: TimeRatio, tolerance: float, slower: bool, faster: bool) -> Finding:
    finding = Finding(
        TIME, "same", "", ratio.base_s, ratio.candidate_s, ratio.ratio, ratio.low, ratio.high
    )
    beyond = f"beyond {format_share(tolerance)}, corrected for the number of cases"
    if slower:
        return replace(finding, word="slower", reason=beyond)
    if faster:
        return replace(finding, word="faster", reason=beyond)
    if ratio.high <= 1 + tolerance and ratio.low >= 1 / (1 + tolerance):
        return replace(finding, reason=f"within {format_share(tolerance)}")
    reason = (
        f"{ratio.processes} processes per side cannot exclude a change of more than "
        f"{format_share(tolerance)}"
    )
    return replace(finding, word="inconclusive", reason=reason)
