"""How often ``tune`` is right: ``python -m harness.selfcheck.tune_errors -o tune-errors.jsonl``.

Five parts, of loaders whose behaviour is planted (:mod:`harness.trial.planted.users_loaders`):

- ``identical``: whole tunings in which every setting is the user's, whatever it is called. A claim
  that another is faster is false.
- ``regret``: a tuning, and then every setting of a grid in interleaved processes. What the chosen
  setting takes more than the grid's best is its regret. The best of many looks better than it is,
  so each half of the rounds says which it is, and the other half how much better. Where a stage
  was planted: whether it saves most when it is free, and what that predicts against a loader in
  which it really costs nothing.
- ``data``: loaders whose data changes with the workers, and loaders whose does not.
- ``memory``: tunings within a limit: whether any trial exceeded it, and how near predictions were.
- ``watching``: what it costs at two lengths of a batch, and the stall of an infinitely fast loader.

Every result is a line of the file, and what is there already is not measured again: stop it and go
on at any time. The default is small; figures in docs/tune.md say what they were made with.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.table import Table

from harness.console import err, out
from harness.errors import FerrybenchError
from harness.host.environment import usable_processors
from harness.host.host import Host, Report
from harness.schema.loader import LoaderRequest, LoaderSetting
from harness.schema.records import HostSpec
from harness.schema.request import Observed, TaskRequest
from harness.selfcheck.count import Count
from harness.tuning.bench import MODULES, Bench, Caller
from harness.tuning.costs import batch_s
from harness.tuning.goal import Goal
from harness.tuning.result import Tuning
from harness.tuning.rounds import Rounds
from harness.tuning.same_data import compare_data
from harness.tuning.seeing import costliest, see
from harness.tuning.session import Session
from harness.units import format_seconds

LOADERS = Path(__file__).resolve().parents[1] / "trial" / "planted" / "users_loaders.py"
SIZE = "PLANTED_SAMPLES"
"""As in that module, which cannot be imported here: it needs torch."""
SAMPLES = 4000
PLANTED = ("sleeping", "computing", "tailed", "collating", "together", "in_memory", "many_small",
    "large")  # fmt: skip
STEPS_MS = (4.0, 1.0, 16.0)
STAGES = {"sleeping": "fetching", "computing": "fetching", "tailed": "fetching",
    "together": "fetching", "collating": "collating"}  # fmt: skip
CHANGED = ("doubling", "dropping", "own_generator")
UNCHANGED = ("sleeping", "collating", "tailed", "together", "in_memory", "many_small", "shuffled",
    "transformed")  # fmt: skip
GRID = (
    LoaderSetting(0),
    *(
        LoaderSetting(workers, ahead, persistent)
        for workers in (1, 2, 4, 8)
        for ahead in (2, 4)
        for persistent in (False, True)
    ),
)
WATCHED = (("collating", 1.0), ("many_small", 0.0), ("in_memory", 0.0), ("ready", 1.0),
    ("ready", 10.0))  # fmt: skip
PARTS = ("data", "watching", "memory", "identical", "regret")
LIMITED = ("sleeping", "in_memory", "large")
LIMITS_MIB = (8192, 600, 400)
TUNING_S = 60.0
GRID_ROUNDS = 4
GRID_SECONDS = 1.0
CLAIM, NEAR = 0.05, 0.1
Line = dict[str, Any]


class Results:
    """Lines of a file, by what they are of.

    Args:
        path: made where it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self.lines: list[Line] = [json.loads(line) for line in lines]

    def of(self, part: str) -> list[Line]:
        return [line for line in self.lines if line["part"] == part]

    def find(self, part: str, key: str, measure: Callable[[], Line]) -> None:
        """Measure something, unless it is there; what fails is a result, too."""
        if any(line["part"] == part and line["key"] == key for line in self.lines):
            return
        err.print(f"{part} {key}")
        began = time.monotonic()
        try:
            found = measure()
        except FerrybenchError as error:
            found = {"failed": str(error)}
        line = {"part": part, "key": key, "took_s": time.monotonic() - began, **found}
        self.lines.append(line)
        with self._path.open("a") as stream:
            stream.write(json.dumps(line) + "\n")


@dataclass(frozen=True)
class Lab:
    """Where it is measured.

    Args:
        host: whose loaders have many samples.
        small: whose loaders have few, for whole epochs.
        file: a copy of the planted loaders, as a user's file would lie anywhere.
    """

    host: Host
    small: Host
    file: str

    def bench(self, name: str, step_ms: float, batch_s: float) -> Bench:
        """For trials beside a tuning, of so many batches as take a second at this pace."""
        about = LoaderRequest(file=self.file, name=name, step_ms=step_ms)
        bench = Bench(self.host, about, name, time.monotonic() + 3600)
        bench.batches = max(24, round(GRID_SECONDS / batch_s))
        bench.seconds = 4 * GRID_SECONDS
        return bench

    def tuned(
        self,
        name: str,
        step_ms: float,
        budget_s: float,
        caller: Caller | None = None,
        memory_bytes: int | None = None,
    ) -> Tuning:
        """A whole tuning of a planted loader."""
        about = LoaderRequest(file=self.file, name=name, step_ms=step_ms)
        bench = Bench(caller or self.host, about, name, time.monotonic() + budget_s)
        goal = Goal(budget_s, memory_bytes, step_ms, stepped=True)
        return Session(bench, goal, usable_processors(), lambda text: None).tune()


@dataclass(frozen=True)
class OneSetting:
    """A host in which every setting is the user's, whatever it is called."""

    host: Host

    def call(self, request: TaskRequest, timeout_s: float, *, observe: Observed = "") -> Report:
        assert isinstance(request, LoaderRequest)
        return self.host.call(replace(request, setting=None), timeout_s, observe=observe)


def identical(lab: Lab, budget_s: float, number: int) -> Line:
    """A tuning in which nothing can be faster."""
    name = ("sleeping", "computing", "collating")[number % 3]
    found = lab.tuned(name, 2.0, budget_s, OneSetting(lab.host))
    ratio = found.confirmed.ratio if found.confirmed is not None else None
    return {
        "word": found.word,
        "claimed": found.word == "faster",
        "claimed_5": found.word == "faster" and ratio is not None and 1 / ratio.ratio > 1 + CLAIM,
        "ratio": ratio.ratio if ratio is not None else None,
        "pairs": ratio.pairs if ratio is not None else 0,
    }


REPAIRED = "repaired"


def regret(lab: Lab, name: str, step_ms: float, budget_s: float) -> Line:
    """A tuning; then the grid, and with it the loader without what was planted."""
    found = lab.tuned(name, step_ms, budget_s)
    chosen = found.chosen or LoaderSetting(0)
    length, pace_s = found.look.length, found.seen.headspace.both_s

    def runs(setting: LoaderSetting, loader: str) -> Callable[[], float]:
        bench = lab.bench(loader, step_ms, pace_s)
        return lambda: batch_s(bench.run(setting), length, setting)

    ways = {one.text(): runs(one, name) for one in dict.fromkeys([*GRID, chosen])}
    if name in STAGES:
        ways[REPAIRED] = runs(LoaderSetting(0), REPAIRED)
    rounds = Rounds(ways, seed=5)
    rounds.add(GRID_ROUNDS)
    medians = {way: statistics.median(times) for way, times in rounds.found.items()}
    repaired_s = medians.pop(REPAIRED, None)
    best = min(medians, key=lambda one: medians[one])
    own_s = medians[LoaderSetting(0).text()]
    return {
        "word": found.word,
        "chosen": chosen.text(),
        "best": best,
        "regret": regret_in_halves(rounds.found, chosen.text()),
        "own": own_s / medians[best] - 1,
        "tune_s": found.took_s,
        "trials": found.trials,
        "medians_s": medians,
        "real": None if repaired_s is None else 1 - repaired_s / own_s,
        **_first_stage(found),
    }


def regret_in_halves(times: Mapping[str, Sequence[float]], chosen: str) -> float:
    """What a setting takes more than the best, of which each half of the rounds says which it is,
    and the other how much better; less than nothing where that is noise.
    """
    halves = (slice(0, None, 2), slice(1, None, 2))
    settings = [one for one in times if one != REPAIRED]
    found = []
    for choosing, judging in (halves, halves[::-1]):
        best = min(settings, key=lambda one: statistics.median(times[one][choosing]))
        pairs = zip(times[chosen][judging], times[best][judging], strict=True)
        found += [math.log(one / other) for one, other in pairs]
    return math.exp(statistics.mean(found)) - 1


def _first_stage(found: Tuning) -> Line:
    """The single stage that saves most, and how much; nothing where stages were not tried."""
    first = costliest(found.why)
    if first is None:
        return {"first": None, "predicted": None}
    return {"first": first.stages, "predicted": 1 - first.ratio.ratio}


def data(lab: Lab, name: str, workers: int) -> Line:
    """Whether a change of data is told."""
    bench = Bench(lab.small, LoaderRequest(file=lab.file, name=name), name, time.monotonic() + 3600)
    runs = [
        bench.run(LoaderSetting(count), "data", stepped=False, batches=100_000, seconds=20.0).data
        for count in (0, workers, 0)
    ]
    one, two, again = runs
    assert one is not None
    assert two is not None
    return {"same": compare_data(one, two, again).same, "changed": name in CHANGED}


def memory(lab: Lab, name: str, limit_mib: int, budget_s: float) -> Line:
    """What was predicted before it was seen, and whether anything exceeded the limit."""
    limit = limit_mib * 1024**2
    found = lab.tuned(name, 1.0, budget_s, memory_bytes=limit)
    off = [
        abs(predicted / found.memory[one].peak_bytes - 1)
        for one, predicted in found.predicted.items()
        # Before any worker was seen, it is a bound and no prediction.
        if one.num_workers > 1 and one in found.memory
    ]
    peaks = [one.peak_bytes for one in found.memory.values()]
    return {"off": off, "exceeded": sum(peak > limit for peak in peaks), "seen": len(peaks)}


def watching(lab: Lab, name: str, step_ms: float) -> Line:
    """What watching costs, and how far the parts are off."""
    bench = lab.bench(name, step_ms, 0.0025)
    bench.window_s = GRID_SECONDS
    own = None if name == "ready" else LoaderSetting(0)
    seen = see(bench, own, None, stepped=step_ms > 0, long_s=GRID_SECONDS)
    watched = seen.watched
    added = sum(part.seconds for part in watched.parts if not part.within)
    head = seen.headspace
    return {
        "cost": watched.cost.ratio - 1,
        "low": watched.cost.low - 1,
        "high": watched.cost.high - 1,
        "off": abs(added / watched.total_s - 1),
        "batch_s": head.both_s,
        "stall": None if head.ready_s is None else 1 - head.ready_s / head.both_s,
    }


def measure_all(lab: Lab, results: Results, options: argparse.Namespace) -> None:
    """Every part that is asked for, as far as it is not there yet."""
    for part, key, measure in _asked(lab, options.runs, options.budget):
        if not options.part or part in options.part:
            results.find(part, key, measure)


Asked = Iterator[tuple[str, str, Callable[[], Line]]]
"""Part, key, and what measures it."""


def _asked(lab: Lab, runs: int, budget_s: float) -> Asked:
    yield from _short(lab, runs)
    for limit in LIMITS_MIB[:runs]:
        for name in LIMITED:
            yield "memory", f"{name} {limit} MiB", partial(memory, lab, name, limit, TUNING_S)
    for number in range(runs):
        yield "identical", f"{number} {budget_s:g}s", partial(identical, lab, budget_s, number)
    for step_ms in STEPS_MS[:runs]:
        for name in PLANTED:
            yield "regret", f"{name} {step_ms:g}", partial(regret, lab, name, step_ms, TUNING_S)


def _short(lab: Lab, runs: int) -> Asked:
    """What takes no whole tuning."""
    for workers in (1, 2, 3, 4)[:runs]:
        for name in (*CHANGED, *UNCHANGED):
            if name in UNCHANGED or workers > 1:  # one worker shares with nobody
                yield "data", f"{name} {workers}", partial(data, lab, name, workers)
    for name, step_ms in WATCHED:
        yield "watching", f"{name} {step_ms:g}", partial(watching, lab, name, step_ms)


def summary(results: Results) -> Table:
    """What was found, with intervals where it is counted."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for name, text in _rows(results):
        table.add_row(name, text)
    return table


def _rows(results: Results) -> Iterator[tuple[str, str]]:
    lines = {part: [one for one in results.of(part) if "failed" not in one]
        for part in PARTS}  # fmt: skip
    failed = [one for one in results.lines if "failed" in one]
    if same := lines["identical"]:
        for label, key in (("claimed faster", "claimed"), ("by more than 5%", "claimed_5")):
            yield f"identical settings, {label}", _count(same, key)
    if regrets := [one["regret"] for one in lines["regret"]]:
        ninth = _ninth(regrets)
        yield (
            "regret",
            (
                f"median {statistics.median(regrets):.1%}, 90th percentile {ninth:.1%}, highest "
                f"{max(regrets):.1%}, of {len(regrets)}"
            ),
        )
        took = [one["tune_s"] for one in lines["regret"]]
        yield "time of these tunings", f"{min(took):.0f} to {max(took):.0f} s"
    yield from _stages(lines["regret"])
    if found := lines["data"]:
        changed = [one for one in found if one["changed"]]
        other = [one for one in found if not one["changed"]]
        told = Count(sum(one["same"] != "same" for one in changed), len(changed))
        accused = Count(sum(one["same"] != "same" for one in other), len(other))
        yield "changed data found", told.text() if changed else "–"
        yield "unchanged data accused", accused.text() if other else "–"
    if limited := lines["memory"]:
        seen = sum(one["seen"] for one in limited)
        exceeded = sum(one["exceeded"] for one in limited)
        yield "settings above the limit", Count(exceeded, seen).text()
        off = [value for one in limited for value in one["off"]]
        near = Count(sum(value <= NEAR for value in off), len(off))
        yield "predicted peak within 10%", near.text() if off else "–"
    for one in lines["watching"]:
        stall = "" if one["stall"] is None else f"; stall {one['stall']:.1%}"
        yield (
            f"watching {one['key']}",
            (
                f"{one['cost']:+.1%} ({one['low']:+.1%} to {one['high']:+.1%}) at "
                f"{format_seconds(one['batch_s'])} a batch; parts off by {one['off']:.2%}{stall}"
            ),
        )
    if failed:
        yield "not finished", "; ".join(f"{one['part']} {one['key']}" for one in failed)


def _stages(lines: Sequence[Line]) -> Iterator[tuple[str, str]]:
    lines = [one for one in lines if one["real"] is not None]
    named = [one for one in lines if one["first"] is not None]
    if not named:
        return
    right = sum(one["first"] == STAGES[one["key"].split()[0]] for one in named)
    yield "planted stage named first", Count(right, len(named)).text()
    stopped = len(lines) - len(named)
    if stopped:
        yield "stages were not tried", f"{stopped} of {len(lines)}"
    near = sum(abs(one["predicted"] - one["real"]) <= CLAIM for one in named)
    yield "predicted gain within 5 points", Count(near, len(named)).text()


def _ninth(values: Sequence[float]) -> float:
    """The 90th percentile, never beyond the highest."""
    if len(values) < 2:
        return values[0]
    return statistics.quantiles(values, n=10, method="inclusive")[-1]


def _count(lines: Sequence[Line], key: str) -> str:
    return Count(sum(bool(one[key]) for one in lines), len(lines)).text()


def main() -> None:
    """Measure what is missing, and print what is known."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("-o", "--output", type=Path, default=Path("tune-errors.jsonl"))
    parser.add_argument("--part", action="append", choices=PARTS)
    parser.add_argument("--runs", type=int, default=2, help="identical tunings; others: steps")
    parser.add_argument("--budget", type=float, default=20.0, help="seconds of identical tunings")
    options = parser.parse_args()
    results = Results(options.output)
    many, few = HostSpec(env={SIZE: str(SAMPLES)}), HostSpec()
    with (
        tempfile.TemporaryDirectory() as folder,
        Host(many, modules=MODULES) as host,
        Host(few, modules=MODULES) as small,
    ):
        file = shutil.copy(LOADERS, Path(folder) / "planted.py")
        measure_all(Lab(host, small, str(file)), results, options)
    out.print(summary(results))


if __name__ == "__main__":
    main()
