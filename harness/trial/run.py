"""One trial: load the inputs, take the baseline, call once, verify, then the steady state.

The order is the point. Memory is read before anything else can disturb it; the first call is
timed with the collector off and after the same function has met a tiny input, so that what is
timed is neither an import nor a lazily built table; only then is the result checked.
"""

from __future__ import annotations

import copy
import errno
import gc
import resource
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.discover import load
from harness.model import Effort, Faults, Outcome, Timing, TrialKind, Value
from harness.scenario import TINY_BYTES, Scenario, Strategy, arguments
from harness.trial import fixtures, pointers
from harness.trial.clock import Stopwatch
from harness.trial.memory import Meter, Status, Watched, make_ledger, open_meter
from harness.trial.process import release_free_memory
from harness.trial.watch import WatchPage

_LOADED: dict[str, list[Scenario]] = {}
_NO_MEMORY = ("can't allocate memory", "not enough memory", "Cannot allocate memory")


def scenarios_in(path: str) -> list[Scenario]:
    """The scenarios of a module; imported once per process, and inherited by forked trials."""
    if path not in _LOADED:
        _LOADED[path] = load(Path(path))
    return _LOADED[path]


def find(path: str, name: str) -> Scenario:
    return next(scenario for scenario in scenarios_in(path) if scenario.name == name)


@dataclass
class Work:
    """A strategy bound to inputs, ready to be called."""

    strategy: Strategy
    inputs: tuple[Any, ...]
    args: tuple[Any, ...]
    parameters: dict[str, Value]
    pristine: tuple[Any, ...]  # copies of the inputs where the strategy changes them

    def restore(self) -> None:
        """Undo what the strategy did to its inputs."""
        for value, original in zip(self.inputs, self.pristine, strict=True):
            if isinstance(value, np.ndarray | torch.Tensor):
                value[...] = original


def prepare(strategy: Strategy, fixture: Path, parameters: dict[str, Value]) -> Work:
    """Load the inputs and run the strategy's setup."""
    loaded = fixtures.load(fixture)
    inputs = loaded if isinstance(loaded, tuple) else (loaded,)
    given = inputs
    if strategy.setup is not None:
        given = (*inputs, strategy.setup(*arguments(strategy.setup, inputs, parameters)))
    args = arguments(strategy.function, given, parameters)
    pristine = tuple(copy.deepcopy(value) for value in inputs) if strategy.mutates else inputs
    return Work(strategy, inputs, args, parameters, pristine)


@dataclass(frozen=True)
class Assignment:
    """One trial as it was asked for."""

    scenario: Scenario
    strategy: Strategy
    parameters: dict[str, Value]
    kind: TrialKind
    effort: Effort
    fixture: Path
    tiny_fixture: Path

    @classmethod
    def of(cls, request: dict[str, Any]) -> Assignment:
        scenario = find(request["path"], request["scenario"])
        return cls(
            scenario,
            scenario.strategies[request["strategy"]],
            request["parameters"],
            request["kind"],
            Effort(**request["effort"]),
            Path(request["fixture"]),
            Path(request["tiny_fixture"]),
        )


def run_trial(request: dict[str, Any], page: WatchPage | None) -> dict[str, Any]:
    """Measure one case and return the fields of a Trial that only this process can know."""
    task = Assignment.of(request)
    if request["threads"]:
        torch.set_num_threads(request["threads"])
    record: dict[str, Any] = {"threads": torch.get_num_threads(), "warnings": []}
    if not task.effort.collect_garbage:
        gc.disable()
    try:
        outcome = _measure(task, page, record)
    except BaseException as error:  # noqa: BLE001 — whatever a strategy raises is a result
        outcome = failure(error)
    record["outcome"] = asdict(outcome)
    return record


def _measure(task: Assignment, page: WatchPage | None, record: dict[str, Any]) -> Outcome:
    if task.kind != "probe":
        _warm(task, record)
    work = prepare(task.strategy, task.fixture, task.parameters)
    record["payload_bytes"] = pointers.data_bytes(work.inputs)
    restore = work.restore if task.strategy.mutates else None
    watch = Stopwatch(task.strategy.function, work.args, restore)
    with _noted_warnings(record):
        first = _first_call(watch, page)
    record |= first.facts(work)
    outcome = _verify(task.scenario, work, first.result, record["shares_memory"])
    alive = first.meter.read().rss
    first.result = None
    gc.collect()
    freed = alive - first.meter.read().rss
    record["ledger"] = asdict(
        make_ledger(first.before, first.after, freed, first.meter.source, first.watched)
    )
    if outcome.ok and task.kind == "time":
        record |= _steady(watch, task.effort, record["timing"])
    return outcome


def _warm(task: Assignment, record: dict[str, Any]) -> None:
    """Call the strategy once on a tiny input, and tell it so: it may allocate by its ``size``."""
    parameters = dict(task.parameters)
    size = parameters.get("size")
    if isinstance(size, int):
        parameters["size"] = min(size, TINY_BYTES)
    try:
        work = prepare(task.strategy, task.tiny_fixture, parameters)
        with _noted_warnings(record):
            task.strategy.function(*work.args)
    except Exception:  # noqa: BLE001 — the real call will meet it again, as its result
        return


@contextmanager
def _noted_warnings(record: dict[str, Any]) -> Iterator[None]:
    """Add to the record what the strategy warns of; torch warns but once in a process."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        finally:
            texts = [*record["warnings"], *(_one_line(str(one.message)) for one in caught)]
            record["warnings"] = list(dict.fromkeys(texts))


@dataclass
class FirstCall:
    """The first call's result and the readings around it."""

    result: Any
    timing: Timing
    faults: Faults
    before: Status
    after: Status
    watched: Watched | None
    meter: Meter

    def facts(self, work: Work) -> dict[str, Any]:
        """What can be said of the result without looking at its values."""
        return {
            "timing": asdict(self.timing),
            "faults_first": asdict(self.faults),
            "shares_memory": pointers.overlap(work.inputs, self.result),
            "result_bytes": pointers.data_bytes(self.result),
            "result": pointers.summary(self.result),
        }


def _first_call(watch: Stopwatch, page: WatchPage | None) -> FirstCall:
    gc.collect()
    release_free_memory()
    meter = open_meter()
    meter.read()  # the first reading allocates; later ones do not
    observed = page is not None and page.start()
    meter.reset_peak()
    before = meter.read()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    result, first_ns = watch.one_call()
    usage_after = resource.getrusage(resource.RUSAGE_SELF)
    after = meter.read()
    watched = page.stop() if page is not None and observed else None
    timing = Timing(first_ns / 1e9, (), 0, True, watch.clock_cost_ns / 1e9)
    faults = _faults(usage, usage_after, calls=1)
    return FirstCall(result, timing, faults, before, after, watched, meter)


def _faults(before: Any, after: Any, calls: int) -> Faults:
    return Faults(
        (after.ru_minflt - before.ru_minflt) / calls, (after.ru_majflt - before.ru_majflt) / calls
    )


def _verify(scenario: Scenario, work: Work, result: Any, shares_memory: bool | None) -> Outcome:
    """Check the values with the scenario's own check, and aliasing with the declaration."""
    assert scenario.verify is not None
    try:
        given = (*work.pristine, result)
        named = {**work.parameters, "strategy": work.strategy.name}
        scenario.verify(*arguments(scenario.verify, given, named))
    except Exception as error:  # noqa: BLE001 — a check that breaks has not confirmed anything
        kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
        return Outcome("wrong", _one_line(f"{kind}{error}") or "the check failed without a message")
    if work.strategy.shares_memory is False and shares_memory:
        return Outcome("wrong", "the result shares the inputs' memory, but is declared not to")
    return Outcome("ok")


def _steady(watch: Stopwatch, effort: Effort, timing: dict[str, Any]) -> dict[str, Any]:
    readings: list[Any] = []
    steady = watch.steady(effort, lambda: readings.append(resource.getrusage(resource.RUSAGE_SELF)))
    usage_after = resource.getrusage(resource.RUSAGE_SELF)
    sampled = {
        "samples_s": [ns / 1e9 for ns in steady.samples_ns],
        "calls_per_sample": steady.calls_per_sample,
        "calls_timed_apart": steady.apart,
    }
    faults = _faults(readings[0], usage_after, steady.calls)
    return {"timing": timing | sampled, "faults_steady": asdict(faults)}


def failure(error: BaseException) -> Outcome:
    """The outcome an exception stands for."""
    text = _one_line(f"{type(error).__name__}: {error}")
    if isinstance(error, MemoryError) or any(phrase in str(error) for phrase in _NO_MEMORY):
        return Outcome("oom", text)
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return Outcome("oom", text)
    return Outcome("error", text)


def _one_line(text: str, limit: int = 300) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
