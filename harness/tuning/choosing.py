"""The winner of a race: does it give the same data, and is it surely better than the user's own?"""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from harness.schema.loader import LoaderData, LoaderSetting
from harness.tuning.bench import Bench, TrialFailedError
from harness.tuning.costs import batch_s
from harness.tuning.goal import Goal
from harness.tuning.known import Found, Known
from harness.tuning.plan import pairs_in
from harness.tuning.race import Race
from harness.tuning.ratios import Ratio
from harness.tuning.result import Confirmed, Word
from harness.tuning.rounds import Rounds
from harness.tuning.same_data import DataVerdict, compare_data

AS_FAST = 0.05
"""How much slower a setting may surely not be, if it is to be used for its memory."""
LIGHTER = 0.05
"""The share of memory that is worth a change."""
DATA_SHARE, LEAST_DATA_S = 0.02, 0.2  # of the budget, for an epoch that is hashed
WHOLE_EPOCH = 100_000  # batches, if there is time


@dataclass(frozen=True)
class Choosing:
    """Chooses one setting, against the reference.

    Args:
        bench: runs trials.
        goal: what is asked for.
        known: what is known of the loader.
        own: the reference.
    """

    bench: Bench
    goal: Goal
    known: Known
    own: LoaderSetting

    def choose(self, race: Race, found: Found) -> None:
        """The cheapest setting within the noise that gives the same data, and fits."""
        without: set[LoaderSetting] = set()
        for _ in range(2):
            winner = race.cheapest(frozenset(without))
            found.winner, found.data = winner, None
            if winner == self.own:
                return
            fits = self.known.peaks.measure(self.bench, winner, stepped=self.goal.stepped)
            if not fits:
                without.add(winner)
                continue
            own = self._hashed(self.own)
            try:
                found.data = self._compared(own, winner)
            except TrialFailedError as error:
                self._reject(winner, error, found)
                without.add(winner)
                continue
            if found.data.harmless:
                return
            found.rejected[winner] = found.data
            # What is wrong with one number of workers is so with another.
            workers = self.own.num_workers
            without |= {winner, *(one for one in race.runners if one.num_workers != workers)}
        found.winner, found.data = self.own, None

    def _reject(self, winner: LoaderSetting, error: TrialFailedError, found: Found) -> None:
        """What ran in the race and fails later is not to be relied on."""
        found.rejected[winner] = DataVerdict("unknown", f"it ran, and failed later: {error}")
        found.winner, found.data = self.own, None

    def _compared(self, own: LoaderData, other: LoaderSetting) -> DataVerdict:
        """Hold its data against the reference's, from one seed."""
        data = self._hashed(other)
        verdict = compare_data(own, data, None)
        if verdict.same != "random":
            return verdict
        return compare_data(own, data, self._hashed(self.own))

    def _hashed(self, setting: LoaderSetting) -> LoaderData:
        seconds = max(LEAST_DATA_S, DATA_SHARE * self.goal.budget_s)
        answer = self.bench.run(
            setting, "data", stepped=False, batches=WHOLE_EPOCH, seconds=seconds
        )
        assert answer.data is not None
        return answer.data

    def confirm(self, found: Found) -> None:
        """Fresh pairs, as many as there is time for; how many is settled before the first."""
        own, winner = self.own, found.winner
        assert winner is not None
        pairs = pairs_in(self.bench.left_s, self.bench.trial_s)
        stepped = self.goal.stepped
        rounds = Rounds(
            {
                "own": lambda: self.bench.run(own, stepped=stepped),
                "other": lambda: self.bench.run(winner, stepped=stepped),
            },
            seed=3,
        )
        try:
            rounds.add(pairs)
        except TrialFailedError as error:
            if not self._still_runs():
                raise
            self._reject(winner, error, found)
            return
        times = [batch_s(one, self.known.length, own) for one in rounds.found["own"]]
        others = [batch_s(one, self.known.length, winner) for one in rounds.found["other"]]
        found.confirmed = Confirmed(
            winner, Ratio.of(others, times), statistics.median(times), statistics.median(others)
        )

    def _still_runs(self) -> bool:
        """Whether the reference does, so that it was the other that failed."""
        try:
            self.bench.run(self.own, stepped=self.goal.stepped)
        except TrialFailedError:
            return False
        return True

    def verdict(self, found: Found, *, fits: bool) -> Word:
        """What the fresh pairs say."""
        assert found.confirmed is not None
        ratio = found.confirmed.ratio
        if ratio.faster:
            return "faster" if fits else "fits"
        before = self.known.peaks.seen.get(self.own)
        after = self.known.peaks.seen.get(found.confirmed.setting)
        if (
            before is not None
            and after is not None
            and after.peak_bytes < before.peak_bytes * (1 - LIGHTER)
            and ratio.sure_high < 1 + AS_FAST
        ):
            return "lighter" if fits else "fits"
        return "undecided" if fits else "fits"
