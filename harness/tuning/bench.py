"""Fresh processes with the user's loader, and what became of each."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from harness.errors import UsageError
from harness.host.answers import answer_as
from harness.host.host import Report
from harness.schema.loader import LoaderAnswer, LoaderRequest, LoaderSetting, Stage, Way
from harness.schema.records import Outcome
from harness.schema.request import Observed, TaskRequest

MODULES = ("numpy.random", "harness.trial.loader.task")
"""What every trial needs, and finds imported."""


class Caller(Protocol):
    """Runs a task in a fresh process: a host, or this process forked."""

    def call(self, request: TaskRequest, timeout_s: float, *, observe: Observed = "") -> Report: ...


class TrialFailedError(UsageError):
    """The user's code failed in a trial, or did not end; the message says where."""


LEAST_WAVES = 4
LEAST_TRIAL_S = 0.01


def skipped(setting: LoaderSetting | None) -> int:
    """How many batches of a pass do not count, since workers have only begun.

    They begin one after another, and those that were first make as many batches as they may ahead
    before the last one has made any: until these have been used, batches come faster than they are
    made.
    """
    if setting is None or not setting.num_workers:
        return 1
    return setting.num_workers * (1 + (setting.prefetch_factor or 2))


def counted(batches: int, setting: LoaderSetting | None) -> int:
    """How many batches a trial takes, of which about so many count.

    Batches of workers come in waves. A part of one would count as a whole wave, and the more
    workers there are, the faster they would seem: so what counts is whole waves.
    """
    workers = 0 if setting is None else setting.num_workers
    if not workers:
        return skipped(setting) + batches
    waves = max(LEAST_WAVES, -(-batches // workers))
    return skipped(setting) + workers * waves


@dataclass
class Bench:
    """Where trials are run.

    Args:
        caller: runs them.
        about: the request that all have in common: whose loader, with which step.
        name: of the loader, as the user wrote it.
        deadline: by the monotonic clock, when all must have ended.
        trials: how many there were.
        batches: that count in a trial, unless it says otherwise.
        seconds: after which a trial takes no further batch.
        window_s: how long a trial is to measure.
        timeout_s: how long it may take in all.
    """

    caller: Caller
    about: LoaderRequest
    name: str
    deadline: float
    trials: int = field(default=0, init=False)
    _usual: list[float] = field(default_factory=list, init=False)
    batches: int = field(default=8, init=False)
    seconds: float = field(default=1.0, init=False)
    window_s: float = field(default=0.3, init=False)
    timeout_s: float = field(default=30.0, init=False)

    @property
    def left_s(self) -> float:
        """Until the deadline; less than nothing after it."""
        return self.deadline - time.monotonic()

    @property
    def trial_s(self) -> float:
        """What a trial of the usual length has taken, on average of all so far."""
        return max(LEAST_TRIAL_S, statistics.fmean(self._usual)) if self._usual else LEAST_TRIAL_S

    def run(
        self,
        setting: LoaderSetting | None,
        way: Way = "run",
        *,
        stepped: bool = True,
        free: Sequence[Stage] = (),
        observe: bool = False,
        batches: int | None = None,
        seconds: float | None = None,
        read: Callable[[str], None] | None = None,
    ) -> LoaderAnswer:
        """One trial.

        Args:
            setting: to be used; None for the user's own.
            way: what is done with batches.
            stepped: whether a step is taken on each.
            free: stages that give again what they gave before.
            observe: watch the memory of the process tree.
            batches: to take, if not as many as otherwise.
            seconds: the same.
            read: given the folder with the stamps of a watched trial, before it is removed.

        Raises:
            TrialFailedError: it gave no answer, or one that is an error.
        """
        with tempfile.TemporaryDirectory(prefix="ferrybench-tune-") as folder:
            request = replace(
                self.about,
                way=way,
                stepped=stepped,
                setting=setting,
                free=tuple(free),
                batches=batches or counted(self.batches, setting),
                skip=skipped(setting),
                seconds=seconds or self.seconds,
                folder=folder,
            )
            began = time.monotonic()
            report = self.caller.call(request, self.timeout_s, observe="tree" if observe else "")
            self.trials += 1
            if seconds is None:
                self._usual.append(time.monotonic() - began)
            if read is not None:
                read(folder)
        if report.answer is None:
            raise TrialFailedError(self._silent(report.failure(self.timeout_s)))
        answer = answer_as(LoaderAnswer, report.answer)
        if not answer.outcome.ok:
            raise TrialFailedError(self._said(answer.stage, answer.outcome))
        return answer

    def _silent(self, outcome: Outcome) -> str:
        where = f" (it stood at {outcome.where})" if outcome.where else ""
        if outcome.name == "timeout":
            return (
                f"{self.name}: {outcome.reason}{where}: it hangs, or takes longer than there is "
                "time for; if it is only slow, give it a larger --budget"
            )
        return f"{self.name}: {outcome.reason}{where}"

    def _said(self, stage: str, outcome: Outcome) -> str:
        where = f" ({outcome.where})" if outcome.where else ""
        reason = outcome.reason
        if "pickle" in reason.lower():
            reason += "; workers that are started by spawn need a dataset that can be pickled"
        kind, _, number = stage.partition(" batch ")
        words = {
            "unfit": "",
            "import": "the file cannot be imported: ",
            "make_loader": "making the loader failed: ",
            "make_step": "making the step failed: ",
            "step": f"the step failed on batch {number}: ",
            "loader": f"batch {number} failed: ",
        }
        return f"{self.name}: {words[kind]}{reason}{where}"
