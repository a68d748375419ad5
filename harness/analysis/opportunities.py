"""What could be gained over the usual way, by how much, and where there is nothing to gain.

A saving is one that was measured: of a strategy against the baseline, at the same size, in
processes that were paired. Those of one scenario are alternatives, so they do not add up.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.analysis.ranking import (
    ACCURACY,
    LEANER,
    LEAST_COVERAGE,
    Ranking,
    clearly_larger,
    clearly_leaner,
)
from harness.analysis.sweep import Sweep, Weighs
from harness.analysis.verdict import Verdict
from harness.analysis.verdict_time import on_another_host, variables_of
from harness.cases.rounds import paired_savings
from harness.cases.summary import NEGLIGIBLE_BYTES, CaseSummary
from harness.codes.code import Code
from harness.codes.registry import code_for
from harness.stats.intervals import Interval

StateName = Literal["opportunity", "passed", "undecided", "not applicable", "not measured"]


@dataclass(frozen=True)
class Opportunity:
    """One strategy that is certainly better than the baseline, where its condition holds."""

    code: Code
    sweep: Sweep
    condition: str  # ``if the memory may be shared``; "" where there is none
    baseline: CaseSummary
    best: CaseSummary
    alike: tuple[CaseSummary, ...]  # what cannot be told from the best, and is certain too
    weighs: Weighs  # what is saved, or of sizes gained
    saved: Interval  # seconds of a call or an epoch, or bytes
    variables: str = ""  # ``NAME=VALUE``, of the environment

    @property
    def per_byte(self) -> float:
        """What is saved for each byte of the data: by this, scenarios can be put in an order."""
        data_bytes = self.baseline.payload_bytes
        return self.saved.median / data_bytes if data_bytes > 0 else 0.0


@dataclass(frozen=True)
class State:
    """What became of a scenario's question."""

    name: StateName
    why: str  # of those that are not answered; "" of the others


_ORDER: tuple[Weighs, ...] = ("time", "memory", "size")


def in_order(found: Sequence[Opportunity]) -> list[Opportunity]:
    """Those that save time first, then memory, then those that fit more; the greatest first."""
    return sorted(found, key=lambda one: (_ORDER.index(one.weighs), -one.per_byte))


def opportunities(sweep: Sweep, answer: Verdict) -> list[Opportunity]:
    """Everything that a scenario's cases show to be better than its baseline."""
    baseline = sweep.baseline_at(answer.size_bytes)
    if baseline is None or not sweep.compared(baseline):
        return []
    contests = [one for one in answer.rankings if one.rows[0].point == baseline.point]
    if sweep.weighs == "time":
        found = [*_faster(sweep, baseline, contests), *_elsewhere(sweep, baseline)]
        return [*found, *_leaner(sweep, baseline, contests, found)]
    return list(_better(sweep, baseline, contests))


def certainly_faster(row: CaseSummary) -> bool:
    """Than the baseline, by more than the harness is accurate to."""
    return row.ratio.coverage >= LEAST_COVERAGE and row.ratio.high < 1 / ACCURACY


def _faster(
    sweep: Sweep, baseline: CaseSummary, contests: Sequence[Ranking]
) -> Iterator[Opportunity]:
    for contest in contests:
        certain = [row for row in contest.leaders if certainly_faster(row)]
        if contest.too_few or baseline in contest.leaders or not certain:
            continue
        best, *alike = certain
        own = baseline in contest.rows
        shares = bool(best.shares_memory) and baseline.shares_memory is False
        yield Opportunity(
            code_for("opportunity", _kind(own=own, shares=shares)),
            sweep,
            "" if own else contest.meaning,
            baseline,
            best,
            tuple(alike),
            "time",
            paired_savings(best.processes, baseline.processes),
        )


def _kind(*, own: bool, shares: bool) -> str:
    if own:
        return "same promise"
    return "share" if shares else "another promise"


def _elsewhere(sweep: Sweep, baseline: CaseSummary) -> Iterator[Opportunity]:
    """The baseline itself in another environment."""
    best = on_another_host(sweep, baseline)
    if best is not None and certainly_faster(best):
        yield Opportunity(
            code_for("opportunity", "environment"),
            sweep,
            "",
            baseline,
            best,
            (),
            "time",
            paired_savings(best.processes, baseline.processes),
            variables_of(sweep, best),
        )


def _leaner(
    sweep: Sweep,
    baseline: CaseSummary,
    contests: Sequence[Ranking],
    found: Sequence[Opportunity],
) -> Iterator[Opportunity]:
    """What does the same as the baseline with less memory, unless it is named already."""
    own = next((one for one in contests if baseline in one.rows), None)
    named = {one.best.strategy for one in found}
    known = [row for row in own.rows if row.extra_bytes >= 0] if own else []
    if not known or math.isnan(baseline.extra_bytes):
        return
    best = min(known, key=lambda row: row.extra_bytes)
    slack = max(NEGLIGIBLE_BYTES, LEANER * best.payload_bytes)
    if best.extra_bytes + slack < baseline.extra_bytes and best.strategy not in named:
        saved = baseline.extra_bytes - best.extra_bytes
        yield Opportunity(
            code_for("opportunity", "less memory"),
            sweep,
            "",
            baseline,
            best,
            (),
            "memory",
            _reading(saved),
        )


def _better(
    sweep: Sweep, baseline: CaseSummary, contests: Sequence[Ranking]
) -> Iterator[Opportunity]:
    """Where a scenario weighs memory or sizes."""
    better = clearly_leaner if sweep.by_memory else clearly_larger
    kind = "smaller tree" if sweep.by_memory else "larger data"
    for contest in contests:
        certain = [row for row in contest.leaders if better(row, baseline)]
        if certain:
            best, *alike = certain
            yield Opportunity(
                code_for("opportunity", kind),
                sweep,
                "" if baseline in contest.rows else contest.meaning,
                baseline,
                best,
                tuple(alike),
                sweep.weighs,
                _reading(sweep.weight(baseline) - sweep.weight(best)),
            )


def _reading(value: float) -> Interval:
    """A difference of two readings, of which nobody knows the spread."""
    return Interval(value, math.nan, math.nan, 0.0, 1)


def state(sweep: Sweep, answer: Verdict, found: Sequence[Opportunity]) -> State:
    """What became of a scenario's question: passed, not applicable and not measured are three."""
    if found:
        return State("opportunity", "")
    rows = (*sweep.main, *sweep.others)
    if rows and all(row.planned.skip for row in rows):
        return State("not applicable", _commonest([row.planned.skip for row in rows]))
    if not sweep.info.baseline:
        return State("not applicable", "")  # of which the answer says that nothing is compared
    baseline = sweep.baseline_at(answer.size_bytes)
    if baseline is None or not sweep.compared(baseline):
        return State("not measured", _why(sweep, baseline))
    others = [row for row in sweep.at(answer.size_bytes) if not row.baseline]
    if not any(sweep.compared(row) for row in others):
        return State("not measured", "nothing was measured beside the baseline")
    unreached = sum(row.outcome == "skipped" and not row.planned.skip for row in others)
    if unreached:
        return State("undecided", f"{unreached} of {len(others)} other ways were not reached")
    if sweep.weighs == "time" and _is_open_elsewhere(sweep, baseline):
        return State("undecided", "whether an environment variable helps is open")
    if sweep.weighs == "time" and any(_open(one, baseline) for one in answer.rankings):
        few = any(one.too_few for one in answer.rankings)
        return State("undecided", "too few processes" if few else "intervals overlap")
    return State("passed", "")


def _open(contest: Ranking, baseline: CaseSummary) -> bool:
    """Whether one of a contest may be faster than the baseline for all that is known."""
    if contest.word != "undecided" and baseline in contest.leaders:  # nobody is surely faster
        return False
    return any(
        not row.baseline
        and row.point == baseline.point
        and not (row.ratio.coverage >= LEAST_COVERAGE and row.ratio.low > 1 / ACCURACY)
        for row in contest.rows
    )


def _is_open_elsewhere(sweep: Sweep, baseline: CaseSummary) -> bool:
    """Whether the baseline may be faster in another environment, for all that is known."""
    variants = {variant.name for variant in sweep.info.variants}
    return any(
        row.strategy == baseline.strategy
        and row.host in variants
        and (row.size_bytes, row.point) == (baseline.size_bytes, baseline.point)
        and row.timed
        and not (row.ratio.coverage >= LEAST_COVERAGE and row.ratio.low > 1 / ACCURACY)
        for row in sweep.others
    )


def _why(sweep: Sweep, baseline: CaseSummary | None) -> str:
    rows = [baseline] if baseline is not None else sweep.main
    bad = [f"{row.outcome}: {row.reason}" for row in rows if not row.ok]
    if bad:
        return _commonest(bad).rstrip(": ")
    what = {"time": "timed", "memory": "watched to the end", "size": "searched to the end"}
    return f"the baseline was not {what[sweep.weighs]}"


def _commonest(texts: Sequence[str]) -> str:
    return max(dict.fromkeys(texts), key=list(texts).count)
