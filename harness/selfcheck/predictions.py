"""How right predictions are: ``python -m harness.selfcheck.predictions -o predictions.jsonl``.

Three parts:

- ``measured``: strategies are measured at the sizes of the usual sweep, and at other sizes drawn
  for each, in the rounds of one run. Models are made of the former alone, and predict the latter:
  how far off they are, and how often their intervals hold what was measured. The journal is that of
  the run, and is continued where it stopped.
- ``left out``: every size of the journals that are named is predicted from the others of its run.
- ``simulated``: planted steps that are found, steps that are invented on straight lines, planted
  crossings that lie where they are said to, and intervals that hold a size that was left out.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from rich.table import Table

from harness.analysis.models.prediction import FURTHEST, predict
from harness.analysis.models.time_model import TimeModel, logs_of, time_models
from harness.cases.summaries import summaries
from harness.cases.summary import CaseSummary
from harness.console import Progress, err, out
from harness.host.host import Host
from harness.journal.lines import Run
from harness.journal.read import read_journal
from harness.journal.write import Journal
from harness.planning.plan import Request, expand
from harness.run import session as sessions
from harness.run.runner import default_effort
from harness.schema.records import DEFAULT_HOST, HostSpec
from harness.selfcheck.count import Count
from harness.selfcheck.simulated_sizes import (
    Machine,
    crossing_held,
    interval_held,
    step_found,
    step_invented,
)
from harness.units import KIB, format_size

STRATEGIES = {
    "tensor_from_array": (
        "torch_tensor", "asarray_copy", "from_dlpack_copy", "from_numpy_clone",
        "copy_then_from_numpy", "empty_like_copy", "reused_tensor", "reused_by_numpy",
        "chunks_dropped", "chunk_generator", "chunks_kept", "share_memory", "tensor_share_memory",
        "from_numpy", "as_tensor",
    ),
    "array_from_tensor": (
        "numpy_copy", "np_array", "clone_numpy", "from_dlpack_copy", "reused_array",
        "reused_by_torch", "tensor_numpy", "np_asarray",
    ),
}  # fmt: skip
"""Most of them copy: time that does not depend on the size is easily predicted."""
SIZES = tuple(4 * KIB * 4**power for power in range(8))
"""Of the usual sweep, up to 64 MiB: those that models are made of."""
INSIDE = 8
"""Further sizes of each strategy, between those."""
BEYOND = 4 * SIZES[-1]
"""And one more, as far away as is predicted."""
LEAST_LEFT = 4
"""Sizes that must be left where one is left out."""
PAGE = 4 * KIB
POINT = {"dtype": ("float32",), "threads": ("1",)}
LAYOUTS = {"tensor_from_array": "C", "array_from_tensor": "contiguous"}


def drawn(draw: random.Random) -> list[int]:
    """Sizes in whole pages, none of which is one that models are made of."""
    low, high = math.log(SIZES[0]), math.log(SIZES[-1])
    found: set[int] = set()
    while len(found) < INSIDE:
        size = round(math.exp(draw.uniform(low, high)) / PAGE) * PAGE
        if size not in SIZES:
            found.add(size)
    return sorted(found)


def asked(seed: int) -> Request:
    """What is measured: for every strategy the sizes of the sweep, and its own."""
    draw = random.Random(seed)
    wanted = {
        (scenario, name): {*SIZES, *drawn(draw), BEYOND}
        for scenario, names in STRATEGIES.items()
        for name in names
    }
    every = sorted({size for sizes in wanted.values() for size in sizes})
    request = Request(
        targets=tuple(f"{scenario}/{name}" for scenario, name in wanted),
        level="quick",
        overrides={
            **POINT,
            "layout": tuple(LAYOUTS.values()),
            "size": tuple(map(str, every)),
        },
    )
    files = sessions.scenario_files(())
    with Host(HostSpec(), files) as host:
        planned = expand(sessions.describe(host, files), request)
    keys = [
        one.case.key
        for one in planned
        if one.case.host == DEFAULT_HOST
        and one.case.parameters["size"] in wanted.get((one.case.scenario, one.case.strategy), ())
    ]
    return replace(request, only=frozenset(keys))


def measure(path: Path, trials: int, seed: int) -> None:
    """Measure what is missing of a run."""
    with Progress(err) as progress:
        if path.exists():
            run = read_journal(path)
            if run.ended != "complete":
                sessions.resume(run, progress, progress.say)
            return
        effort = replace(default_effort("quick"), trials=trials)
        with (
            err.status("starting hosts"),
            sessions.open_session(asked(seed), sessions.Settings(effort, seed)) as session,
        ):
            err.print(f"{len(session.header.plan.cases)} cases")
            with Journal.create(path, session.header) as journal:
                sessions.measure(session, journal, progress)


@dataclass(frozen=True)
class Told:
    """A prediction and what was measured."""

    strategy: str
    size: int
    off: float  # measured over predicted
    held: bool
    outside: bool
    width: float  # the end of the interval over its middle


def judged(run: Run) -> list[Told]:
    """Every size that models are not made of, as they predict it."""
    rows = [row for row in summaries(run) if row.timed]
    models = time_models([row for row in rows if row.size_bytes in SIZES], run.header.environment)
    found = []
    for model in models:
        if model.curve is not None:
            others = [row for row in rows if _of(model, row) and row.size_bytes not in SIZES]
            found += [_told(model, row) for row in others]
    return found


def _of(model: TimeModel, row: CaseSummary) -> bool:
    case = model.cases[0]
    mine = (case.scenario, case.strategy, case.host, case.point)
    return (row.scenario, row.strategy, row.host, row.point) == mine


def left_out(run: Run) -> list[Told]:
    """Every size of a run, as its other sizes predict it, where these are four or more."""
    rows = [row for row in summaries(run) if row.timed]
    found = []
    for size in sorted({row.size_bytes for row in rows if row.size_bytes}):
        others = [row for row in rows if row.size_bytes != size]
        own = [row for row in rows if row.size_bytes == size]
        for model in time_models(others, run.header.environment):
            if model.curve is not None and len(model.sizes) >= LEAST_LEFT and reached(model, size):
                found += [_told(model, row) for row in own if _of(model, row)]
    return found


def reached(model: TimeModel, size: int) -> bool:
    """Whether a size is near enough to be predicted."""
    return model.sizes[0] / FURTHEST <= size <= model.sizes[-1] * FURTHEST


def _told(model: TimeModel, row: CaseSummary) -> Told:
    assert row.size_bytes is not None
    found = predict(model, row.size_bytes)
    seconds = math.exp(statistics.median(logs_of(row)))
    time = found.time
    return Told(
        f"{row.scenario}/{row.strategy}",
        row.size_bytes,
        seconds / time.median,
        time.low <= seconds <= time.high,
        found.outside,
        math.sqrt(time.high / time.low),
    )


def measured_rows(told: Sequence[Told]) -> Iterator[tuple[str, str]]:
    """What came of the predictions; those that were furthest off by name."""
    for name, some in (
        ("inside", [one for one in told if not one.outside]),
        ("beyond", [one for one in told if one.outside]),
    ):
        if some:
            strategies = len({one.strategy for one in some})
            errors = [abs(math.log(one.off)) for one in some]
            held = Count(sum(one.held for one in some), len(some))
            yield f"{name}: sizes, strategies", f"{len(some)}, {strategies}"
            yield f"{name}: 90% intervals hold", held.text()
            yield f"{name}: median error", f"{math.expm1(statistics.median(errors)):.1%}"
            width = statistics.median(one.width for one in some)
            yield f"{name}: median half width", f"{width - 1:.1%}"
    for one in sorted(told, key=lambda one: -abs(math.log(one.off)))[:5]:
        yield f"{one.strategy} {format_size(one.size)}", f"{one.off:.2f}× the prediction"


SIMULATED: dict[str, Callable[[Machine], bool | None]] = {
    "planted 1.3× step found in its place": step_found,
    "step invented on a straight line": step_invented,
    "planted crossing within what is said": crossing_held,
    "interval holds a size left out": interval_held,
}
NOISES = ((0.02, 3), (0.02, 5), (0.05, 5), (0.05, 10))
"""How far processes lie apart, and how many there are of them."""


def simulated_rows(count: int, seed: int) -> Iterator[tuple[str, str]]:
    """How often each simulated truth is told right; where nothing is claimed it is not counted."""
    for name, simulate in SIMULATED.items():
        for noise, processes in NOISES:
            machine = Machine(noise, processes, np.random.default_rng(seed))
            told = [answer for _ in range(count) if (answer := simulate(machine)) is not None]
            silent = count - len(told)
            text = Count(sum(told), len(told)).text() if told else "none claimed"
            more = f"; {silent} unclaimed" if silent else ""
            yield f"{name}: {processes} processes, {noise:.0%} apart", f"{text}{more}"


def main() -> None:
    """Measure what is missing, and print what is known."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("-o", "--output", type=Path, default=Path("predictions.jsonl"))
    parser.add_argument("journals", nargs="*", type=Path, help="whose sizes are left out in turn")
    parser.add_argument("--part", action="append", choices=("measured", "simulated", "left out"))
    parser.add_argument("--trials", type=int, default=5, help="processes at each size")
    parser.add_argument("--simulations", type=int, default=400, help="of each kind")
    parser.add_argument("--seed", type=int, default=17)
    options = parser.parse_args()
    parts: dict[str, Callable[[], Iterator[tuple[str, str]]]] = {
        "simulated": partial(simulated_rows, options.simulations, options.seed),
        "measured": partial(_measured, options.output, options.trials, options.seed),
        "left out": partial(_left_out, options.journals),
    }
    for name, rows in parts.items():
        if not options.part or name in options.part:
            table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
            for row in rows():
                table.add_row(*row)
            out.print(table)


def _measured(path: Path, trials: int, seed: int) -> Iterator[tuple[str, str]]:
    measure(path, trials, seed)
    yield from measured_rows(judged(read_journal(path)))


def _left_out(paths: Sequence[Path]) -> Iterator[tuple[str, str]]:
    yield from measured_rows([told for path in paths for told in left_out(read_journal(path))])


if __name__ == "__main__":
    main()
