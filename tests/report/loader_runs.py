"""Runs of loaders and process trees for tests of reports."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.journal.read import read_journal
from harness.schema.description import ScenarioInfo
from harness.schema.records import Case, Outcome, PlannedCase, Rss, Trial, Value
from tests.journals import (
    MIB,
    loaded,
    parameter,
    scenario,
    strategy,
    tree,
    trial,
    watched,
    write_run,
)

ARTICLE = "How is it <i>done</i>?"
PER_SAMPLE_S = {"plain": 3e-6, "batched": 1e-6, "printed": 4e-6, "views": 20e-9, "early": 9e-6}
WORKERS_S = 20e-3
"""What starting and ending workers takes, in every epoch."""
GROWTH = {"dicts": 6.3, "array": 1.0, "tensor": 1.01, "mapped": 0.4}
Point = dict[str, Value]


def batching() -> ScenarioInfo:
    """A scenario of loaders, some of which may have workers."""
    able = ("num_workers", "start_method", "batch_size", "sample_bytes")
    return replace(
        scenario(
            (
                strategy("plain", group="per sample", names=able),
                strategy("batched", group="per sample", names=able),
                strategy("printed", group="per sample", names=able, published=ARTICLE),
                strategy("early", group="per sample", names=("batch_size",), published=ARTICLE),
                strategy("views", group="share", shares=True, names=("batch_size",)),
            ),
            {
                "size": parameter(2 * MIB, 2 * MIB, 32 * MIB, axis=True),
                "sample_bytes": parameter(1024, 256, 1024, 4096),
                "batch_size": parameter(64, 8, 64),
                "num_workers": parameter(0, 0, 1, 4),
                "start_method": parameter("fork", "fork", "spawn", beside={"num_workers": 1}),
            },
            name="batching",
            baseline="plain",
        ),
        epochs=True,
    )


def _points(name: str) -> list[Point]:
    usual: Point = {
        "size": 2 * MIB,
        "sample_bytes": 1024,
        "batch_size": 64,
        "num_workers": 0,
        "start_method": "fork",
    }
    points = [usual, usual | {"size": 32 * MIB}]
    points += [usual | {"sample_bytes": size} for size in (256, 4096)]
    points += [usual | {"batch_size": 8}]
    if name not in ("views", "early"):
        points += [usual | {"num_workers": count} for count in (1, 4)]
        points += [usual | {"num_workers": 1, "start_method": "spawn"}]
    return points


def _batching_trials(index: int, one: PlannedCase) -> list[Trial]:
    name, point = one.case.strategy, one.case.parameters
    size, workers = int(point["size"]), int(point["num_workers"])
    if name == "early":
        return [trial(index, 0, outcome=Outcome("error", "RuntimeError: `x`"), payload=size)]
    samples = size // int(point["sample_bytes"])
    batches = samples // int(point["batch_size"])
    start_s = WORKERS_S * (10 if point["start_method"] == "spawn" else 1) if workers else 0.0
    epoch_s = PER_SAMPLE_S[name] * samples + start_s
    shares = name == "views"
    made = [
        loaded(
            trial(index, number, payload=size, shares=shares, peak=Rss(0 if shares else size // 4)),
            epoch_s * (1 + number / 100),
            samples=samples,
            batches=batches,
            start_s=start_s,
            data_bytes=size,
        )
        for number in range(4)
    ]
    if workers:
        made.append(watched(index, tree(workers * 12 * MIB), payload=size))
    return made


def batching_run(folder: Path) -> Path:
    """Loaders at two sizes, with everything varied that their figures show."""
    cases: list[PlannedCase] = []
    trials: list[Trial] = []
    for one in batching().strategies:
        for point in _points(one.name):
            case = Case("batching", one.name, point)
            copies = 0.0 if one.name == "views" else 0.25
            made = PlannedCase(case, one.name == "plain", 400 * MIB, copies)
            trials += _batching_trials(len(cases), made)
            cases.append(made)
    return write_run(folder / "batching.jsonl", cases, trials, infos=[batching()])


def holding() -> ScenarioInfo:
    """A scenario that weighs memory: what a dataset holds while workers read it."""
    able = ("num_workers", "start_method")
    return replace(
        scenario(
            (
                strategy("dicts", group="objects", names=able),
                strategy("array", group="block", names=able),
                strategy("tensor", group="block", names=able),
                strategy("mapped", group="block", names=able),
            ),
            {
                "size": parameter(32 * MIB, axis=True),
                "num_workers": parameter(2),
                "start_method": parameter("fork", "fork", "spawn"),
                "passes": parameter(3, 1, 3),
            },
            name="holding",
            baseline="dicts",
        ),
        epochs=True,
        weighs="memory",
    )


def holding_run(folder: Path) -> Path:
    """Process trees under two start methods, and after one pass or three."""
    size = 32 * MIB
    cases: list[PlannedCase] = []
    trials: list[Trial] = []
    for name, growth in GROWTH.items():
        for method, passes in (("fork", 3), ("spawn", 3), ("fork", 1)):
            point: Point = {"size": size, "num_workers": 2}
            point |= {"start_method": method, "passes": passes}
            times = growth * (2 if method == "spawn" else 1)
            if name == "dicts" and passes == 1:
                times /= 2
            index = len(cases)
            cases.append(PlannedCase(Case("holding", name, point), name == "dicts", 400 * MIB, 1.0))
            trials.append(watched(index, tree(round(times * size)), payload=size))
            start_s = WORKERS_S * (10 if method == "spawn" else 1)
            trials += [
                loaded(trial(index, n, payload=size), 0.5, start_s=start_s, data_bytes=size)
                for n in (1, 2, 3)
            ]
    return write_run(folder / "holding.jsonl", cases, trials, infos=[holding()])


COSTS_US = (0, 10, 100, 1000)


def paying() -> ScenarioInfo:
    """A scenario whose axis is not the size: from which cost on do workers pay?"""
    return replace(
        scenario(
            (strategy("alone"), strategy("two"), strategy("slow")),
            {"sample_cost_us": parameter(10, *COSTS_US, axis=True)},
            name="paying",
            baseline="alone",
        ),
        epochs=True,
    )


def paying_run(folder: Path) -> Path:
    """Two workers cost 30 ms and halve the work of 1024 samples; ``slow`` only costs."""
    cases: list[PlannedCase] = []
    trials: list[Trial] = []
    for name in ("alone", "two", "slow"):
        for cost in COSTS_US:
            work_s = 1024 * (cost * 1e-6 + 1e-6)
            seconds = {"alone": work_s, "two": work_s / 2 + 30e-3, "slow": work_s * 1.1 + 30e-3}
            index = len(cases)
            case = Case("paying", name, {"sample_cost_us": cost})
            cases.append(PlannedCase(case, name == "alone", 400 * MIB, 1.0))
            trials += [loaded(trial(index, n), seconds[name] * (1 + n / 1000)) for n in range(4)]
    return write_run(folder / "paying.jsonl", cases, trials, infos=[paying()])


def everything(folder: Path) -> Path:
    """All of them in one journal, as a sweep would have it."""
    cases: list[PlannedCase] = []
    trials: list[Trial] = []
    infos: list[ScenarioInfo] = []
    for path in (batching_run(folder), holding_run(folder), paying_run(folder)):
        run = read_journal(path)
        trials += [replace(one, case=one.case + len(cases)) for one in run.trials]
        cases += run.header.plan.cases
        infos += run.header.scenarios
    return write_run(folder / "everything.jsonl", cases, trials, infos=infos)
