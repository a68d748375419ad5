"""What to know of a measurement's figures, and of a failure, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.cases.copies import copied_bytes
from harness.inline.call import Job
from harness.inline.measurement import Measurement
from harness.schema.records import MISSED, Ledger, Outcome, Trial
from harness.stats.intervals import two_modes
from harness.trial.meters.process_memory import EXACT
from harness.units import format_size

OPENMP = "its OpenMP keeps threads that a fork loses: a parallel region may hang in a trial"
SHARED = "it changes shared memory, which a fork does not isolate: this process sees the change"
UNCLEAR = "whether it changes {} cannot be told; it was not restored"
CHANGES = "it changes its arguments, which were restored before each further call"
LAZY = "it returns an iterator that was not consumed: measure lambda: list(…) for all of it"
ACCELERATOR = (
    "it uses {}: each call was timed until nothing was left to do there; memory of the device was "
    "not measured, which `ferrybench run` does of a strategy with on_device=True"
)
ONCE_ONLY = "{} yields each value only once: later calls may have got other values, or none"
USED_UP = "used up"
MODES = "times of single calls fall into two clusters: a median describes neither"
FREE_THREADED = (
    "this Python is a free-threaded build, with the GIL {}: compare only with such builds"
)
_NOTABLE_BYTES = 1024**2
_NOTABLE_SHARE = 0.05
"""The first call is spoken of where it took more than a later one by this, and by this share."""


def remarks(
    found: Measurement,
    *,
    changes: bool,
    unclear: str,
    lazy: bool,
    once_only: str,
    accelerator: str,
) -> list[str]:
    """What should be known of the figures."""
    of_call = {
        CHANGES: changes,
        UNCLEAR.format(unclear): unclear,
        LAZY: lazy,
        ONCE_ONLY.format(once_only): once_only,
        ACCELERATOR.format(accelerator): accelerator,
    }
    said = [text for text, applies in of_call.items() if applies]
    if found.payload_unknown and found.ledger is not None:
        said.append(f"its payload is not known: {found.payload_unknown}; pass payload=")
    if found.ledger is not None and found.first_ledger is not None:
        said += _of_first_call(found.first_ledger, found.ledger)
    if found.ledger is not None and found.ledger.split_source == MISSED:
        said.append("no processor was free to observe the peak: its parts are lower bounds")
    if found.ledger is not None and found.ledger.source != EXACT:
        said.append(f"the peak is from {found.ledger.source}")
    if any(two_modes(samples) for samples in found.samples_s):
        said.append(MODES)
    reaped = max((trial.reaped for trial in found.trials), default=0)
    if reaped:
        said.append(f"processes that a trial left running were ended: {reaped}")
    return said


def doubts(*, openmp_paused: bool, gil: str) -> tuple[str, ...]:
    """What should be known of the process that is measured, whatever the figures."""
    said = () if openmp_paused else (OPENMP,)
    return said if gil == "always" else (*said, FREE_THREADED.format(gil))


def _of_first_call(first: Ledger, later: Ledger) -> list[str]:
    if first.doubt:
        return []
    more = 0 if later.doubt else copied_bytes(first.peak) - copied_bytes(later.peak)
    stays = copied_bytes(first.left)
    least = max(_NOTABLE_BYTES, _NOTABLE_SHARE * copied_bytes(later.peak))
    said = []
    if more > least:
        said.append(f"the first call took {format_size(more)} more at its peak than the second")
    if stays > _NOTABLE_BYTES:
        said.append(f"{format_size(stays)} stayed after the first call: imports, or a cache")
    return said


def used_up(what: str) -> Outcome:
    """The outcome of a function that cannot be called twice with the same arguments."""
    return Outcome(
        "error",
        f"the first call uses up {what} that it is given or refers to, so later calls would find "
        "nothing in it: make it anew in each call, as in lambda: f(iter(data)), or measure one "
        "call: warm=False, trials=0",
        USED_UP,
    )


def explained(
    outcome: Outcome, job: Job, trials: Sequence[Trial], other_threads: Sequence[str]
) -> Outcome:
    """The outcome of a function, from that of the trial that failed."""
    last = trials[-1]
    if outcome.name == "timeout" and other_threads:
        names = ", ".join(dict.fromkeys(other_threads))
        text = f"a fork has no other threads, and locks that they hold stay locked: {names}"
        outcome = replace(outcome, reason=f"{outcome.reason}; {text}")
    if len(trials) == 1:
        return outcome
    if outcome.name == "wrong" and job.check is None:
        second = last.kind == "memory" and last.round > 0
        whose = "a second call" if second else "another process"
        advice = "if that is intended, pass check=" + (" or warm=False" if second else "")
        return replace(
            outcome, reason=f"{whose} returned another result: {outcome.reason}; {advice}"
        )
    return replace(outcome, reason=f"trial {len(trials)}, after others succeeded: {outcome.reason}")
