"""Runs that train from files, and that search the largest size under a limit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.journal.read import read_journal
from harness.planning.limit_search import step_bytes
from harness.schema.description import ScenarioInfo
from harness.schema.records import (
    Case,
    Ceiling,
    Ledger,
    Outcome,
    PageCache,
    PlannedCase,
    Rss,
    Tree,
    TreeSample,
    Trial,
    Value,
)
from tests.journals import (
    MIB,
    ceiling,
    loaded,
    parameter,
    scenario,
    searched,
    strategy,
    trained,
    trial,
    write_run,
)
from tests.journals import watched as with_tree

Point = dict[str, Value]
DATA = 64 * MIB
SAMPLES, BATCHES = 16 * 1024, 64
STEP_S = 10e-3
"""What the training steps of an epoch take, but for those that compute for a given time."""
WAIT_S = {"loading": 40e-3, "mapping": 10e-3, "ahead": 1e-3}
"""What an epoch waits for warm data."""
DISK = (
    Ceiling("disk_sequential", 1, DATA, 1.5e9, note="again after eviction: 1.1 times as fast"),
    Ceiling("disk_random", 1, 4 * MIB, 0.15e9),
    ceiling("copy", 12e9, DATA),
)
NPY = "/somewhere/of/mine/own.npy"


def feeding() -> ScenarioInfo:
    """A scenario that trains on samples from a file."""
    able = ("num_workers", "step", "compute_ms", "access")
    return replace(
        scenario(
            (
                strategy("loading", group="shuffled", names=able),
                strategy("mapping", group="shuffled", names=able),
                strategy("ahead", group="shuffled", names=able),
            ),
            {
                "size": parameter(DATA, axis=True),
                "sample_bytes": parameter(4096, 1024, 4096),
                "dtype": parameter("float32", "float32", "uint8"),
                "access": parameter("shuffled", "shuffled", "sequential"),
                "page_cache": parameter("warm", "warm", "cold"),
                "num_workers": parameter(0, 0, 2),
                "step": parameter("linear"),
                "compute_ms": parameter(1.0, 0.1, 1.0, 10.0, beside={"step": "compute"}),
                "npy": parameter("", ""),
            },
            name="feeding",
            baseline="loading",
        ),
        groups={"shuffled": "if any sample may come next"},
        epochs=True,
        trains=True,
        watched=True,
    )


def usual() -> Point:
    return {name: one.default for name, one in feeding().parameters.items()}


def _points() -> list[Point]:
    point = usual()
    points = [point, point | {"page_cache": "cold"}, point | {"num_workers": 2}]
    points += [point | {"access": "sequential"}, point | {"dtype": "uint8"}]
    points += [point | {"sample_bytes": 1024}]
    points += [point | {"step": "compute", "compute_ms": ms} for ms in (0.1, 1.0, 10.0)]
    return points


def epoch_times(name: str, point: Point) -> tuple[float, float]:
    """Seconds that an epoch waits, and that it computes."""
    wait_s = WAIT_S[name]
    if point["page_cache"] == "cold":
        wait_s += 0.1 if name == "mapping" else 0.05
    if point["access"] == "sequential":
        wait_s /= 2
    if point["sample_bytes"] == 1024:
        wait_s *= 3
    if point["num_workers"]:
        wait_s *= 2
    computing = point["step"] == "compute"
    return wait_s, float(point["compute_ms"]) * 1e-3 * BATCHES if computing else STEP_S


def _memory(name: str) -> Rss:
    own = DATA if name == "loading" else 2 * MIB
    return Rss(anon_bytes=own, file_bytes=0 if name == "loading" else DATA)


def ledger_of(peak: Rss) -> Ledger:
    return Ledger(Rss(), peak.total_bytes, peak, peak, Rss(), "VmHWM", "observed")


def tree_of(peak: Rss) -> Tree:
    """A process tree whose memory grows to a peak within a second, and is given back."""
    before = 100 * MIB
    course = [
        TreeSample(
            at_s,
            1,
            before + round(share * peak.total_bytes),
            Rss(*(round(share * part) for part in (peak.anon_bytes, peak.file_bytes, 0))),
            20,
            0,
        )
        for at_s, share in ((0.0, 0.0), (0.25, 0.25), (0.5, 0.5), (1.0, 1.0), (1.5, 0.0))
    ]
    marks = (("build", 0.0), ("pass 1", 0.1), ("drop", 1.2))
    return Tree(course[3], course[3], course[4], tuple(course), marks, 20, 0, 0, 0, 0)


def cache_of(state: str, before: int | None = None) -> PageCache:
    resident = (0 if state == "cold" else DATA) if before is None else before
    return PageCache(state, DATA, resident, DATA, 4, "posix_fadvise, counted by mincore")


def feeding_trials(index: int, name: str, point: Point, spread: float = 0.01) -> list[Trial]:
    """One process watched for memory, one for its tree, three timed."""
    wait_s, step_s = epoch_times(name, point)
    cache = cache_of(str(point["page_cache"]))
    values = SAMPLES * (4 if point["dtype"] == "uint8" else 1)
    samples = values * 4096 // int(point["sample_bytes"])
    made = [with_tree(index, tree_of(_memory(name)), payload=DATA)]
    for number in range(4):
        one = loaded(
            trial(index, number, payload=DATA, shares=False),
            wait_s * (1 + spread * (number - 2)),
            samples=samples,
            batches=BATCHES,
            data_bytes=DATA * (4 if point["dtype"] == "uint8" else 1),
        )
        one = replace(trained(one, step_s), ledger=ledger_of(_memory(name)), page_cache=cache)
        made.append(one if number else replace(one, training=None))
    return made


def feeding_run(folder: Path, spread: float = 0.01) -> Path:
    """Training from a file, with everything varied that there are sentences and figures of."""
    cases: list[PlannedCase] = []
    trials: list[Trial] = []
    for name in WAIT_S:
        for point in _points():
            copies = 1.0 if name == "loading" else 2 * MIB / DATA
            case = Case("feeding", name, point)
            trials += feeding_trials(len(cases), name, point, spread)
            cases.append(PlannedCase(case, name == "loading", 400 * MIB, copies))
    path = folder / "feeding.jsonl"
    return write_run(path, cases, trials, infos=[feeding()], ceilings=DISK)


BUDGET, BASE = 512 * MIB, 200 * MIB
GRID = step_bytes(BUDGET)
NO_TENSOR = Outcome(
    "oom",
    "RuntimeError: can't allocate memory",
    "tensor memory",
    "making.py:57: return torch.tensor(array)",
)
NO_ARRAY = Outcome("oom", "MemoryError: Unable to allocate 300 MiB", "array memory")
ABORTS = Outcome("crash", "SIGABRT (aborted): std::bad_alloc", "abort", "making.py:99: x = y")


def limiting() -> ScenarioInfo:
    """A scenario that tries the strategies of two others under a limit."""

    def borrowed(name: str, source: str) -> object:
        one = strategy(name, group=source, names=("budget_bytes", "limit"))
        return replace(one, borrowed_from=source, path=f"/{source}.py")

    made = [borrowed(name, "making") for name in ("copying", "sharing", "listing", "aborting")]
    made += [borrowed(name, "feeding") for name in ("loading", "mapping")]
    return replace(
        scenario(
            made,  # type: ignore[arg-type]
            {
                "budget_bytes": parameter(BUDGET, BUDGET, 2 * BUDGET, axis=True),
                "limit": parameter("data", "data", "cgroup"),
            },
            name="limiting",
            baseline="copying",
        ),
        borrows={"making": ("copying",), "feeding": ("loading",)},
    )


def grid(size: float, budget: int = BUDGET) -> int:
    """The largest size of the search's grid that is not above another."""
    return int(size // step_bytes(budget)) * step_bytes(budget)


def search_of(
    index: int,
    multiple: float,
    failure: Outcome = NO_TENSOR,
    *,
    budget: int = BUDGET,
    stage: str = "call",
    held: bool = True,
) -> list[Trial]:
    """A search that finds what takes so many times its data; nothing fails if it takes none."""
    step = step_bytes(budget)
    if not multiple:
        largest = -(-2 * budget // step) * step
        return searched(index, (largest, Outcome("ok")), budget=budget, base=BASE, held=held)
    most = grid((budget - BASE) / multiple, budget)
    tried = ((most, Outcome("ok")), (most + step, failure))
    return searched(index, *tried, budget=budget, base=BASE, stage=stage, held=held)


TAKES: dict[str, tuple[float, float, Outcome, str]] = {
    # found, declared copies, how it fails, during what
    "copying": (2.0, 1.0, NO_TENSOR, "call"),
    "sharing": (1.0, 0.0, NO_ARRAY, "inputs"),
    "listing": (12.0, 5.0, replace(NO_TENSOR, kind="Python memory"), "call"),
    "aborting": (2.0, 1.0, ABORTS, "call"),
    "loading": (1.0, 1.0, NO_ARRAY, "call"),
    "mapping": (0.0, 0.0, NO_ARRAY, "call"),
}


def limiting_run(folder: Path, budgets: tuple[int, ...] = (BUDGET, 2 * BUDGET)) -> Path:
    """Searches under one limit and two budgets: models that hold, one that does not, an abort."""
    cases: list[PlannedCase] = []
    trials: list[Trial] = []
    for name, (multiple, copies, failure, stage) in TAKES.items():
        for budget in budgets:
            held = name not in ("loading", "mapping")
            case = Case("limiting", name, {"budget_bytes": budget, "limit": "data"})
            trials += search_of(
                len(cases), multiple, failure, budget=budget, stage=stage, held=held
            )
            cases.append(PlannedCase(case, name == "copying", 0, copies))
    return write_run(folder / "limiting.jsonl", cases, trials, infos=[limiting()])


def files_run(folder: Path) -> Path:
    """Both in one journal, as a sweep would have it."""
    cases: list[PlannedCase] = []
    trials: list[Trial] = []
    infos: list[ScenarioInfo] = []
    for path in (feeding_run(folder), limiting_run(folder)):
        run = read_journal(path)
        trials += [replace(one, case=one.case + len(cases)) for one in run.trials]
        cases += run.header.plan.cases
        infos += run.header.scenarios
    return write_run(folder / "files.jsonl", cases, trials, infos=infos, ceilings=DISK)
