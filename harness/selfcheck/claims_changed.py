"""Runs with known faults: labels shuffled, cases taken away, data flipped about what is claimed."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from harness.analysis.claims.declared import Part, names
from harness.analysis.claims.evidence import Evidence
from harness.analysis.claims.metrics import METRICS
from harness.analysis.claims.verdict import Judged
from harness.cases.summary import CaseSummary
from harness.journal.lines import Run
from harness.schema.records import Epoch, Ledger, Outcome, Rss, Trial
from harness.schema.values import number_of

LEAST_FLIP = 1.5
"""A flipped value lies at least this factor beyond its bound."""
Change = Callable[[Trial], Trial]


def shuffled(run: Run, draw: random.Random, *, within_points: bool) -> Run:
    """Trials change their cases, within each scenario and kind, and each point or not."""
    cases = run.header.plan.cases
    groups: dict[tuple[object, ...], list[int]] = {}
    for index, trial in enumerate(run.trials):
        case = cases[trial.case].case
        point = case.point if within_points else ""
        groups.setdefault((case.scenario, case.host, trial.kind, point), []).append(index)
    trials = list(run.trials)
    for places in groups.values():
        labels = [run.trials[place].case for place in places]
        draw.shuffle(labels)
        for place, label in zip(places, labels, strict=True):
            trials[place] = replace(run.trials[place], case=label)
    return replace(run, trials=trials)


def without(run: Run, cases: Collection[int]) -> Run:
    """The run as if some of its cases had never been measured."""
    return replace(run, trials=[one for one in run.trials if one.case not in cases])


def unplanned(run: Run, cases: Collection[int]) -> Run:
    """The run as if some of its cases had not been planned either."""
    kept = [index for index, _ in enumerate(run.header.plan.cases) if index not in cases]
    places = {index: place for place, index in enumerate(kept)}
    plan = replace(run.header.plan, cases=tuple(run.header.plan.cases[index] for index in kept))
    trials = [replace(one, case=places[one.case]) for one in run.trials if one.case in places]
    return replace(run, header=replace(run.header, plan=plan), trials=trials)


def rested_on(run: Run, judged: Judged) -> list[int]:
    """The cases that a verdict is about, by their places in the plan."""
    places = {id(planned): index for index, planned in enumerate(run.header.plan.cases)}
    rows = (
        row
        for part in judged.parts
        for one in part.evidence
        for row in (one.place.row, one.place.other)
        if row is not None
    )
    return sorted({places[id(row.planned)] for row in rows})


def flipped(run: Run, judged: Judged) -> Run:
    """The run with each reading of a claim as far on the other side of its bound."""
    places = {id(planned): index for index, planned in enumerate(run.header.plan.cases)}
    changes: dict[int, list[Change]] = {}
    for part in judged.parts:
        if judged.verdict == "refuted" and part.verdict != "refuted":
            continue
        for row, change in _changes(part.part, part.evidence, part.answers):
            changes.setdefault(places[id(row.planned)], []).append(change)
    trials = []
    for trial in run.trials:
        one = trial
        for change in changes.get(trial.case, ()):
            one = change(one)
        trials.append(one)
    return replace(run, trials=trials)


def _changes(
    part: Part, evidence: Collection[Evidence], answers: Collection[bool | None]
) -> list[tuple[CaseSummary, Change]]:
    found: list[tuple[CaseSummary, Change]] = []
    grown: dict[int, float] = {}
    for one, answer in zip(evidence, answers, strict=True):
        row, other = one.place.row, one.place.other
        if answer is None or row is None:
            continue
        if part.along:
            assert other is not None
            high = number_of(row.planned.case.parameters[part.along])
            low = number_of(other.planned.case.parameters[part.along])
            more = (high / low) ** (_mirrored_sum(part, one.centre, holds=answer) - one.centre)
            grown[id(row.planned)] = grown.get(id(other.planned), 1.0) * more
            found.append((row, _scaled(part.metric, grown[id(row.planned)])))
            continue
        target = _mirrored(part, one.centre, holds=answer)
        if METRICS[part.metric].kind in ("time", "share") or part.metric == "largest size":
            if part.metric == "largest size":
                found.append((row, _enlarged(target - one.centre)))
            elif part.metric == "stall":
                found.append((row, _stalled(min(0.99, target))))
            elif other is not None and len(names(part.against)) > 1:
                found.append((other, _scaled(part.metric, one.centre / target)))
            else:
                found.append((row, _scaled(part.metric, target / one.centre)))
        elif METRICS[part.metric].kind == "memory":
            multiple = target * _middle(part, other) if other is not None else target
            found.append((row, _holding(part.metric, multiple)))
        else:
            found.append((row, _TURNED[part.metric]))
    return found


def _middle(part: Part, row: CaseSummary) -> float:
    values = sorted(METRICS[part.metric].read(row))
    return values[len(values) // 2]


def _mirrored(part: Part, value: float, *, holds: bool) -> float:
    """A value on the other side of the bounds, as far from them by its factor."""
    low, high = part.at_least, part.at_most
    if holds:
        if high is not None:
            return max(
                high * LEAST_FLIP, high * high / value if value > 0 else 0.0, 1.0 - bool(high)
            )
        assert low is not None
        return min(low / LEAST_FLIP, low * low / value)
    if low is not None and high is not None:
        return math.sqrt(low * high)
    if high is not None:
        return min(high / LEAST_FLIP, high * high / value)
    assert low is not None
    return max(low * LEAST_FLIP, low * low / value if value > 0 else 0.0)


def _mirrored_sum(part: Part, value: float, *, holds: bool) -> float:
    """The same of an exponent, by its distance."""
    low, high = part.at_least, part.at_most
    if not holds and low is not None and high is not None:
        return (low + high) / 2
    bound = high if high is not None and (holds or value > high) else low
    assert bound is not None
    distance = max(0.5, abs(value - bound))
    above = (bound is high) == holds
    return bound + distance if above else bound - distance


def _scaled(metric: str, factor: float) -> Change:
    """What a metric reads, times a factor."""

    def change(trial: Trial) -> Trial:
        if metric in ("first batch", "start of workers") and trial.loading:
            first = trial.loading.first
            longer = replace(
                first, iter_s=first.iter_s * factor, first_batch_s=first.first_batch_s * factor
            )
            return replace(trial, loading=replace(trial.loading, first=longer))
        if trial.timing is None:
            return trial
        samples = tuple(one * factor for one in trial.timing.samples_s)
        first_s = trial.timing.first_call_s * factor
        return replace(trial, timing=replace(trial.timing, samples_s=samples, first_call_s=first_s))

    return change


def _enlarged(share: float) -> Change:
    """A search whose sizes are all larger, by a share of the budget."""

    def change(trial: Trial) -> Trial:
        if trial.limit is None:
            return trial
        size = trial.limit.size_bytes + round(share * trial.limit.budget_bytes)
        return replace(trial, limit=replace(trial.limit, size_bytes=size))

    return change


def _stalled(share: float) -> Change:
    def epoch(one: Epoch) -> Epoch:
        return replace(one, step_s=one.waiting_s * (1 - share) / share)

    def change(trial: Trial) -> Trial:
        if trial.loading is None:
            return trial
        steady = tuple(map(epoch, trial.loading.steady))
        return replace(trial, loading=replace(trial.loading, steady=steady))

    return change


def _holding(metric: str, multiple: float) -> Change:
    """A trial whose memory is a multiple of its payload."""

    def change(trial: Trial) -> Trial:
        held = Rss(anon_bytes=round(multiple * trial.payload_bytes))
        if metric == "memory of all processes" and trial.tree:
            peak = trial.tree.peak
            more_bytes = held.anon_bytes - peak.own_bytes
            pss = replace(peak.pss, anon_bytes=peak.pss.anon_bytes + more_bytes)
            return replace(trial, tree=replace(trial.tree, peak=replace(peak, pss=pss)))
        if trial.ledger is None:
            return trial
        return replace(trial, ledger=_ledger(metric, trial.ledger, held))

    return change


def _ledger(metric: str, ledger: Ledger, held: Rss) -> Ledger:
    if metric == "memory at the peak":
        return replace(ledger, peak=held, retained=Rss(), left=Rss())
    if metric == "memory kept":
        return replace(ledger, retained=held, left=Rss(), peak=held)
    return replace(ledger, retained=held, left=held, peak=held)


def _turned_right(trial: Trial) -> Trial:
    outcome = Outcome("wrong", "flipped") if trial.outcome.ok else Outcome("ok")
    return replace(trial, outcome=outcome)


def _turned_sharing(trial: Trial) -> Trial:
    known = trial.shares_memory
    return replace(trial, shares_memory=None if known is None else not known)


def _turned_stage(trial: Trial) -> Trial:
    if trial.limit is None or trial.outcome.ok:
        return trial
    stage = "inputs" if trial.limit.stage == "call" else "call"
    return replace(trial, limit=replace(trial.limit, stage=stage))


def _turned_fate(trial: Trial) -> Trial:
    if trial.outcome.ok:
        return trial
    caught = trial.outcome.name != "crash"
    return replace(trial, outcome=Outcome("crash" if caught else "oom", "flipped"))


_TURNED: Mapping[str, Change] = {
    "right": _turned_right,
    "shares memory": _turned_sharing,
    "fails in the call": _turned_stage,
    "can be caught": _turned_fate,
}
