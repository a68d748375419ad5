"""A tuning from the first look to the answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.errors import UsageError
from harness.schema.loader import LoaderAnswer, LoaderSetting
from harness.tuning.bench import Bench, counted
from harness.tuning.choosing import Choosing
from harness.tuning.costs import batch_s
from harness.tuning.goal import Goal
from harness.tuning.known import Found, Known
from harness.tuning.memory import Peaks
from harness.tuning.plan import Plan, is_time_for_why, race_s
from harness.tuning.race import COUNTS, Race
from harness.tuning.result import Tried, Tuning, Word
from harness.tuning.seeing import Freed, see, why
from harness.units import format_size

LOOK_BATCHES = 12
LOOK_SHARE, WATCH_SHARE = 0.04, 0.06  # of the budget
LEAST_TIMEOUT_S, MOST_TIMEOUT_S = 4.0, 60.0
Say = Callable[[str], None]


@dataclass
class Session:
    """One tuning.

    Args:
        bench: where trials run.
        goal: what is asked for.
        processors: of this machine.
        say: told what is going on.
        read: given the folder with the stamps of the longest watched trial.
    """

    bench: Bench
    goal: Goal
    processors: int
    say: Say
    read: Callable[[str], None] | None = None
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
        peaks = Peaks(goal.memory_bytes, first.batch_bytes)
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
            long_s=WATCH_SHARE * goal.budget_s,
            read=self.read,
        )
        memory = bench.run(reference, stepped=goal.stepped, observe=True).memory
        if memory is None:
            self.not_measured.append("memory: this system does not tell it")
        elif reference is not None:
            peaks.note(reference, memory)
        known = Known(look, self._length(first), reference, seen, memory, peaks)
        return self._go_on(known)

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
        if reference != own:
            peaks.allows(own)  # what is predicted for it, if it was not run, is told
        return reference

    def _go_on(self, known: Known) -> Tuning:
        """What follows once it is known what could be won."""
        if known.reference is None:
            return self._answer(known, "no search")
        limited = self.goal.memory_bytes is not None
        fits = not limited or known.reference == known.look.own
        if known.seen.headspace.nothing and not limited:
            return self._answer(known, "stop")
        found = Found()
        if self.goal.stepped:
            found.why = self._why(known)
        self.say("a race of settings")
        race = Race(
            self.bench,
            known.reference,
            known.length,
            known.peaks,
            stepped=self.goal.stepped,
            processors=self.processors,
            accelerator=known.look.accelerator,
        )
        race.run(time.monotonic() + race_s(self.bench.left_s, self.bench.trial_s))
        found.tried = tuple(
            Tried(one.setting, race.ratio(one), len(one.times_s), one.failed)
            for one in race.runners.values()
        )
        self.say("whether the data is the same")
        choosing = Choosing(self.bench, self.goal, known, known.reference)
        choosing.choose(race, found)
        if found.winner is None or found.winner == known.reference:
            return self._answer(known, "keep" if fits else "fits", found)
        self.say("the winner against your setting, in fresh pairs")
        choosing.confirm(found)
        if found.confirmed is None:
            return self._answer(known, "keep" if fits else "fits", found)
        return self._answer(known, choosing.verdict(found, fits=fits), found)

    def _why(self, known: Known) -> tuple[Freed, ...]:
        assert known.reference is not None
        if not is_time_for_why(self.bench.left_s, self.bench.trial_s):
            self.not_measured.append("what single stages cost: the budget is too short for it")
            return ()
        if known.look.iterable and known.length is not None and known.length <= self.bench.batches:
            self.not_measured.append(
                "what single stages cost: an iterable dataset whose epochs are short would not "
                "end if it gave the same sample again"
            )
            return ()
        self.say("what single stages cost")
        return why(
            self.bench,
            known.reference,
            known.length,
            stepped=self.goal.stepped,
        )

    def _answer(self, known: Known, word: Word, found: Found | None = None) -> Tuning:
        found = found or Found()
        chosen = found.winner if word in ("faster", "lighter") else known.reference
        if word == "fits" and found.confirmed is not None and found.confirmed.ratio.faster:
            chosen = found.winner
        return Tuning(
            name=self.bench.name,
            word=word,
            look=known.look,
            reference=known.reference,
            chosen=chosen,
            seen=known.seen,
            why=found.why,
            confirmed=found.confirmed,
            data=found.data,
            rejected=found.rejected,
            tried=found.tried,
            memory=known.peaks.seen,
            own_memory=known.memory,
            predicted=known.peaks.predicted,
            refused=known.peaks.refused,
            limit_bytes=self.goal.memory_bytes,
            step=self._step(),
            not_measured=(*self.not_measured, *_left_out(known, self.goal)),
            took_s=time.monotonic() - self.began,
            trials=self.bench.trials,
        )

    def _step(self) -> str:
        if not self.goal.stepped:
            return ""
        if self.goal.step_ms:
            return f"a step that sleeps {self.goal.step_ms:g} ms"
        return "your step"


def _left_out(known: Known, goal: Goal) -> list[str]:
    """What no tuning measures, as far as it matters for this loader."""
    left = []
    if known.length is None:
        left.append("start-up, which is not counted: how long an epoch is, is not known")
    if not goal.stepped:
        left.append("what training waits for: no step was given (--step or --step-ms)")
    if known.reference is not None:
        left.append("other start methods, sharing strategies, and fetching by __getitems__")
    if not known.look.accelerator:
        left.append("pinning and the transfer to an accelerator: there is none here")
    return left
