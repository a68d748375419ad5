"""Where further trials go: to contests that are open, within the time that there is.

Every case is timed in as many rounds as are planned. From the first look on, what has been beaten
is spared the rest of them; what is open goes on from look to look, those first that a verdict is
about, and of these those that should be decided soonest. Where time is left that decides nothing,
verdicts are to have fewer that may be best. Its trials stand in rounds of their own,
in which all that are compared share their layout and their moment.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.planning.rivals import Rivals, rivals_of, rule_of
from harness.schema.description import ScenarioInfo
from harness.schema.records import TIMED, Effort, PlannedCase, Trial
from harness.stats.contest import Answer, ContestRule, decide

Round = tuple[int, int]
"""A sitting, and the number of a round: whatever has both in common was measured together."""
Seconds = Callable[[int], float]
"""What one more trial of a case is expected to take."""


@dataclass
class OpenContest:
    """A contest in the course of being decided.

    Args:
        rivals: the cases.
        times: of each that has not failed, in seconds by round.
        look: rounds at which it was looked at last.
        answer: what was seen then, of ``looked``; None before.
        looked: the cases that it was about.
        out: those of them that were beaten.
    """

    rivals: Rivals
    times: dict[int, dict[Round, float]]
    look: int = 0
    answer: Answer | None = None
    looked: tuple[int, ...] = ()
    out: set[int] = field(default_factory=set)

    @property
    def running(self) -> list[int]:
        """Cases that neither failed nor were beaten."""
        return [case for case in self.times if case not in self.out]

    @property
    def shared(self) -> list[Round]:
        """Rounds that all of them have, in their order."""
        first, *others = [self.times[case] for case in self.running] or [{}]
        return [key for key in first if all(key in own for own in others)]

    @property
    def rounds(self) -> int:
        """How many these are."""
        return len(self.shared)

    @property
    def is_open(self) -> bool:
        """Whether more rounds may tell more."""
        if len(self.times) < 2:
            return False
        return self.answer is None or self.answer.word == "undecided"

    def look_again(self, looks: Sequence[int], rule: ContestRule) -> None:
        """Decide by as many rounds as a look that is due takes, and not by those after it."""
        shared = self.shared
        look = max((one for one in looks if one <= len(shared)), default=0)
        if not self.is_open or look <= self.look:
            return
        last = shared[look - 1]
        self.look = look
        self.looked = tuple(self.times)
        seen = [
            {key: time_s for key, time_s in own.items() if key <= last}
            for own in self.times.values()
        ]
        self.answer = decide(seen, rule)
        leaders = {self.looked[place] for place in self.answer.leaders}
        self.out |= set(self.looked) - leaders


class Deciding:
    """All contests of a run, and what they have taken.

    Args:
        cases: of the plan.
        infos: its scenarios, by name.
        effort: of the plan; one without contests leaves everything as it is planned.
        done: trials that an interrupted run already has.
    """

    def __init__(
        self,
        cases: Sequence[PlannedCase],
        infos: Mapping[str, ScenarioInfo],
        effort: Effort,
        done: Iterable[Trial] = (),
    ) -> None:
        found = rivals_of(cases, infos) if effort.contests is not None else ()
        self._effort = effort
        self._looks = effort.contests.looks if effort.contests is not None else ()
        self._rule = rule_of(cases, infos, effort)
        self.contests = [
            OpenContest(rivals, {case: {} for case in rivals.cases}) for rivals in found
        ]
        self._of = {case: one for one in self.contests for case in one.rivals.cases}
        self._baselines = {index for index, one in enumerate(cases) if one.baseline}
        self._planned_s = self._further_s = 0.0
        self.last_round = max(effort.trials, effort.memory_trials - 1)
        self._sitting = 0
        for trial in done:
            self._note(trial, trial.sitting)
            self._sitting = trial.sitting + 1

    def note(self, trial: Trial) -> None:
        """Take note of a trial that has ended now."""
        self._note(trial, self._sitting)

    def _note(self, trial: Trial, sitting: int) -> None:
        if trial.kind in TIMED:
            self.last_round = max(self.last_round, trial.round)
            if trial.round > self._effort.trials:
                self._further_s += trial.wall_s
            else:
                self._planned_s += trial.wall_s
        contest = self._of.get(trial.case)
        if contest is None:
            return
        time_s = trial.timing.median_s if trial.timing else 0.0
        if not trial.outcome.ok or (trial.kind in TIMED and not time_s > 0):
            contest.times.pop(trial.case, None)
        elif trial.kind in TIMED and trial.case in contest.times:
            contest.times[trial.case][sitting, trial.round] = time_s
        contest.look_again(self._looks, self._rule)

    def spares(self, case: int) -> bool:
        """Whether a case need not be timed again; ratios go on to be those to a baseline."""
        contest = self._of.get(case)
        return contest is not None and case in contest.out and case not in self._baselines

    def allowed_s(self, one_s: Seconds, to_come_s: float = 0.0) -> float:
        """What trials beyond the planned rounds may still take.

        Args:
            one_s: what one takes.
            to_come_s: what the timed trials are expected to take that are still planned.
        """
        if self._effort.contests is None or not self.contests:
            return 0.0
        planned_s = self._planned_s + to_come_s + self._saved_s(one_s)
        share = self._effort.contests.extra_share
        return max(0.0, self._saved_s(one_s) + share * planned_s - self._further_s)

    def _saved_s(self, one_s: Seconds) -> float:
        """What planned trials would have taken that cases were spared."""
        return math.fsum(
            max(0, self._effort.trials - len(contest.times[case])) * one_s(case)
            for contest in self.contests
            for case in contest.out
            if case in contest.times and self.spares(case)
        )

    def further_s(self, one_s: Seconds, to_come_s: float, *, planned: bool) -> float:
        """What contests should take beyond what is about to be measured.

        Args:
            one_s: what a trial takes.
            to_come_s: what the timed trials should take that are.
            planned: whether those are of planned rounds. Contests are then expected to take all
                that they may; later, what those should take that are open.
        """
        if planned:
            return self.allowed_s(one_s, to_come_s)
        allowed_s = self.allowed_s(one_s)
        ending, _ = self._chosen(one_s, allowed_s)
        should_s = math.fsum(self._cost_s(one, one_s) for one in ending)
        if any(one.rivals.reference and one.is_open and one not in ending for one in self.contests):
            should_s = allowed_s
        return max(0.0, should_s - to_come_s)

    def lap(self, one_s: Seconds, allowed_s: float) -> list[list[list[int]]]:
        """Rounds to be measured next, each of groups of cases that belong together.

        Empty where nothing is open that there is time for.
        """
        ending, further = self._chosen(one_s, allowed_s)
        chosen = [(self._next_look(one) - one.rounds, one) for one in (*ending, *further)]
        most = max((rounds for rounds, _ in chosen), default=0)
        return [
            [one.running for rounds, one in chosen if number < rounds] for number in range(most)
        ]

    def _chosen(
        self, one_s: Seconds, allowed_s: float
    ) -> tuple[list[OpenContest], list[OpenContest]]:
        """As many as there is time for, and of each kind those first that take least.

        Returns:
            Those that should end, of which what verdicts are about comes first; and of the rest
            what verdicts are about, with the time to its next look: fewer may be left after it.
        """
        left = [one for one in self.contests if one.is_open and one.rounds < self._looks[-1]]
        costs = {id(one): self._cost_s(one, one_s) for one in left}
        left.sort(key=lambda one: (not one.rivals.reference, costs[id(one)]))
        ending, rest_s = _fitting(left, costs, allowed_s)
        others = [one for one in left if one.rivals.reference and one not in ending]
        costs = {
            id(one): (self._next_look(one) - one.rounds) * math.fsum(map(one_s, one.running))
            for one in others
        }
        others.sort(key=lambda one: costs[id(one)])
        return ending, _fitting(others, costs, rest_s)[0]

    def _cost_s(self, one: OpenContest, one_s: Seconds) -> float:
        """Until it should be decided; infinite where none of the looks should decide it.

        One that no look has seen, since its rounds were interrupted, is to have the first.
        """
        needed = one.answer.needed if one.answer is not None else self._looks[0]
        if needed is None:
            return math.inf
        until = next((look for look in self._looks if look >= max(needed, one.rounds + 1)), None)
        if until is None:
            return math.inf
        return (until - one.rounds) * math.fsum(map(one_s, one.running))

    def _next_look(self, one: OpenContest) -> int:
        return next(look for look in self._looks if look > one.rounds)


def _fitting(
    contests: Iterable[OpenContest], costs: Mapping[int, float], allowed_s: float
) -> tuple[list[OpenContest], float]:
    """One after the other, all for which there is time; and the time that is left."""
    found = []
    for one in contests:
        if costs[id(one)] <= allowed_s:
            allowed_s -= costs[id(one)]
            found.append(one)
    return found, allowed_s
