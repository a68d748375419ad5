"""Carry out an A/B run: laps on new hosts, until every case is decided or the budget is spent."""

from __future__ import annotations

import itertools
import math
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.ab.pair import Pairs
from harness.ab.stopping import Course, Lap
from harness.comparison.paired import Pair
from harness.host.inputs import FixtureStore
from harness.journal.lines import EndLine, Header
from harness.journal.write import Journal
from harness.planning.order import Step
from harness.run.instrument import Instrument
from harness.run.runner import Listener, Team
from harness.schema.description import ScenarioInfo
from harness.schema.records import TrialKind
from harness.trial.timing.heap_layout import draw_layout, draw_offset

MEMORY_LAPS = 3
"""Laps in which memory is observed, by a trial of its own on either side."""


@dataclass(frozen=True)
class Couple:
    """One case on both sides, by their places in the plan."""

    base: int
    candidate: int


class AbRunner:
    """Measures the two sides of a plan.

    Args:
        header: the plan, with its sides, and the scenarios.
        journal: where trials are written as they end.
        team: the two hosts.
        fixtures: where inputs come from.
        listener: is told about progress.
    """

    def __init__(
        self,
        header: Header,
        journal: Journal,
        team: Team,
        fixtures: FixtureStore,
        listener: Listener,
    ) -> None:
        self.plan = header.plan
        self.infos: Mapping[str, ScenarioInfo] = {info.name: info for info in header.scenarios}
        self.journal = journal
        self.team = team
        self.listener = listener
        self.instrument = Instrument(self.plan, self.infos, team.hosts, fixtures)
        self.couples = couples(header)
        self.draw = random.Random(self.plan.seed)
        self.ends_at = math.inf

    def run(self, course: Course) -> str:
        """Measure until the course is over or the budget spent; returns the reason to stop.

        Raises:
            KeyboardInterrupt: the user stopped it; the journal says so.
        """
        if self.plan.budget_s:
            self.ends_at = time.monotonic() + self.plan.budget_s
        self.listener.begin(len(self.couples) * course.most_pairs)
        try:
            with Pairs(self.instrument, self.draw) as pairs:
                reason = self._run(course, pairs)
        except KeyboardInterrupt:
            self.journal.append(EndLine("interrupted"))
            raise
        self.journal.append(EndLine(reason))
        return reason

    def _run(self, course: Course, pairs: Pairs) -> str:
        """Lap by lap, on new hosts each; in the first ones, memory is looked at as well."""
        laps = course.laps()
        for number in itertools.count():
            lap = next(laps, None)
            looks = self._looks(number, course)
            if lap is None and not looks and number >= MEMORY_LAPS:
                return "complete"
            if number and (lap or looks):
                self.team.renew(draw_layout(self.draw))
            if not self._look(looks, number, course):
                return "budget"
            if lap is not None and not self._lap(lap, course, pairs):
                return "budget"
        raise AssertionError("unreachable: the count has no end")

    def _looks(self, number: int, course: Course) -> list[tuple[int, TrialKind]]:
        """What cases have to find out in a lap beside time, in an order of its own."""
        if number >= MEMORY_LAPS:
            return []
        found = [
            (key, kind)
            for key, couple in self.couples.items()
            if key not in course.contenders or course.open(key)
            for kind in self._kinds(couple, number)
        ]
        self.draw.shuffle(found)
        return found

    def _kinds(self, couple: Couple, number: int) -> tuple[TrialKind, ...]:
        planned = self.plan.cases[couple.base]
        if self.infos[planned.case.scenario].probe:
            return ("probe",) if not number else ()
        return ("memory", "tree") if planned.tree else ("memory",)

    def _look(self, looks: Sequence[tuple[int, TrialKind]], number: int, course: Course) -> bool:
        """Trials that do not time, on both sides; False when the budget was spent before."""
        for key, kind in looks:
            if time.monotonic() > self.ends_at:
                return False
            couple, offset_bytes = self.couples[key], draw_offset(self.draw)
            for case in self.draw.sample((couple.base, couple.candidate), 2):
                self.listener.working_on(self.plan.cases[case].case.key, math.nan)
                trial = self.instrument.trial(Step(case, kind, number, offset_bytes))
                self.journal.append(trial)
                if not trial.outcome.ok and key in course.contenders:
                    course.fail(key)
        return True

    def _lap(self, lap: Lap, course: Course, pairs: Pairs) -> bool:
        for index, keys in enumerate(lap.rounds):
            for key in keys:
                if time.monotonic() > self.ends_at:
                    return False
                if course.open(key):
                    self._duet(key, lap, index, course, pairs)
        return True

    def _duet(self, key: int, lap: Lap, index: int, course: Course, pairs: Pairs) -> None:
        couple, number = self.couples[key], lap.round_of(index)
        what = "again: " if lap.again else ""
        self.listener.working_on(f"{what}{self.plan.cases[couple.base].case.key}", math.nan)
        offset_bytes = draw_offset(self.draw)
        steps = [
            Step(case, "duet", number, offset_bytes) for case in (couple.base, couple.candidate)
        ]
        trials = [replace(trial, again=lap.again) for trial in pairs.measure(*steps)]
        for trial in trials:
            self.journal.append(trial)
        pair = Pair.of(*trials)
        if pair is None or any(not trial.outcome.ok for trial in trials):
            course.fail(key)
        else:
            course.note(key, pair, again=lap.again)
        bad = next((trial for trial in trials if not trial.outcome.ok), trials[0])
        self.listener.finished(self.plan.cases[bad.case], bad)


def couples(header: Header) -> dict[int, Couple]:
    """The cases that can be run on both sides, by their place on the base's."""
    plan = header.plan
    assert plan.sides is not None
    candidates = {
        planned.case.shared_key: index
        for index, planned in enumerate(plan.cases)
        if planned.case.host == plan.sides.candidate and not planned.skip
    }
    return {
        index: Couple(index, candidates[planned.case.shared_key])
        for index, planned in enumerate(plan.cases)
        if planned.case.host == plan.sides.base
        and not planned.skip
        and planned.case.shared_key in candidates
    }


def contenders(header: Header) -> list[int]:
    """Those of them that are timed: not the cells of a matrix, nor what weighs memory alone."""
    infos = {info.name: info for info in header.scenarios}
    found = []
    for key, couple in couples(header).items():
        info = infos[header.plan.cases[couple.base].case.scenario]
        if not info.probe and info.weighs == "time":
            found.append(key)
    return found


def run_ab(header: Header, journal: Journal, team: Team, listener: Listener, course: Course) -> str:
    """Measure an A/B run into a journal; returns the reason to stop."""
    with FixtureStore(header.plan.seed) as fixtures:
        return AbRunner(header, journal, team, fixtures, listener).run(course)
