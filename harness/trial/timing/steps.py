"""The steps of a trial, in their order: baseline, first call, check, drop, steady state.

The order is the point. Memory is read before anything else can disturb it, the result is checked
after that, and time in the steady state comes last, since its calls leave their own marks.
"""

from __future__ import annotations

import gc
import resource
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from harness.schema.records import Effort, Faults, Found, Outcome, PageCache, Rss, Switches, Timing
from harness.trial.base.outcomes import one_line
from harness.trial.base.process import release_free_memory
from harness.trial.meters.allocated import Account, why_at_least
from harness.trial.meters.fill_holes import fill_holes, give_back_pools
from harness.trial.meters.peak_watch import WatchPage
from harness.trial.meters.process_memory import Meter, Status, Watched, make_ledger, open_meter
from harness.trial.meters.python_arenas import Arenas, grain_bytes

_SMALL_OBJECTS_BYTES = 64 * 1024
"""From this on, what Python's allocator keeps of them may be taken for memory of the call."""
F = TypeVar("F", bound=Found)
F_contra = TypeVar("F_contra", bound=Found, contravariant=True)


@dataclass
class SteadyState:
    """What the steady state was found to be."""

    samples_s: Sequence[float]  # each the mean time of one call, or of an epoch
    calls: int  # that were made, or epochs
    calls_per_sample: int = 1
    calls_timed_apart: bool = True  # the result is freed outside the timed region
    outcome: Outcome = field(default_factory=lambda: Outcome("ok"))
    faults: Faults | None = None  # per call, where they were counted by itself


class Cache(Protocol):
    """Keeps the files that are read in some state."""

    def prepare(self) -> None:
        """Put them into it."""

    def note_after(self) -> None:
        """See what the first call has made of it."""

    def found(self) -> PageCache | None:
        """What was seen of it; None where there is nothing to be seen."""


class MeasuredWork(Protocol[F_contra]):
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

    def verify(self, found: F_contra) -> Outcome:
        """Note facts of what came of it, and check it."""

    def drop(self) -> None:
        """Let go of what came of it."""

    def steady(self, effort: Effort, warmed: Callable[[], None], found: F_contra) -> SteadyState:
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
    at_least: str  # why the figures may be too low
    small_objects: bool  # of Python: there were many


def take_steps(
    measured: MeasuredWork[F], page: WatchPage | None, effort: Effort, found: F, *, timed: bool
) -> Outcome:
    """Take all steps, the last only if ``timed``, and note what was found.

    Holes in the heap are filled only where nothing is timed: users' calls may use them.
    """
    measured.cache.prepare()
    with noted_warnings(found):
        first = _first(measured, page, fills=not timed)
    measured.cache.note_after()
    found.page_cache = measured.cache.found()
    found.timing = timing = Timing(measured.first_s, (), 0, True, measured.clock_cost_s)
    found.faults_first = first.faults
    found.switches_first = first.switches
    outcome = measured.verify(found)
    timed = timed and outcome.ok

    def resident() -> Rss:
        if timed:
            return first.meter.read().rss
        return _without_free_memory(first.meter, Arenas.now(), first.small_objects)

    alive = resident()
    if timed and measured.reuses_result:
        outcome = _steady(measured, effort, timing, found)
        alive = resident()
    measured.drop()
    gc.collect()
    freed = alive - resident()
    found.ledger = make_ledger(
        first.before,
        first.after,
        freed,
        first.meter.source,
        first.watched,
        first.arena_bytes,
        first.at_least,
    )
    if timed and not measured.reuses_result:
        outcome = _steady(measured, effort, timing, found)
    return outcome


@contextmanager
def noted_warnings(found: Found) -> Iterator[None]:
    """Add to what was found what the strategy warns of; torch warns but once in a process."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        finally:
            texts = (one_line(str(one.message)) for one in caught)
            found.warnings = tuple(dict.fromkeys((*found.warnings, *texts)))


def _first(measured: MeasuredWork[F], page: WatchPage | None, *, fills: bool) -> First:
    gc.collect()
    arenas = None
    if fills:
        arenas = give_back_pools(fill_holes())
    release_free_memory()
    meter = open_meter()
    account = Account.now(arenas)
    meter.read()  # the first reading allocates; later ones do not
    observed = page is not None and page.start()
    meter.reset_peak()
    before = meter.read()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    measured.first()
    usage_after = resource.getrusage(resource.RUSAGE_SELF)
    after = meter.read()
    watched = page.stop() if page is not None and observed else None
    faults = _faults(usage, usage_after, calls=1)
    account_after = Account.now()
    grain = grain_bytes(account.arenas, account_after.arenas)
    kept_bytes = account_after.arenas.in_use_bytes - account.arenas.in_use_bytes
    small = grain > 0 or kept_bytes > _SMALL_OBJECTS_BYTES
    if fills:
        after = replace(after, rss=_without_free_memory(meter, account_after.arenas, small))
    grown_bytes = after.peak_bytes - before.rss.total_bytes
    at_least = why_at_least(account, account_after, before, after, grown_bytes)
    switches = switches_between(usage, usage_after, calls=1)
    return First(faults, switches, before, after, watched, meter, grain, at_least, small)


def _without_free_memory(meter: Meter, arenas: Arenas, small: bool) -> Rss:
    """What is resident, once allocators have given back all free pages."""
    give_back_pools(arenas, of_all=small)
    release_free_memory()
    return meter.read().rss


def _faults(before: Any, after: Any, calls: int) -> Faults:
    return Faults(
        (after.ru_minflt - before.ru_minflt) / calls, (after.ru_majflt - before.ru_majflt) / calls
    )


def switches_between(before: Any, after: Any, calls: int) -> Switches:
    return Switches(
        (after.ru_nvcsw - before.ru_nvcsw) / calls, (after.ru_nivcsw - before.ru_nivcsw) / calls
    )


def _steady(measured: MeasuredWork[F], effort: Effort, first: Timing, found: F) -> Outcome:
    readings: list[Any] = []
    steady = measured.steady(
        effort, lambda: readings.append(resource.getrusage(resource.RUSAGE_SELF)), found
    )
    usage_after = resource.getrusage(resource.RUSAGE_SELF)
    found.timing = replace(
        first,
        samples_s=tuple(steady.samples_s),
        calls_per_sample=steady.calls_per_sample,
        calls_timed_apart=steady.calls_timed_apart,
    )
    found.faults_steady = steady.faults
    if steady.faults is None and steady.calls:  # none where the other half of a duet did not come
        found.faults_steady = _faults(readings[0], usage_after, steady.calls)
        found.switches_steady = switches_between(readings[0], usage_after, steady.calls)
    found.page_cache = measured.cache.found()
    return steady.outcome
