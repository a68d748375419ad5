"""The steps of a trial, in their order: baseline, first call, check, drop, steady state.

The order is the point. Memory is read before anything else can disturb it, the result is checked
after that, and time in the steady state comes last, since its calls leave their own marks.
"""

from __future__ import annotations

import gc
import resource
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from harness.schema.records import Effort, Faults, Outcome, Switches, Timing
from harness.trial.base.outcomes import one_line
from harness.trial.base.process import release_free_memory
from harness.trial.meters.malloc_arenas import Arenas, grain_bytes
from harness.trial.meters.peak_watch import WatchPage
from harness.trial.meters.process_memory import Meter, Status, Watched, make_ledger, open_meter

Record = dict[str, Any]


@dataclass
class SteadyState:
    """What the steady state was found to be."""

    timing: Record  # fields of a Timing
    calls: int  # that were made, or epochs
    fields: Record = field(default_factory=dict)  # of a Trial
    outcome: Outcome = field(default_factory=lambda: Outcome("ok"))


class Cache(Protocol):
    """Keeps the files that are read in some state."""

    def prepare(self) -> None:
        """Put them into it."""

    def note_after(self) -> None:
        """See what the first call has made of it."""

    def record(self) -> Record:
        """Fields of a Trial that tell of it."""


class MeasuredWork(Protocol):
    """What the steps of a trial are made of."""

    clock_cost_s: float
    reuses_result: bool  # in the steady state with what the first call made, as a loader does

    @property
    def first_s(self) -> float:
        """What the first call took, or the first batch of the first epoch."""

    @property
    def cache(self) -> Cache:
        """Of the files that are read."""

    def first(self) -> None:
        """Do it for the first time, and keep what came of it."""

    def verify(self, record: Record) -> Outcome:
        """Note facts of what came of it, and check it."""

    def drop(self) -> None:
        """Let go of what came of it."""

    def steady(self, effort: Effort, warmed: Callable[[], None]) -> SteadyState:
        """Sample the steady state; ``warmed`` is called where the first sample begins."""


@dataclass
class First:
    """The readings around the first call, or the first epoch."""

    faults: Faults
    switches: Switches
    before: Status
    after: Status
    watched: Watched | None
    meter: Meter
    arena_bytes: int


def take_steps(
    measured: MeasuredWork, page: WatchPage | None, effort: Effort, record: Record, *, timed: bool
) -> Outcome:
    """Take all steps, the last only if ``timed``, and note in the record what was found."""
    measured.cache.prepare()
    with noted_warnings(record):
        first = _first(measured, page)
    measured.cache.note_after()
    record |= measured.cache.record()
    timing = Timing(measured.first_s, (), 0, True, measured.clock_cost_s)
    record |= {"timing": asdict(timing), "faults_first": asdict(first.faults)}
    record["switches_first"] = asdict(first.switches)
    outcome = measured.verify(record)
    timed = timed and outcome.ok
    alive = first.meter.read().rss
    if timed and measured.reuses_result:
        outcome = _steady(measured, effort, record)
        alive = first.meter.read().rss
    measured.drop()
    gc.collect()
    freed = alive - first.meter.read().rss
    ledger = make_ledger(
        first.before,
        first.after,
        freed,
        first.meter.source,
        first.watched,
        first.arena_bytes,
    )
    record["ledger"] = asdict(ledger)
    if timed and not measured.reuses_result:
        outcome = _steady(measured, effort, record)
    return outcome


@contextmanager
def noted_warnings(record: Record) -> Iterator[None]:
    """Add to the record what the strategy warns of; torch warns but once in a process."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        finally:
            texts = [*record["warnings"], *(one_line(str(one.message)) for one in caught)]
            record["warnings"] = list(dict.fromkeys(texts))


def _first(measured: MeasuredWork, page: WatchPage | None) -> First:
    gc.collect()
    release_free_memory()
    meter = open_meter()
    meter.read()  # the first reading allocates; later ones do not
    arenas = Arenas.now()
    observed = page is not None and page.start()
    meter.reset_peak()
    before = meter.read()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    measured.first()
    usage_after = resource.getrusage(resource.RUSAGE_SELF)
    after = meter.read()
    watched = page.stop() if page is not None and observed else None
    faults = _faults(usage, usage_after, calls=1)
    grain = grain_bytes(arenas, Arenas.now())
    switches = switches_between(usage, usage_after, calls=1)
    return First(faults, switches, before, after, watched, meter, grain)


def _faults(before: Any, after: Any, calls: int) -> Faults:
    return Faults(
        (after.ru_minflt - before.ru_minflt) / calls, (after.ru_majflt - before.ru_majflt) / calls
    )


def switches_between(before: Any, after: Any, calls: int) -> Switches:
    return Switches(
        (after.ru_nvcsw - before.ru_nvcsw) / calls, (after.ru_nivcsw - before.ru_nivcsw) / calls
    )


def _steady(measured: MeasuredWork, effort: Effort, record: Record) -> Outcome:
    readings: list[Any] = []
    steady = measured.steady(
        effort, lambda: readings.append(resource.getrusage(resource.RUSAGE_SELF))
    )
    usage_after = resource.getrusage(resource.RUSAGE_SELF)
    record["timing"] |= steady.timing
    if steady.calls:  # none where the other half of a duet did not come
        record["faults_steady"] = asdict(_faults(readings[0], usage_after, steady.calls))
        if "faults_steady" not in steady.fields:  # or there were more calls than these
            switches = switches_between(readings[0], usage_after, steady.calls)
            record["switches_steady"] = asdict(switches)
    record |= steady.fields | measured.cache.record()
    return steady.outcome
