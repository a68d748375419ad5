"""How memory and page faults are read off a trial, and what two readings may differ by."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from harness.cases.copies import copied_bytes, copies_of
from harness.cases.quantities.quantity import Read
from harness.schema.records import MISSED, Ledger, Rss, Trial

RUN_TO_RUN_BYTES = 100 * 1024
"""What two readings of the same memory may differ by: see ``python -m harness.bench``."""
RUN_TO_RUN_TREE_BYTES = 4 * 1024**2
RUN_TO_RUN_FAULTS = 64


def noted_in_ledger(read: Callable[[Ledger], Any]) -> Read:
    """What a ledger says of itself; None without one."""
    return lambda trial: read(trial.ledger) if trial.ledger else None


def of_ledger(read: Callable[[Ledger], Any]) -> Read:
    """A figure of the ledger; None without one, and where its figures may be too low."""

    def of(trial: Trial) -> Any:
        return read(trial.ledger) if trial.ledger and not trial.ledger.doubt else None

    return of


def copied_at(moment: Callable[[Ledger], Rss]) -> Read:
    """Memory that holds copies at some moment."""
    return of_ledger(lambda ledger: copied_bytes(moment(ledger)))


def growth_at(moment: Callable[[Ledger], Rss]) -> Read:
    """The same; what became less is no growth."""
    return of_ledger(lambda ledger: max(0, copied_bytes(moment(ledger))))


def copied_at_peak(trial: Trial) -> float | None:
    """Anonymous and shared memory at the peak; not of a trial whose observer missed it."""
    ledger = trial.ledger
    if ledger is None or ledger.doubt or ledger.split_source == MISSED:
        return None
    return copied_bytes(ledger.peak)


def told_apart(trials: Sequence[Trial]) -> Sequence[Trial]:
    """Trials whose peak is known without the pages of files: all where there are none to speak of.

    Only an observer tells file pages from others while they last.
    """
    seen = [trial for trial in trials if trial.ledger and trial.kind == "memory"]
    mapped = max((trial.ledger.peak.file_bytes for trial in seen if trial.ledger), default=0)
    return trials if mapped <= RUN_TO_RUN_BYTES else seen


def copies(trial: Trial) -> float | None:
    """Copies of the payload, where there is enough of it to tell."""
    return copies_of(trial.ledger, trial.payload_bytes)


def minor_first(trial: Trial) -> float | None:
    return trial.faults_first.minor if trial.faults_first else None


def minor_steady(trial: Trial) -> float | None:
    return trial.faults_steady.minor if trial.faults_steady else None


def major_first(trial: Trial) -> float | None:
    return trial.faults_first.major if trial.faults_first else None


def or_nan(read: Read) -> Read:
    """What a trial may lack in a column of numbers."""

    def of(trial: Trial) -> Any:
        found = read(trial)
        return math.nan if found is None else found

    return of
