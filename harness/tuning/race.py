"""Which setting is fastest: a race of interleaved processes, in which the slower half drops out."""

from __future__ import annotations

import math
import statistics
import time
from dataclasses import dataclass, field, replace

from harness.schema.loader import LoaderSetting
from harness.tuning.bench import Bench, TrialFailedError
from harness.tuning.costs import batch_s
from harness.tuning.memory import Peaks
from harness.tuning.ratios import TOLERANCE

COUNTS = (0, 1, 2, 4)
MOST_WORKERS_A_PROCESSOR = 4
"""Workers that mostly wait may well be more than there are processors."""
FIRST_ROUNDS, NEXT_ROUNDS, LAST_ROUNDS = 2, 2, 6
FINALISTS = 3
MOST_NOISE = 0.05
"""What a cheaper setting may take more, however noisy the machine."""


@dataclass
class Runner:
    """A setting in the race.

    Args:
        times_s: by round; a round that it was not in has none.
        failed: why it cannot be used; empty where it can.
    """

    setting: LoaderSetting
    times_s: dict[int, float] = field(default_factory=dict)
    failed: str = ""


class Race:
    """Settings in turns, against the reference, which runs in every round.

    Args:
        bench: runs trials.
        reference: the user's setting, or where that may not be run, another.
        length: of an epoch; None where it is not known.
        peaks: which settings may be run at all.
        stepped: whether a step is taken.
        processors: of this machine.
        accelerator: whether pinning is worth a try.
    """

    def __init__(
        self,
        bench: Bench,
        reference: LoaderSetting,
        length: int | None,
        peaks: Peaks,
        *,
        stepped: bool,
        processors: int,
        accelerator: bool,
    ) -> None:
        self._bench, self._length, self._peaks = bench, length, peaks
        self._stepped = stepped
        self._processors, self._accelerator = processors, accelerator
        self.reference = reference
        self.runners: dict[LoaderSetting, Runner] = {reference: Runner(reference)}
        self._round = 0

    def run(self, until: float) -> None:
        """All of it, or as much as there is time for."""
        own = self.reference
        self._enter(*(self._with_workers(count) for count in COUNTS))
        self._rounds(list(self.runners.values()), FIRST_ROUNDS, until)
        while (more := self._doubled()) is not None and time.monotonic() < until:
            self._enter(more)
            if more not in self.runners:
                break
            self._rounds([self.runners[own], self.runners[more]], FIRST_ROUNDS, until)
        best = self._best(2)
        self._enter(*(other for one in best for other in self._varied(one.setting)))
        fresh = [one for one in self.runners.values() if not one.times_s and not one.failed]
        self._rounds([self.runners[own], *fresh], NEXT_ROUNDS, until)
        finalists = {one.setting: one for one in [self.runners[own], *self._best(FINALISTS)]}
        self._rounds(list(finalists.values()), LAST_ROUNDS, until)

    def _with_workers(self, count: int) -> LoaderSetting:
        own = self.reference
        if count == own.num_workers:
            return own
        if not count:
            return LoaderSetting(0, pin_memory=own.pin_memory)
        return replace(own, num_workers=count, prefetch_factor=own.prefetch_factor or 2)

    def _varied(self, setting: LoaderSetting) -> list[LoaderSetting]:
        """A setting with one parameter changed."""
        found = []
        if setting.num_workers:
            found.append(replace(setting, persistent_workers=not setting.persistent_workers))
            ahead = 4 if setting.prefetch_factor != 4 else 2
            found.append(replace(setting, prefetch_factor=ahead))
        if self._accelerator:
            found.append(replace(setting, pin_memory=not setting.pin_memory))
        return found

    def _enter(self, *settings: LoaderSetting) -> None:
        """In this order: what one takes of memory tells what the next will."""
        for setting in settings:
            if setting in self.runners:
                continue
            try:
                if self._peaks.measure_if_limited(self._bench, setting, stepped=self._stepped):
                    self.runners[setting] = Runner(setting)
            except TrialFailedError as error:
                self.runners[setting] = Runner(setting, failed=str(error))

    def _doubled(self) -> LoaderSetting | None:
        """Twice as many workers, where most of those that were tried are best."""
        if not (best := self._best(1)):
            return None
        most = max(one.setting.num_workers for one in self.runners.values() if one.times_s)
        count = 2 * most
        if best[0].setting.num_workers != most or not most:
            return None
        if count > MOST_WORKERS_A_PROCESSOR * self._processors:
            return None
        return self._with_workers(count)

    def _rounds(self, runners: list[Runner], rounds: int, until: float) -> None:
        for number in range(rounds):
            if number and time.monotonic() > until:
                return
            self._round += 1
            order = runners[self._round % len(runners) :] + runners[: self._round % len(runners)]
            for one in order:
                if not one.failed and (one.setting == self.reference or time.monotonic() < until):
                    self._try(one)

    def _try(self, one: Runner) -> None:
        try:
            answer = self._bench.run(one.setting, stepped=self._stepped)
        except TrialFailedError as error:
            if one.setting == self.reference:
                raise
            one.failed = str(error)
            return
        one.times_s[self._round] = batch_s(answer, self._length, one.setting)

    def ratio(self, one: Runner) -> float | None:
        """Its time against the reference's of the same rounds; None where it has none."""
        own = self.runners[self.reference].times_s
        shared = [time / own[number] for number, time in one.times_s.items() if number in own]
        return statistics.median(shared) if shared and not one.failed else None

    def ranked(self) -> list[tuple[float, LoaderSetting]]:
        """Ratios to the reference, the fastest first."""
        known = [(self.ratio(one), one.setting) for one in self.runners.values()]
        return sorted(
            ((ratio, setting) for ratio, setting in known if ratio is not None),
            key=lambda pair: pair[0],
        )

    def _best(self, count: int) -> list[Runner]:
        return [self.runners[setting] for _, setting in self.ranked()[:count]]

    def noise(self) -> float:
        """How far the median of the reference's times may be off, as a share.

        By the median of their distances from it, which for normal noise is 1 / 1.48 of the standard
        deviation; never less than what is no difference.
        """
        times = list(self.runners[self.reference].times_s.values())
        if len(times) < 3:
            return TOLERANCE
        middle = statistics.median(times)
        spread = 1.48 * statistics.median(abs(one - middle) for one in times) / middle
        return min(MOST_NOISE, max(TOLERANCE, spread / math.sqrt(len(times))))

    def cheapest(self, without: frozenset[LoaderSetting] = frozenset()) -> LoaderSetting:
        """Of the settings that are as fast as the fastest, within the noise, the one that takes
        the fewest workers, and then the least made ahead; the reference among equals.
        """
        ranked = [(ratio, one) for ratio, one in self.ranked() if one not in without]
        if not ranked:
            return self.reference
        bar = ranked[0][0] * (1 + self.noise())
        near = [one for ratio, one in ranked if ratio <= bar]
        return min(near, key=self._cost)

    def _cost(self, setting: LoaderSetting) -> tuple[int, int, bool, bool, bool]:
        return (
            setting.num_workers,
            setting.prefetch_factor or 0,
            setting.pin_memory,
            setting != self.reference,
            setting.persistent_workers,
        )
