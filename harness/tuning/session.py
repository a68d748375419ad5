"""A tuning from the first look to the answer."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.errors import UsageError
from harness.schema.loader import LoaderAnswer, LoaderLook, LoaderSetting
from harness.tuning.bench import Bench, counted
from harness.tuning.costs import batch_s
from harness.tuning.goal import Goal
from harness.tuning.memory import Peaks
from harness.tuning.plan import MOST_PAIRS, SHARES, Plan
from harness.tuning.race import COUNTS, Race
from harness.tuning.ratios import LEAST_PAIRS, Ratio
from harness.tuning.result import Confirmed, Tried, Tuning, Word
from harness.tuning.rounds import Rounds
from harness.tuning.same_data import DataVerdict, compare_data
from harness.tuning.seeing import Freed, Seen, see, why
from harness.units import format_size

LOOK_BATCHES = 12
LOOK_SHARE = 0.04  # of the budget
LEAST_TIMEOUT_S, MOST_TIMEOUT_S = 4.0, 60.0
AS_FAST = 0.05
"""How much slower a setting may surely not be, if it is to be used for its memory."""
LIGHTER = 0.05
"""The share of memory that is worth a change."""
Say = Callable[[str], None]


@dataclass
class Session:
    """One tuning.

    Args:
        bench: where trials run.
        goal: what is asked for.
        processors: of this machine.
        say: told what is going on.
    """

    bench: Bench
    goal: Goal
    processors: int
    say: Say
    began: float = field(default_factory=time.monotonic, init=False)
    not_measured: list[str] = field(default_factory=list, init=False)

    def tune(self) -> Tuning:
        """All of it.

        Raises:
            UsageError: the loader cannot be used, or the budget is too short.
        """
        bench, goal = self.bench, self.goal
        self.say("a first look")
        first, overhead_s = self._first_look()
        assert first.look is not None
        look = first.look
        pace = batch_s(first, self._length(first), look.own)
        plan = Plan.of(
            bench.left_s,
            goal.budget_s - bench.left_s,
            overhead_s,
            pace,
            tunable=look.own is not None,
        )
        peaks = Peaks(goal.memory_bytes, first.batch_bytes or 0)
        reference = self._reference(first, peaks)
        bench.batches = plan.batches(pace, self._length(first))
        bench.seconds, bench.window_s = 3 * plan.window_s, plan.window_s
        bench.timeout_s = max(bench.timeout_s, 10 * plan.trial_s)
        self.say("what the loader and the step take")
        seen = see(
            bench,
            reference,
            self._length(first),
            stepped=goal.stepped,
            until=self._until("see"),
        )
        base = _Base(look, self._length(first), reference, seen, peaks, plan)
        return self._go_on(base)

    def _first_look(self) -> tuple[LoaderAnswer, float]:
        """How it is, and what a trial takes beside measuring."""
        goal = self.goal
        self.bench.timeout_s = min(MOST_TIMEOUT_S, max(LEAST_TIMEOUT_S, goal.budget_s / 2))
        # With a limit, the user's setting may only be run once its peak has been predicted.
        setting = LoaderSetting(0) if goal.memory_bytes is not None else None
        first, overhead_s = self._look(setting, LOOK_BATCHES)
        own = first.look.own if first.look is not None else None
        if setting is None and own is not None and own.num_workers:
            # Now that it is known how many workers there are, how long they take.
            return self._look(own, counted(LOOK_BATCHES, own))
        return first, overhead_s

    def _look(self, setting: LoaderSetting | None, batches: int) -> tuple[LoaderAnswer, float]:
        began = time.monotonic()
        answer = self.bench.run(
            setting,
            stepped=self.goal.stepped,
            observe=self.goal.memory_bytes is not None,
            batches=batches,
            seconds=LOOK_SHARE * self.goal.budget_s,
        )
        wall_s = time.monotonic() - began
        return answer, max(0.0, wall_s - sum(one.steady_s for one in answer.passes))

    @staticmethod
    def _length(first: LoaderAnswer) -> int | None:
        """Batches of an epoch: as they came, or else as the loader says."""
        whole = [one.batches for one in first.passes if one.ended]
        assert first.look is not None
        return whole[0] if whole else first.look.length

    def _until(self, part: str) -> float:
        """When a part has to end, by the monotonic clock."""
        return time.monotonic() + min(self.bench.left_s, SHARES[part] * self.goal.budget_s)

    def _reference(self, first: LoaderAnswer, peaks: Peaks) -> LoaderSetting | None:
        """The user's setting; where it would exceed the limit, that with most workers below it.

        Raises:
            UsageError: every setting exceeds it.
        """
        assert first.look is not None
        own, limit = first.look.own, self.goal.memory_bytes
        if limit is None:
            return own
        if first.memory is None:
            raise UsageError("--memory cannot be kept to: this system does not tell memory")
        peaks.note(LoaderSetting(0), first.memory)
        if first.memory.peak_bytes > limit:
            raise UsageError(
                f"{self.bench.name} takes {format_size(first.memory.peak_bytes)} without any "
                f"worker, more than --memory {format_size(limit)}"
            )
        if own is None:
            return None
        reference = LoaderSetting(0)
        steps = [
            LoaderSetting(count, own.prefetch_factor or 2, own.persistent_workers, own.pin_memory)
            for count in COUNTS
            if 0 < count < own.num_workers
        ]
        for setting in (*steps, own):
            if setting != reference and not peaks.measure(
                self.bench, setting, stepped=self.goal.stepped
            ):
                break
            reference = setting
        return reference

    def _go_on(self, base: _Base) -> Tuning:
        """What follows once it is known what could be won."""
        if base.reference is None:
            return self._answer(base, "no search")
        limited = self.goal.memory_bytes is not None
        fits = not limited or base.reference == base.look.own
        if base.seen.headspace.nothing and fits and not limited:
            return self._answer(base, "stop")
        found = _Found()
        if self.goal.stepped:
            found.why = self._why(base)
        self.say("a race of settings")
        race = Race(
            self.bench,
            base.reference,
            base.length,
            base.peaks,
            stepped=self.goal.stepped,
            processors=self.processors,
            accelerator=base.look.accelerator,
        )
        race.run(self._until("race"))
        found.tried = tuple(
            Tried(one.setting, race.ratio(one), len(one.times_s), one.failed)
            for one in race.runners.values()
        )
        self._choose(base, race, found)
        if found.winner is None or found.winner == base.reference:
            return self._answer(base, "keep" if fits else "fits", found)
        self.say("the winner against your setting, in fresh pairs")
        self._confirm(base, found)
        return self._answer(base, self._verdict(base, found, fits=fits), found)

    def _why(self, base: _Base) -> tuple[Freed, ...]:
        assert base.reference is not None
        if not base.plan.why:
            self.not_measured.append("what single stages cost: the budget is too short for it")
            return ()
        if base.look.iterable and base.length is not None and base.length <= self.bench.batches:
            self.not_measured.append(
                "what single stages cost: an iterable dataset whose epochs are short would not "
                "end if it gave the same sample again"
            )
            return ()
        self.say("what single stages cost")
        return why(
            self.bench,
            base.reference,
            base.length,
            stepped=self.goal.stepped,
            until=self._until("why"),
        )

    def _choose(self, base: _Base, race: Race, found: _Found) -> None:
        """The cheapest setting within the noise that gives the same data, and fits."""
        assert base.reference is not None
        self.say("whether the data is the same")
        without: set[LoaderSetting] = set()
        for _ in range(2):
            winner = race.cheapest(frozenset(without))
            found.winner, found.data = winner, None
            if winner == base.reference:
                return
            fits = base.peaks.measure(self.bench, winner, stepped=self.goal.stepped)
            if not fits:
                without.add(winner)
                continue
            found.data = self._compared(base.reference, winner)
            if found.data.harmless:
                if base.reference not in base.peaks.seen:
                    base.peaks.measure(self.bench, base.reference, stepped=self.goal.stepped)
                return
            found.rejected[winner] = found.data
            # What is wrong with one number of workers is so with another.
            own = base.reference.num_workers
            without |= {one for one in race.runners if one.num_workers != own}
        found.winner, found.data = base.reference, None

    def _compared(self, own: LoaderSetting, other: LoaderSetting) -> DataVerdict:
        """Hold their data against each other, from one seed."""
        seconds = max(0.2, 0.02 * self.goal.budget_s)
        runs = [
            self.bench.run(setting, "data", stepped=False, batches=100_000, seconds=seconds).data
            for setting in (own, other)
        ]
        one, two = runs
        assert one is not None
        assert two is not None
        verdict = compare_data(one, two, None)
        if verdict.same != "random":
            return verdict
        again = self.bench.run(own, "data", stepped=False, batches=100_000, seconds=seconds).data
        return compare_data(one, two, again)

    def _confirm(self, base: _Base, found: _Found) -> None:
        """Fresh pairs, as many as there is time for; how many is settled before the first."""
        own, winner = base.reference, found.winner
        assert own is not None
        assert winner is not None
        pairs = int(self.bench.left_s / (2.2 * base.plan.trial_s))
        pairs = min(MOST_PAIRS, max(LEAST_PAIRS, pairs))
        stepped = self.goal.stepped
        rounds = Rounds(
            {
                "own": lambda: self.bench.run(own, stepped=stepped),
                "other": lambda: self.bench.run(winner, stepped=stepped),
            },
            seed=3,
        )
        for _ in rounds.until(pairs, pairs, 0.0):
            pass
        times = [batch_s(one, base.length, own) for one in rounds.found["own"]]
        others = [batch_s(one, base.length, winner) for one in rounds.found["other"]]
        found.confirmed = Confirmed(
            winner, Ratio.of(others, times), statistics.median(times), statistics.median(others)
        )

    def _verdict(self, base: _Base, found: _Found, *, fits: bool) -> Word:
        assert found.confirmed is not None
        assert base.reference is not None
        ratio = found.confirmed.ratio
        if ratio.faster:
            return "faster" if fits else "fits"
        before = base.peaks.seen.get(base.reference)
        after = base.peaks.seen.get(found.confirmed.setting)
        if (
            before is not None
            and after is not None
            and after.peak_bytes < before.peak_bytes * (1 - LIGHTER)
            and ratio.sure_high < 1 + AS_FAST
        ):
            return "lighter" if fits else "fits"
        return "undecided" if fits else "fits"

    def _answer(self, base: _Base, word: Word, found: _Found | None = None) -> Tuning:
        found = found or _Found()
        chosen = found.winner if word in ("faster", "lighter") else base.reference
        if word == "fits" and found.confirmed is not None and found.confirmed.ratio.faster:
            chosen = found.winner
        return Tuning(
            name=self.bench.name,
            word=word,
            look=base.look,
            reference=base.reference,
            chosen=chosen,
            seen=base.seen,
            why=found.why,
            confirmed=found.confirmed,
            data=found.data,
            rejected=found.rejected,
            tried=found.tried,
            memory=base.peaks.seen,
            predicted=base.peaks.predicted,
            refused=base.peaks.refused,
            limit_bytes=self.goal.memory_bytes,
            step=self._step(),
            not_measured=(*self.not_measured, *_left_out(base, self.goal)),
            took_s=time.monotonic() - self.began,
            trials=self.bench.trials,
        )

    def _step(self) -> str:
        if not self.goal.stepped:
            return ""
        if self.goal.step_ms:
            return f"a step that sleeps {self.goal.step_ms:g} ms"
        return "your step"


@dataclass(frozen=True)
class _Base:
    """What is known before settings are tried."""

    look: LoaderLook
    length: int | None
    reference: LoaderSetting | None
    seen: Seen
    peaks: Peaks
    plan: Plan


@dataclass
class _Found:
    """What settings were found to do."""

    why: tuple[Freed, ...] = ()
    tried: tuple[Tried, ...] = ()
    winner: LoaderSetting | None = None
    confirmed: Confirmed | None = None
    data: DataVerdict | None = None
    rejected: dict[LoaderSetting, DataVerdict] = field(default_factory=dict)


def _left_out(base: _Base, goal: Goal) -> list[str]:
    """What no tuning measures, as far as it matters for this loader."""
    left = []
    if base.length is None:
        left.append("start-up, which is not counted: how long an epoch is, is not known")
    if not goal.stepped:
        left.append("what training waits for: no step was given (--step or --step-ms)")
    if base.reference is not None:
        left.append("other start methods, sharing strategies, and fetching by __getitems__")
    if not base.look.accelerator:
        left.append("pinning and the transfer to an accelerator: there is none here")
    return left
