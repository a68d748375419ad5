"""What the trials of one function found, put together."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace

from harness.host.answers import answer_as
from harness.host.host import Report
from harness.inline import remarks
from harness.inline.call import Job
from harness.inline.costs import UNVERIFIED, Repeats
from harness.inline.measurement import Measurement
from harness.inline.snapshot import KEPT
from harness.inline.trial import CallFound
from harness.schema.records import Faults, Found, Ledger, Outcome, Trial, TrialKind

UNCONFIRMED = f"{UNVERIFIED}: no further call confirmed it"


@dataclass
class ProcessRun:
    """One function being measured.

    Args:
        job: what is called.
        other_threads: of this process, when it was forked.
        doubts: about the circumstances.
    """

    job: Job
    other_threads: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    trials: list[Trial] = field(default_factory=list)
    answers: list[CallFound] = field(default_factory=list)
    failed: Outcome | None = None
    wall_s: float = 0.0

    @property
    def changed(self) -> tuple[int, ...]:
        """Which inputs the first call changed."""
        return self.answers[0].changed if self.answers else ()

    def add(
        self, report: Report, kind: TrialKind, number: int, timeout_s: float, *, goes_on: bool
    ) -> None:
        """Take in what became of one more trial.

        Args:
            report: of the host.
            kind: of the trial.
            number: of the trial among those of its kind.
            timeout_s: how long it was allowed to take.
            goes_on: whether the function is to be called again with the same arguments.

        Raises:
            UnableError: what the trial says is not known here.
        """
        if report.answer is None:
            found = CallFound(outcome=report.failure(timeout_s))
        else:
            found = answer_as(CallFound, report.answer)
        self.answers.append(found)
        self.trials.append(
            Trial(
                case=0,
                kind=kind,
                round=number,
                wall_s=report.wall_s,
                reaped=report.reaped,
                **{one.name: getattr(found, one.name) for one in fields(Found)},
            )
        )
        self.wall_s += report.wall_s
        if not found.outcome.ok:
            self.failed = remarks.explained(
                found.outcome, self.job, self.trials, self.other_threads
            )
        elif found.used_up and goes_on:
            self.failed = remarks.used_up(found.used_up)

    def measurement(self) -> Measurement:
        """All that is known by now."""
        first, memory = self.trials[0], _trials(self.trials, "memory")
        payload = self.job.payload
        payload_bytes, source = payload.nbytes, payload.said_source
        unknown = payload.unknown
        if self.job.setup is not None:  # which has run in the trials alone
            one = self.answers[0]
            payload_bytes, source = one.payload_bytes, one.payload_source
            unknown = one.payload_unknown
        timed = _trials(self.trials, "time")
        found = Measurement(
            name=self.job.label,
            outcome=self.failed or Outcome("ok"),
            traceback=self.answers[-1].traceback,
            verified=_verified(self.answers),
            payload_bytes=payload_bytes,
            payload_source=source,
            payload_unknown=unknown,
            result=first.result,
            result_bytes=first.result_bytes,
            shares_memory=first.shares_memory,
            sharing_unknown=self.answers[0].sharing_unknown,
            ledger=_last_ledger(memory),
            first_ledger=first.ledger,
            faults_first=_median_faults([trial.faults_first for trial in timed or memory[:1]]),
            faults_steady=_median_faults([trial.faults_steady for trial in timed]),
            first_calls_s=tuple(trial.timing.first_call_s for trial in timed if trial.timing),
            samples_s=tuple(
                trial.timing.samples_s for trial in timed if trial.timing and trial.timing.samples_s
            ),
            threads=first.threads,
            warnings=tuple(dict.fromkeys(text for trial in self.trials for text in trial.warnings)),
            leftovers=self.answers[0].left,
            repeats=_most_repeats(self.answers),
            other_threads=self.other_threads,
            wall_s=self.wall_s,
            trials=tuple(self.trials),
        )
        one = self.answers[0]
        said = remarks.remarks(
            found,
            changes=bool(self.changed),
            unclear=one.unclear,
            lazy=one.lazy,
            once_only=one.once_only,
            accelerator=next((each.accelerator for each in self.answers if each.accelerator), ""),
        )
        if self.changed and self.job.shared_and_writable():
            said.append(remarks.SHARED)
        return replace(found, remarks=(*self.doubts, *said))


def _trials(trials: Sequence[Trial], kind: TrialKind) -> list[Trial]:
    return [trial for trial in trials if trial.kind == kind]


def _last_ledger(trials: Sequence[Trial]) -> Ledger | None:
    ledgers = [trial.ledger for trial in trials if trial.ledger and trial.outcome.ok]
    return ledgers[-1] if ledgers else trials[0].ledger


def _median_faults(faults: Sequence[Faults | None]) -> Faults | None:
    known = [one for one in faults if one is not None]
    if not known:
        return None
    return Faults(
        statistics.median(one.minor for one in known),
        statistics.median(one.major for one in known),
    )


def _verified(answers: Sequence[CallFound]) -> str:
    """How the results were checked: what was not verified in one trial is not verified at all;
    else the last trial's words, which speak of differences.
    """
    said = [one.verified for one in answers if one.verified]
    unverified = next((text for text in said if text.startswith(UNVERIFIED)), "")
    if unverified or not said:
        return unverified
    return UNCONFIRMED if said[-1] == KEPT else said[-1]


def _most_repeats(answers: Sequence[CallFound]) -> Repeats | None:
    found = [one.repeats for one in answers if one.repeats is not None]
    return max(
        found,
        key=lambda one: ((one.descriptors or 0) + (one.processes or 0), one.anon_bytes),
        default=None,
    )
