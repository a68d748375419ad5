"""From the question to the advice."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from harness.advising.advice import NOT_TRIED, Advice, Fits, Way
from harness.advising.bench import OWN, Bench
from harness.advising.cost_models import Needs, declared
from harness.advising.data import Data
from harness.advising.figures import BASE_BYTES, LEVEL, Figure, Scatter, memory_at, time_at
from harness.advising.goal import Goal
from harness.advising.race import Race, Runner, near
from harness.advising.tasks import Task
from harness.errors import UnableError
from harness.host.answers import answer_as
from harness.host.environment import available_bytes
from harness.host.host import Host
from harness.scenario.discover import built_in_files
from harness.schema.description import ScenarioInfo, StrategyInfo
from harness.schema.records import HostSpec
from harness.schema.request import DescribeRequest, VersionsRequest

LATEST_SHARE = 0.4
"""Of the time, what starting may take at most: more of it is added."""
WARM_SHARE = 0.6
"""A file that takes more than this of the memory is cold in every epoch."""
SLIGHT_SHARE, SLIGHT_BYTES = 0.05, 16 * 1024**2
"""Of two ways that are level, the one that is listed first, unless it takes so much more memory."""
_BASE = """
import numpy, torch, torch.utils.data
torch.from_numpy(numpy.ones(1 << 18)).clone().sum()
{context}
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(status["VmRSS"].split()[0])
"""
_CONTEXT = "torch.empty(1, device=torch.accelerator.current_accelerator())"
"""What an accelerator's driver and libraries take of the memory of every process that uses it."""
Say = Callable[[str], None]


def advise(task: Task, data: Data, goal: Goal, say: Say = lambda text: None) -> Advice:
    """Measure what decides.

    Args:
        task: what is to be done.
        data: with what.
        goal: what is asked for.
        say: told what is going on.

    Raises:
        UsageError: nothing is known of such a need, or no such strategy.
        UnableError: this machine cannot do it.
    """
    began = time.monotonic()
    task.groups(goal)
    with _base(task) as base, Host(HostSpec()) as host:
        info = describe_source(host, task)
        candidates = list(task.candidates(info, goal))
        if task.name == "to-device":
            _refuse_without_accelerator(host)
        parameters = task.parameters(goal)
        free_bytes = available_bytes()
        limit_bytes = goal.memory_bytes or free_bytes
        cold = not task.holds and data.nbytes > WARM_SHARE * min(limit_bytes, free_bytes)
        if not task.holds:
            parameters["page_cache"] = "cold" if cold else "warm"
        host.scenario_files = [OWN]
        host.preload_scenarios()
        # Where starting took long, as it does beside other work, something must be left.
        deadline = max(began, time.monotonic() - LATEST_SHARE * goal.budget_s) + goal.budget_s
        with Bench(host, task, data, parameters, deadline) as bench:
            names = [one.name for one in candidates]
            race = Race(bench, names, min(limit_bytes, free_bytes), say)
            race.run(batch_size=goal.batch_size if task.batches else 1)
            sizes = {one.name: [*one.extras(), data.nbytes] for one in race.runners}
            wanted = [(name, size) for name, some in sizes.items() for size in some]
            needs = declared(host, info, task, data, parameters, wanted)
            ways = [
                _way(one, runner, race, needs, base(), limit_bytes)
                for one, runner in zip(candidates, race.runners, strict=True)
            ]
            chosen, level = _choose(ways)
            return Advice(
                task=task,
                data=data,
                goal=goal,
                parameters=parameters,
                ways=ways,
                chosen=chosen,
                level=level,
                ratio=_ratio(race, chosen, ways[0]),
                base_bytes=base(),
                limit_bytes=limit_bytes,
                trials=bench.trials,
                took_s=time.monotonic() - began,
                sizes=sorted({one.size_bytes for r in race.runners for one in r.readings}),
                cold=cold,
            )


@contextmanager
def _base(task: Task) -> Iterator[Callable[[], int]]:
    """What an interpreter takes that has imported NumPy and torch and calculated with them, and
    uses the accelerator where the task does; found out meanwhile.
    """
    found: list[int] = []
    code = _BASE.format(context=_CONTEXT if task.name == "to-device" else "")
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )

    def base() -> int:
        if not found:
            said, _ = process.communicate()
            if process.returncode:
                raise UnableError(f"{sys.executable} cannot import and use numpy and torch")
            found.append(int(said) * 1024)
        return found[0]

    try:
        yield base
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.communicate() if not found else process.wait()


def describe_source(host: Host, task: Task) -> ScenarioInfo:
    """The scenario that a task takes its strategies from."""
    path = next(file for file in built_in_files() if file.stem == task.source)
    answer = host.ask(DescribeRequest((str(path),)))
    return answer_as(list[ScenarioInfo], answer["scenarios"])[0]


def _refuse_without_accelerator(host: Host) -> None:
    missing = host.ask(VersionsRequest())["accelerator"].get("missing")
    if missing:
        raise UnableError(f"to-device cannot be measured: {missing}")


def _way(
    info: StrategyInfo,
    runner: Runner,
    race: Race,
    needs: Needs,
    base_bytes: int,
    limit_bytes: float,
) -> Way:
    full = race.bench.data.nbytes
    times, extras = runner.times(), runner.extras()
    if runner.failed or not runner.readings:
        note = "" if runner.failed else NOT_TRIED
        return Way(info.name, info.doc, info.source, failed=runner.failed, note=note)
    scatter = Scatter(0.0, 0)
    if times:
        scatter = race.scatter(statistics.median(times[max(times)]))
    peak = None
    if extras:
        here, there = (needs.get((info.name, size)) for size in (max(extras), full))
        growth = None if here is None or there is None else there - here
        beside = memory_at(extras, full, growth, in_batches=race.bench.task.batches)
        held_bytes = sum(race.bench.task.held(race.bench.data, info.name).values())
        peak = beside.plus(base_bytes + held_bytes, BASE_BYTES)
    last = max(runner.readings, key=lambda one: one.size_bytes)
    of_memory = runner.of_memory()
    with_most = of_memory[max(of_memory)]
    at_least = any(one.at_least for one in with_most)
    if peak is not None:
        more_bytes = max(one.more_bytes for one in with_most) * full / max(of_memory)
        peak = replace(peak, high=peak.high + more_bytes)
    return Way(
        info.name,
        info.doc,
        info.source,
        time=time_at(times, scatter, full) if times else None,
        first_s=last.first_s if last.size_bytes == full else None,
        peak=peak,
        at_least=at_least,
        fits=_fits(peak, limit_bytes, at_least=at_least),
        note=runner.note,
        unverified=runner.readings[0].unverified,  # where it was checked
    )


def _fits(peak: Figure | None, limit_bytes: float, *, at_least: bool) -> Fits:
    if peak is None:
        return "unknown"
    if peak.low > limit_bytes:
        return "no"
    return "yes" if peak.high <= limit_bytes and not at_least else "unknown"


def _choose(ways: list[Way]) -> tuple[Way | None, list[str]]:
    """The fastest that fits; of those that are level, the lightest, or that listed first.

    One that may fit is chosen where none is known to. One that is only told of from less data is
    chosen where none was measured with as much.
    """
    usable = [one for one in ways if one.time is not None and one.fits != "no"]
    if not usable:
        return None, []
    usable = [one for one in usable if one.fits == "yes"] or usable
    most = max(_measured(one) for one in usable)
    usable = [one for one in usable if _measured(one) == most]
    best = min(usable, key=_value)
    level = [one for one in usable if _value(one) <= (1 + LEVEL) * _value(best)]
    lightest = min(_peak(one) for one in level)
    bar = lightest + max(SLIGHT_BYTES, SLIGHT_SHARE * lightest)
    chosen = next(one for one in level if _peak(one) <= bar)
    return chosen, [one.name for one in level if one is not chosen]


def _measured(way: Way) -> int:
    return way.time.measured_bytes if way.time else 0


def _value(way: Way) -> float:
    assert way.time is not None
    return way.time.value


def _peak(way: Way) -> float:
    return way.peak.value if way.peak else float("inf")


def _ratio(race: Race, chosen: Way | None, usual: Way) -> tuple[float, float, float] | None:
    """How many times as long the usual one takes; by the pooled scatter, where both raced last."""
    if chosen is None or chosen.time is None or usual.time is None or chosen is usual:
        return None
    times = {one.name: one.times() for one in race.runners}
    shared = times[chosen.name].keys() & times[usual.name].keys()
    full = race.bench.data.nbytes
    if full in shared:
        own, others = times[chosen.name][full], times[usual.name][full]
        if near(statistics.median(own), statistics.median(others)):
            return race.scatter(statistics.median(own)).ratio(others, own)
    slow, fast = usual.time, chosen.time
    return slow.value / fast.value, slow.low / fast.high, slow.high / max(fast.low, 1e-12)
