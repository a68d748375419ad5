"""Carry out an A/B run: laps on new hosts, until every case is decided or the budget is spent."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.ab.pair import PairMeasuring
from harness.ab.stopping import PairBatch, StoppingRule
from harness.comparison.counted import unconfirmed
from harness.comparison.paired import Pair
from harness.comparison.sides import MeasuredCase
from harness.comparison.tolerance import Tolerance
from harness.host.inputs import FixtureStore
from harness.journal.lines import EndLine, Header
from harness.journal.write import Journal, says_when_interrupted
from harness.planning.case_text import case_text
from harness.planning.order import Step
from harness.run.instrument import Instrument
from harness.run.runner import HostPool, Listener
from harness.schema.description import ScenarioInfo
from harness.schema.records import Outcome, Trial, TrialKind
from harness.trial.timing.heap_layout import draw_layout

MEMORY_BATCHES = 3
"""Laps in which memory is observed, by a trial of its own on either side."""
MOST_LAPS_AGAIN = 30
"""In which what looked heavier is measured again; 23 decide a thousand flags."""


@dataclass(frozen=True)
class CasePair:
    """One case on both sides, by their places in the plan."""

    base: int
    candidate: int


class AbRunner:
    """Measures the two sides of a plan.

    Args:
        header: the plan, with its sides, and the scenarios.
        journal: where trials are written as they end.
        pool: the two hosts.
        fixtures: where inputs come from.
        listener: is told about progress.
        tolerance: by which memory is flagged.
    """

    def __init__(
        self,
        header: Header,
        journal: Journal,
        pool: HostPool,
        fixtures: FixtureStore,
        listener: Listener,
        tolerance: Tolerance,
    ) -> None:
        self.plan = header.plan
        self.infos: Mapping[str, ScenarioInfo] = {info.name: info for info in header.scenarios}
        self.journal = journal
        self.pool = pool
        self.listener = listener
        self.instrument = Instrument(self.plan, self.infos, pool.hosts, fixtures)
        self.case_pairs = case_pairs(header)
        self.draw = random.Random(self.plan.seed)
        self.ends_at = math.inf
        self.tolerance = tolerance
        self.trials: dict[int, list[Trial]] = {}  # by case
        self.failed: set[int] = set()

    def run(self, rule: StoppingRule) -> str:
        """Measure until the course is over or the budget spent; returns the reason to stop."""
        if self.plan.budget_s:
            self.ends_at = time.monotonic() + self.plan.budget_s
        self.listener.begin(len(self.case_pairs) * rule.most_pairs)
        with PairMeasuring(self.instrument, self.draw) as pairs:
            reason = self._run(rule, pairs)
        self.journal.append(EndLine(reason))
        return reason

    def _run(self, rule: StoppingRule, pairs: PairMeasuring) -> str:
        """Lap by lap, on new hosts each; in the first ones, memory is looked at as well.

        Finally, what looked heavier is measured again until it is confirmed or not; what is open
        after many laps has no readings that could decide it.
        """
        batches = rule.batches()
        number = 0
        while True:
            batch = next(batches, None)
            looks = self._looks(number, rule)
            if batch is None and not looks and number >= MEMORY_BATCHES:
                break
            if number and (batch or looks):
                self.pool.renew(draw_layout(self.draw))
            if not self._look(looks, number, rule):
                return "budget"
            if batch is not None and not self._batch(batch, rule, pairs):
                return "budget"
            number += 1
        for _ in range(MOST_LAPS_AGAIN if rule.decide else 0):
            keys = self._unconfirmed()
            if not keys:
                break
            self.pool.renew(draw_layout(self.draw))
            if not self._look_again(keys, number, rule, pairs):
                return "budget"
            number += 1
        return "complete"

    def _unconfirmed(self) -> list[int]:
        """The cases of which what was flagged is open."""
        found = {
            key: (self._measured(pair.base), self._measured(pair.candidate))
            for key, pair in self.case_pairs.items()
            if key not in self.failed
        }
        return unconfirmed(found, self.tolerance)

    def _measured(self, case: int) -> MeasuredCase:
        return MeasuredCase(self.plan.cases[case], Outcome("ok"), tuple(self.trials.get(case, ())))

    def _look_again(
        self, keys: Sequence[int], number: int, rule: StoppingRule, pairs: PairMeasuring
    ) -> bool:
        """One pair of each; a duet too, since some amounts are read in a steady state alone."""
        looks = [
            (key, kind) for key in keys for kind in self._kinds(self.case_pairs[key], number=0)
        ]
        self.draw.shuffle(looks)
        if not self._look(looks, number, rule, again=True):
            return False
        timed = tuple(key for key in keys if key in rule.contenders)
        return self._batch(PairBatch(number, again=True, rounds=(timed,)), rule, pairs)

    def _looks(self, number: int, rule: StoppingRule) -> list[tuple[int, TrialKind]]:
        """What cases have to find out in a lap beside time, in an order of its own."""
        if number >= MEMORY_BATCHES:
            return []
        found = [
            (key, kind)
            for key, case_pair in self.case_pairs.items()
            if key not in rule.contenders or rule.open(key)
            for kind in self._kinds(case_pair, number)
        ]
        self.draw.shuffle(found)
        return found

    def _kinds(self, case_pair: CasePair, number: int) -> tuple[TrialKind, ...]:
        planned = self.plan.cases[case_pair.base]
        if self.infos[planned.case.scenario].probe:
            return ("probe",) if not number else ()
        return ("memory", "tree") if planned.tree else ("memory",)

    def _look(
        self,
        looks: Sequence[tuple[int, TrialKind]],
        number: int,
        rule: StoppingRule,
        *,
        again: bool = False,
    ) -> bool:
        """Trials that do not time, on both sides; False when the budget was spent before."""
        for key, kind in looks:
            if time.monotonic() > self.ends_at:
                return False
            case_pair, layout_seed = self.case_pairs[key], self.draw.getrandbits(32)
            for case in self.draw.sample((case_pair.base, case_pair.candidate), 2):
                self.listener.working_on(self._what(case), math.nan)
                trial = self.instrument.trial(Step(case, kind, number, layout_seed))
                self._note(key, replace(trial, again=again), rule)
        return True

    def _note(self, key: int, trial: Trial, rule: StoppingRule) -> None:
        self.journal.append(trial)
        self.trials.setdefault(trial.case, []).append(trial)
        if not trial.outcome.ok:
            self.failed.add(key)
            if key in rule.contenders:
                rule.fail(key)

    def _batch(self, batch: PairBatch, rule: StoppingRule, pairs: PairMeasuring) -> bool:
        for index, keys in enumerate(batch.rounds):
            for key in keys:
                if time.monotonic() > self.ends_at:
                    return False
                if rule.open(key):
                    self._duet(key, batch, index, rule, pairs)
        return True

    def _duet(
        self, key: int, batch: PairBatch, index: int, rule: StoppingRule, pairs: PairMeasuring
    ) -> None:
        case_pair, number = self.case_pairs[key], batch.round_of(index)
        what = "again: " if batch.again else ""
        self.listener.working_on(f"{what}{self._what(case_pair.base)}", math.nan)
        layout_seed = self.draw.getrandbits(32)
        steps = [
            Step(case, "duet", number, layout_seed)
            for case in (case_pair.base, case_pair.candidate)
        ]
        trials = [replace(trial, again=batch.again) for trial in pairs.measure(*steps)]
        for trial in trials:
            self._note(key, trial, rule)
        pair = Pair.of(*trials)
        if pair is None:
            rule.fail(key)
        else:
            rule.note(key, pair, again=batch.again)
        bad = next((trial for trial in trials if not trial.outcome.ok), trials[0])
        declared = self.plan.cases[bad.case].refuses_by(bad.outcome)
        self.listener.finished(self._what(bad.case), bad, declared=declared)

    def _what(self, case: int) -> str:
        own = self.plan.cases[case].case
        return case_text(own, self.infos[own.scenario])


def case_pairs(header: Header) -> dict[int, CasePair]:
    """The cases that can be run on both sides, by their place on the base's."""
    plan = header.plan
    assert plan.sides is not None
    candidates = {
        planned.case.shared_key: index
        for index, planned in enumerate(plan.cases)
        if planned.case.host == plan.sides.candidate and not planned.skip
    }
    return {
        index: CasePair(index, candidates[planned.case.shared_key])
        for index, planned in enumerate(plan.cases)
        if planned.case.host == plan.sides.base
        and not planned.skip
        and planned.case.shared_key in candidates
    }


def contenders(header: Header) -> list[int]:
    """Those of them that are timed: not the cells of a matrix, nor what weighs memory alone."""
    infos = {info.name: info for info in header.scenarios}
    found = []
    for key, case_pair in case_pairs(header).items():
        info = infos[header.plan.cases[case_pair.base].case.scenario]
        if not info.probe and info.weighs == "time":
            found.append(key)
    return found


def run_ab(
    header: Header,
    journal: Journal,
    pool: HostPool,
    listener: Listener,
    rule: StoppingRule,
    tolerance: Tolerance,
) -> str:
    """Measure an A/B run into a journal; returns the reason to stop.

    Raises:
        KeyboardInterrupt: the user stopped it; the journal says so.
    """
    with says_when_interrupted(journal), FixtureStore(header.plan.seed) as fixtures:
        return AbRunner(header, journal, pool, fixtures, listener, tolerance).run(rule)
