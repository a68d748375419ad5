"""How far can change points be trusted? ``python -m harness.history.experiment``; two minutes.

Series are simulated in which nothing changed, of several kinds of noise, and others in which
something did; what is named in them is counted. Suites are drawn from such series, and
judged as a whole. Everything is seeded: it prints the same figures again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from harness.comparison.amounts import Scale
from harness.console import out
from harness.history.changes import cuts_of, doubts_of
from harness.history.detect import most_doubt
from harness.history.metrics import METRICS, MetricName
from harness.history.series import Series
from harness.history.significance import HISTORY_TOLERANCE
from harness.selfcheck.count import Count
from harness.selfcheck.simulated_noise import MEMORY_NOISE, NOISE_KINDS, Noise, stray_pages
from harness.units import MIB, plural

SEED = 20260101
LENGTHS = (6, 8, 12, 30)
PLANTED_STEPS = (0.05, 0.10, 0.25)
NEAR = 1
"""A change counts as found where it is named at most so many runs beside its place."""
PAYLOAD = 16 * MIB
PROCESSES = 4
SERIES = 100
"""Of a suite."""
SUITE_LENGTHS = (8, 12, 30)


@dataclass(frozen=True)
class Repetitions:
    """How many series of each kind are made."""

    alone: int = 2000
    steps: int = 500
    suites: int = 1000


def doubt_in(series: Series) -> float:
    """The least doubt of any change that is shown in a series; 1 where there is none."""
    cuts = cuts_of(series, HISTORY_TOLERANCE)
    return min(doubts_of(series, cuts, HISTORY_TOLERANCE), default=1.0)


def doubts_of_times(noise: Noise, runs: int, count: int, step: float = 0.0) -> list[float]:
    """Of so many series, with a step in the middle."""
    rng = np.random.default_rng(SEED + 4)
    made = (noise(rng, runs) + math.log1p(step) * (np.arange(runs) >= runs // 2)
            for _ in range(count))  # fmt: skip
    return [doubt_in(_series("ratio", [(float(value),) for value in np.exp(logs)]))
            for logs in made]  # fmt: skip


def doubts_of_memory(
    noise: Noise, runs: int, processes: int, count: int, step: float = 0.0, *, shared: bool = False
) -> list[float]:
    """The same, of memory that each process has by itself, one after the other.

    Where it is shared, all processes of a run have the luck of that run, and stray pages of theirs.
    """
    rng = np.random.default_rng(SEED + 5)
    found = []
    for _ in range(count):
        if shared:
            own = stray_pages(rng, runs * processes).reshape(runs, processes)
            made = PAYLOAD + noise(rng, runs)[:, np.newaxis] + own
        else:
            made = PAYLOAD + noise(rng, runs * processes).reshape(runs, processes)
        made[runs // 2 :] += step * PAYLOAD
        found.append(doubt_in(_series("peak", [tuple(sorted(map(float, row))) for row in made])))
    return found


def suites_with_false_changes(doubts: Sequence[float], suites: int) -> Count:
    """Suites of series in which nothing changed, drawn from these, that count any as changed."""
    rng = np.random.default_rng(SEED + 6)
    drawn = (rng.choice(doubts, SERIES) for _ in range(suites))
    return Count(sum(bool(some.min() <= most_doubt(some.tolist())) for some in drawn), suites)


def counted_among_others(
    changed: Sequence[float], same: Sequence[float], planted: int, suites: int
) -> float:
    """The share of planted changes that are counted, so many of them among others without any."""
    rng = np.random.default_rng(SEED + 7)
    hits = 0
    for _ in range(suites):
        own = rng.choice(changed, planted)
        others = rng.choice(same, SERIES - planted)
        hits += int(np.count_nonzero(own <= most_doubt([*own.tolist(), *others.tolist()])))
    return hits / planted / suites


def cuts_in_times(logs: NDArray[np.float64]) -> list[int]:
    """The changes of a series of ratios, by itself."""
    return _cuts("ratio", [(float(value),) for value in np.exp(logs)])


def cuts_in_memory(readings: NDArray[np.float64]) -> list[int]:
    """The changes of a series of bytes, a row of processes for each run."""
    return _cuts("peak", [tuple(sorted(map(float, row))) for row in readings])


def _cuts(name: MetricName, readings: Sequence[tuple[float, ...]]) -> list[int]:
    return cuts_of(_series(name, readings), HISTORY_TOLERANCE)


def _series(name: MetricName, readings: Sequence[tuple[float, ...]]) -> Series:
    metric = next(metric for metric in METRICS if metric.name == name)
    return Series(metric, tuple(range(len(readings))), tuple(readings), Scale(PAYLOAD))


def false_alarms(noise: Noise, runs: int, count: int) -> float:
    """The share of series in which something is named, each judged by itself."""
    rng = np.random.default_rng(SEED)
    return sum(bool(cuts_in_times(noise(rng, runs))) for _ in range(count)) / count


def found_steps(noise: Noise, runs: int, at: int, step: float, count: int) -> tuple[float, float]:
    """The shares of series in which a planted step is found, and in which anything else is named.

    Args:
        noise: what lies over it.
        runs: of a series.
        at: the first run of the new level.
        step: a share.
        count: of series.
    """
    rng = np.random.default_rng(SEED + 2)
    hits = others = 0
    for _ in range(count):
        logs = noise(rng, runs)
        logs[at:] += math.log1p(step)
        cuts = cuts_in_times(logs)
        near = [cut for cut in cuts if abs(cut - at) <= NEAR]
        hits += bool(near)
        others += len(near) < len(cuts)
    return hits / count, others / count


def memory(
    runs: int, at: int | None, *, luck: bool, count: int, rng: np.random.Generator
) -> tuple[float, float]:
    """As :func:`found_steps`, of memory: one copy of the data, then from a run on two.

    Args:
        runs: of a series.
        at: the first run of the second copy; None for none.
        luck: one process in three takes a half more, wherever an allocator finds room.
        count: of series.
        rng: where chance comes from.
    """
    hits = others = 0
    for _ in range(count):
        readings = PAYLOAD + rng.uniform(0, 90 * 1024, (runs, PROCESSES))
        if luck:
            readings += PAYLOAD / 2 * (rng.random((runs, PROCESSES)) < 1 / 3)
        if at is not None:
            readings[at:] += PAYLOAD
        cuts = cuts_in_memory(readings)
        exact = [cut for cut in cuts if cut == at]
        hits += bool(exact)
        others += len(exact) < len(cuts)
    return hits / count, others / count


def main(effort: Repetitions | None = None) -> None:
    """Print every table."""
    chosen = effort or Repetitions()
    out.print(_nothing_changed(chosen))
    out.print(_steps(chosen))
    out.print(_late(chosen))
    out.print(_memory(chosen))
    out.print(_suites(chosen))
    out.print(_counted(chosen))


def _nothing_changed(effort: Repetitions) -> Table:
    table = Table(title="Nothing changed: series in which a change is named", title_justify="left")
    _columns(table, "noise", [f"{runs} runs" for runs in LENGTHS])
    for name, noise in NOISE_KINDS.items():
        shares = [false_alarms(noise, runs, effort.alone) for runs in LENGTHS]
        table.add_row(name, *(f"{share:.2%}" for share in shares))
    return table


def _steps(effort: Repetitions) -> Table:
    table = Table(
        title="A step in the middle: found in its run, or one beside it", title_justify="left"
    )
    _columns(
        table, "noise", [f"{step:.0%}, {runs} runs" for step in PLANTED_STEPS for runs in LENGTHS]
    )
    for name, noise in NOISE_KINDS.items():
        shares = [
            found_steps(noise, runs, runs // 2, step, effort.steps)[0]
            for step in PLANTED_STEPS
            for runs in LENGTHS
        ]
        table.add_row(name, *(f"{share:.0%}" for share in shares))
    return table


def _late(effort: Repetitions) -> Table:
    table = Table(
        title="A step of 25% before the last runs of 12: found / named elsewhere",
        title_justify="left",
    )
    last = (1, 2, 3, 4, 6)
    _columns(table, "noise", [f"last {count}" for count in last])
    for name, noise in NOISE_KINDS.items():
        shares = [found_steps(noise, 12, 12 - count, 0.25, effort.steps) for count in last]
        table.add_row(name, *(f"{found:.0%} / {other:.1%}" for found, other in shares))
    return table


def _memory(effort: Repetitions) -> Table:
    table = Table(
        title="Memory: a second copy found in its run / named elsewhere", title_justify="left"
    )
    _columns(table, "readings", [f"{runs} runs" for runs in (4, 12, 30)])
    rng = np.random.default_rng(SEED + 3)
    for luck in (False, True):
        for planted in (False, True):
            shares = [
                memory(runs, runs // 2 if planted else None, luck=luck, count=effort.steps, rng=rng)
                for runs in (4, 12, 30)
            ]
            kind = "by luck a half more" if luck else "stray pages"
            named = f"{kind}, {'a copy more' if planted else 'nothing changed'}"
            table.add_row(named, *(f"{found:.0%} / {other:.1%}" for found, other in shares))
    return table


def _suites(effort: Repetitions) -> Table:
    table = Table(
        title=f"Nothing changed: suites of {SERIES} series in which a change is counted",
        title_justify="left",
    )
    _columns(table, "noise", [f"{runs} runs" for runs in SUITE_LENGTHS])
    for name, noise in NOISE_KINDS.items():
        table.add_row(
            f"times: {name}",
            *(
                suites_with_false_changes(
                    doubts_of_times(noise, runs, effort.alone), effort.suites
                ).share()
                for runs in SUITE_LENGTHS
            ),
        )
    for processes, shared in ((1, False), (PROCESSES, False), (PROCESSES, True)):
        for name, noise in MEMORY_NOISE.items():
            each = f"{plural(processes, 'process', 'processes')} a run"
            whose = ", luck of the run" if shared else ""
            table.add_row(
                f"memory, {each}{whose}: {name}",
                *(
                    suites_with_false_changes(
                        doubts_of_memory(noise, runs, processes, effort.alone, shared=shared),
                        effort.suites,
                    ).share()
                    for runs in SUITE_LENGTHS
                ),
            )
    return table


def _counted(effort: Repetitions) -> Table:
    """One change, and ten, among the series of a suite."""
    table = Table(
        title=f"Of {SERIES} series one / ten change in the middle: counted", title_justify="left"
    )
    _columns(table, "change", [f"{runs} runs" for runs in SUITE_LENGTHS])
    times: tuple[tuple[str, Noise, float], ...] = tuple(
        (f"times: {name}, {step:.0%}", NOISE_KINDS[name], step)
        for name in ("plain", "heavy tails")
        for step in PLANTED_STEPS[1:]
    )
    for label, noise, step in times:
        cells = []
        for runs in SUITE_LENGTHS:
            same = doubts_of_times(noise, runs, effort.steps)
            changed = doubts_of_times(noise, runs, effort.steps, step)
            shares = (counted_among_others(changed, same, n, effort.suites // 5) for n in (1, 10))
            cells.append(" / ".join(f"{share:.0%}" for share in shares))
        table.add_row(label, *cells)
    noise = MEMORY_NOISE["stray pages"]
    for processes in (1, PROCESSES):
        cells = []
        for runs in SUITE_LENGTHS:
            same = doubts_of_memory(noise, runs, processes, effort.steps)
            changed = doubts_of_memory(noise, runs, processes, effort.steps, 1.0)
            shares = (counted_among_others(changed, same, n, effort.suites // 5) for n in (1, 10))
            cells.append(" / ".join(f"{share:.0%}" for share in shares))
        table.add_row(f"memory, a copy more, processes a run: {processes}", *cells)
    return table


def _columns(table: Table, first: str, others: Iterable[str]) -> None:
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right")


if __name__ == "__main__":
    main()
