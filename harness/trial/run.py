"""One trial: load the inputs, take the baseline, call once, verify, then the steady state.

The order is the point. Memory is read before anything else can disturb it; the first call is
timed with the collector off and after the same function has met a tiny input, so that what is
timed is neither an import nor a lazily built table; only then is the result checked.
"""

from __future__ import annotations

import gc
import itertools
import resource
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import torch

from harness.model import Effort, Faults, Outcome, Timing
from harness.trial import pointers
from harness.trial.epochs import Loader
from harness.trial.growth import measure_growth
from harness.trial.judge import failure, one_line
from harness.trial.measured import Calls, Epochs, Measured, Record
from harness.trial.memory import Meter, Status, Watched, make_ledger, open_meter
from harness.trial.process import release_free_memory
from harness.trial.tree import TreePage
from harness.trial.watch import WatchPage
from harness.trial.work import Assignment, put_into_force

Page = WatchPage | TreePage
_WARM_BATCHES = 3


def run_trial(request: dict[str, Any], page: Page | None) -> Record:
    """Measure one case and return the fields of a Trial that only this process can know."""
    task = Assignment.of(request)
    record: Record = {"warnings": []}
    if not task.effort.collect_garbage:
        gc.disable()
    try:
        put_into_force(task.parameters, request["threads"], request["path"])
        outcome = _measure(task, page, record)
    except BaseException as error:  # noqa: BLE001 — whatever a strategy raises is a result
        outcome = failure(error)
    record["threads"] = torch.get_num_threads()
    record["outcome"] = asdict(outcome)
    return record


def _measure(task: Assignment, page: Page | None, record: Record) -> Outcome:
    if task.kind != "probe":
        _warm(task, record)
    if isinstance(page, TreePage):
        with _noted_warnings(record):
            return measure_growth(task, page, record)
    work = task.prepare()
    record["payload_bytes"] = pointers.data_bytes(work.inputs)
    measured: Measured = Epochs(task, work) if task.scenario.epochs else Calls(task, work)
    with _noted_warnings(record):
        first = _first(measured, page)
    timing = Timing(measured.first_s, (), 0, True, measured.clock_cost_s)
    record |= {"timing": asdict(timing), "faults_first": asdict(first.faults)}
    outcome = measured.verify(record)
    goes_on = outcome.ok and task.kind == "time"
    alive = first.meter.read().rss
    if goes_on and task.scenario.epochs:  # on the same loader; calls make their results anew
        _steady(measured, task.effort, record)
        alive = first.meter.read().rss
    measured.drop()
    gc.collect()
    freed = alive - first.meter.read().rss
    record["ledger"] = asdict(
        make_ledger(first.before, first.after, freed, first.meter.source, first.watched)
    )
    if goes_on and not task.scenario.epochs:
        _steady(measured, task.effort, record)
    return outcome


def _warm(task: Assignment, record: Record) -> None:
    """Call the strategy once on a tiny input."""
    try:
        work = task.prepare_tiny()
        with _noted_warnings(record):
            made = task.strategy.function(*work.args)
            if task.scenario.epochs:
                for _ in itertools.islice(Loader(lambda: made), _WARM_BATCHES):
                    pass
    except Exception:  # noqa: BLE001 — the real call will meet it again, as its result
        return


@contextmanager
def _noted_warnings(record: Record) -> Iterator[None]:
    """Add to the record what the strategy warns of; torch warns but once in a process."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        finally:
            texts = [*record["warnings"], *(one_line(str(one.message)) for one in caught)]
            record["warnings"] = list(dict.fromkeys(texts))


@dataclass
class First:
    """The readings around the first call, or the first epoch."""

    faults: Faults
    before: Status
    after: Status
    watched: Watched | None
    meter: Meter


def _first(measured: Measured, page: WatchPage | None) -> First:
    gc.collect()
    release_free_memory()
    meter = open_meter()
    meter.read()  # the first reading allocates; later ones do not
    observed = page is not None and page.start()
    meter.reset_peak()
    before = meter.read()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    measured.first()
    usage_after = resource.getrusage(resource.RUSAGE_SELF)
    after = meter.read()
    watched = page.stop() if page is not None and observed else None
    return First(_faults(usage, usage_after, calls=1), before, after, watched, meter)


def _faults(before: Any, after: Any, calls: int) -> Faults:
    return Faults(
        (after.ru_minflt - before.ru_minflt) / calls, (after.ru_majflt - before.ru_majflt) / calls
    )


def _steady(measured: Measured, effort: Effort, record: Record) -> None:
    readings: list[Any] = []
    sampled, calls = measured.steady(
        effort, lambda: readings.append(resource.getrusage(resource.RUSAGE_SELF))
    )
    usage_after = resource.getrusage(resource.RUSAGE_SELF)
    record["timing"] |= sampled
    record["faults_steady"] = asdict(_faults(readings[0], usage_after, calls))
    if isinstance(measured, Epochs) and measured.loading is not None:
        record["loading"] = asdict(measured.loading)
